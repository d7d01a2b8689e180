"""The benchmarks: a module each, and what they share. Nothing here is a test."""
