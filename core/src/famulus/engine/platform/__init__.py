"""Outbox rows, the calls that deliver them, places, and requesters' accounts."""
