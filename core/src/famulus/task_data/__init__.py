"""The rows of a task: read from CSV and JSON files, or given in Python, and checked whole."""
