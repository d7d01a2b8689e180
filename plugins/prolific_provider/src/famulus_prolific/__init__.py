"""Prolific: the provider ``prolific``."""
