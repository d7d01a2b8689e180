"""The models as SQL, for writing migrations and for testing that these create the same tables."""

from __future__ import annotations

from famulus.model.database_kind import DatabaseKind
from famulus.model.indexes import indexes_of
from famulus.model.peewee_internals import create_index_sql, create_table_sql
from famulus.model.tables import TABLES
from famulus.model.transaction import Dialect


def create_statements(kind: DatabaseKind) -> list[str]:
    """Return the statements that create all tables and their indexes."""
    dialect = Dialect(kind).peewee
    return [
        *(create_table_sql(table, dialect) for table in TABLES),
        *(create_index_sql(index, dialect) for index in indexes_of(kind)),
    ]
