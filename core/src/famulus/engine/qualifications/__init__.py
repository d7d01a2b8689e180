"""Qualifications of workers: rules that ask for them, grants, and blocks."""
