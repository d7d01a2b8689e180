"""The rows of a table, as tests compare them."""

from __future__ import annotations

from typing import Any

from famulus.model.database import Database
from famulus.model.transaction import Row


def rows_of(database: Database, table: Any) -> list[Row]:
    """Return all rows of a table, in the order of their numbers."""
    with database.read() as tx:
        return tx.rows(table.select().order_by(table.id))
