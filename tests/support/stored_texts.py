"""Whether a text is stored anywhere in a database or in its files."""

from __future__ import annotations

from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind


def contains(database: Database, text: str) -> bool:
    """Return whether a text is in any column of any table, or in any of the database's files."""
    if database.kind is DatabaseKind.SQLITE:
        assert database.location.path is not None
        folder = database.location.path.parent
        stored = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
        return any(text.encode() in content for content in stored)
    with database.read() as tx:
        tables = tx.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = [tx.sql(f'SELECT t::text FROM "{name}" t').fetchall() for (name,) in tables]
    return any(text in row for found in rows for (row,) in found)
