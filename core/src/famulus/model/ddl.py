"""The models as SQL, for writing a migration and for testing that the migrations lead there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peewee

from famulus.model.statements import Kind
from famulus.model.transaction import Dialect


def create_statements(tables: Sequence[type[peewee.Model]], kind: Kind) -> list[str]:
    """Return the statements that create tables and their indexes."""
    dialect = Dialect(kind).peewee
    statements: list[str] = []
    for table in tables:
        manager: Any = peewee.SchemaManager(table, dialect)
        contexts = [manager._create_table(safe=False), *manager._create_indexes(safe=False)]
        statements.extend(context.query()[0] for context in contexts)
    return statements
