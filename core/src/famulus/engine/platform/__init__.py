"""A run's platform: its provider constructed, outbox rows mapped to calls, visits synced."""
