"""The models as SQL, for writing a migration and for testing that the migrations lead there."""

from __future__ import annotations

from collections.abc import Sequence

import peewee

from famulus.model.database_kind import DatabaseKind
from famulus.model.peewee_internals import create_statements_of
from famulus.model.transaction import Dialect


def create_statements(tables: Sequence[type[peewee.Model]], kind: DatabaseKind) -> list[str]:
    """Return the statements that create tables and their indexes."""
    dialect = Dialect(kind).peewee
    return [text for table in tables for text in create_statements_of(table, dialect)]
