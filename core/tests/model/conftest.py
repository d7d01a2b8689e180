"""Databases for tests that leave more in them than rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from famulus.testing.databases import PostgresDatabases


@pytest.fixture
def own_address(request: pytest.FixtureRequest, database_address: str, tmp_path: Path) -> str:
    """A database that has no tables yet, and keeps its new ones to itself."""
    if not database_address.startswith("postgresql"):
        return str(tmp_path / "own.db")
    databases: PostgresDatabases = request.getfixturevalue("postgres")
    with databases.fresh() as address:
        return address
