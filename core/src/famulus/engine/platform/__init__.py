"""What a platform is told, and what it says."""
