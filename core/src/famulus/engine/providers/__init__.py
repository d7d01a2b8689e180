"""A run's provider in use: deliver what is due to its platform, and follow what it reports."""
