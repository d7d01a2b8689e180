"""Databases for tests that leave more in them than rows."""

from __future__ import annotations

import pytest

from famulus.testing.databases import PostgresDatabases


@pytest.fixture
def own_address(request: pytest.FixtureRequest, database_address: str) -> str:
    """A database that keeps its new tables to itself."""
    if not database_address.startswith("postgresql"):
        return database_address
    databases: PostgresDatabases = request.getfixturevalue("postgres")
    with databases.fresh() as address:
        return address
