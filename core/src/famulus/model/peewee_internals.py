"""All undocumented parts of peewee that we use.

A new version of peewee is checked against this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peewee


def returned_columns(query: Any) -> Sequence[Any]:
    """Return the columns that a query selects, or returns after it has written."""
    columns: Sequence[Any] = query._returning
    return columns


def alias_name(alias: Any) -> str | None:
    """Return the name that a column or a subquery is given; None if it has none."""
    name: str | None = alias._alias
    return name


def table_name(table: type[peewee.Model]) -> str:
    """Return the name of a model's table in the database."""
    return str(table._meta.table_name)


def create_table_sql(table: type[peewee.Model], dialect: peewee.Database) -> str:
    """Return the statement that creates a model's table, without running it."""
    manager: Any = peewee.SchemaManager(table, dialect)
    return str(manager._create_table(safe=False).query()[0])


def create_index_sql(index: peewee.ModelIndex, dialect: peewee.Database) -> str:
    """Return the statement that creates an index, without running it."""
    manager: Any = peewee.SchemaManager(index._model, dialect)  # type: ignore[attr-defined]
    return str(manager._create_index(index, safe=False).query()[0])


def index_name(index: peewee.ModelIndex) -> str:
    """Return the name of an index."""
    return str(index._name)  # type: ignore[attr-defined]


def is_partial(index: peewee.ModelIndex) -> bool:
    """Return whether an index covers only some rows."""
    return index._where is not None  # type: ignore[attr-defined]
