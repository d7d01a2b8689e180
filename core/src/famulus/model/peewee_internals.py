"""Every part of peewee that we use although its documentation does not name it.

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
    """Return the name that a column or a subquery is given; None where it has none."""
    name: str | None = alias._alias
    return name


def table_name(table: type[peewee.Model]) -> str:
    """Return the name of a model's table in the database."""
    return str(table._meta.table_name)


def create_statements_of(table: type[peewee.Model], dialect: peewee.Database) -> list[str]:
    """Return the statements that create a model's table and its indexes, without running them."""
    manager: Any = peewee.SchemaManager(table, dialect)
    contexts = [manager._create_table(safe=False), *manager._create_indexes(safe=False)]
    return [context.query()[0] for context in contexts]


def table_indexes(table: type[peewee.Model]) -> list[tuple[str, bool]]:
    """Return the name of each index that a model declares, and whether it is a partial one."""
    return [(index._name, index._where is not None) for index in table._meta.indexes]
