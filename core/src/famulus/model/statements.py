"""Statements of the hot path: built once from the models with peewee, run by the driver.

Compiling a query with peewee costs milliseconds per request (measured); running the same text costs
what the database needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import peewee
from attrs import frozen


class Kind(StrEnum):
    """The two kinds of database there are."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class _Slot:
    """Stands in a compiled statement's values where a parameter goes."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Param(peewee.Node):
    """A named parameter in a query, filled at each run with a value as the database stores it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __sql__(self, ctx: Any) -> Any:
        return ctx.value(_Slot(self.name), converter=False)


@frozen(eq=False)
class Statement:
    """A query with named parameters, compiled once for each kind of database.

    ``query`` is a function of the kind where the two databases need different text.
    """

    query: Any

    def build(self, kind: Kind) -> Any:
        """Return the query for a kind of database."""
        return self.query if isinstance(self.query, peewee.Node) else self.query(kind)


@frozen
class Compiled:
    """A statement's text and how to line up its values."""

    sql: str
    #: parameter names, or constants wrapped in a one-element tuple
    layout: Sequence[str | tuple[Any]]

    def values(self, given: dict[str, Any]) -> tuple[Any, ...]:
        """Return the values in the order the text needs them."""
        return tuple([given[part] if part.__class__ is str else part[0] for part in self.layout])

    def for_rows(self, count: int) -> str:
        """Return the text that inserts so many rows at once; the statement's own inserts one."""
        head, _, row = self.sql.rpartition(" VALUES ")
        return f"{head} VALUES {', '.join([row] * count)}"


def for_update(query: Any, kind: Kind, *, of: Any = None, skip_locked: bool = False) -> Any:
    """Keep others from changing what a select finds until the commit.

    New rows may refer to it meanwhile: a plain ``FOR UPDATE`` would wait for whoever has added one,
    and two of them for each other. On SQLite there is only one who writes.

    :param of: the table whose rows are meant, where the select joins others.
    :param skip_locked: pass over what others keep instead of waiting for them.
    """
    if kind is Kind.SQLITE:
        return query
    return query.for_update("FOR NO KEY UPDATE", of=of, skip_locked=skip_locked)


def compile_query(query: Any, dialect: peewee.Database) -> tuple[str, list[Any]]:
    """Return a query's text and values for a dialect, without any connection."""
    context: Any = dialect.get_sql_context()
    sql, values = context.sql(query).query()
    return sql, values


def compile_statement(statement: Statement, kind: Kind, dialect: peewee.Database) -> Compiled:
    """Build a statement for a dialect."""
    sql, values = compile_query(statement.build(kind), dialect)
    layout = [value.name if isinstance(value, _Slot) else (value,) for value in values]
    return Compiled(sql, tuple(layout))
