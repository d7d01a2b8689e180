"""What each command takes and what its help says, without the imports of its work."""
