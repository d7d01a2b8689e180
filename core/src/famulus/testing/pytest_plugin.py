"""Loaded by pytest with ``-p famulus.testing.pytest_plugin``: fixtures for plugin authors."""
