"""From a decision to what is paid."""
