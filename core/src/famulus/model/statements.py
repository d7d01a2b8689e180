"""Statements of the hot path: built once from the models with peewee, run by the driver.

Compiling a query with peewee costs milliseconds per request (measured); running the same text costs
what the database needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, Generic, TypeVar, overload

import peewee
from attrs import frozen

from famulus.model.database_kind import DatabaseKind
from famulus.model.fields import EnumField
from famulus.model.peewee_internals import alias_name, returned_columns

R = TypeVar("R", bound=tuple[Any, ...])


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


class Statement(Generic[R]):
    """A query with named parameters, compiled once for each kind of database.

    :param query: a function of the kind where the two databases need different text.
    :param row: the NamedTuple that is made of each row it returns; its fields are named like the
        selected columns, or their aliases. A status is a member of its enum; times and JSON are as
        they are stored. Without it, rows are plain tuples.
    """

    __slots__ = ("query", "row")

    @overload
    def __init__(self: Statement[tuple[Any, ...]], query: Any) -> None: ...
    @overload
    def __init__(self, query: Any, row: type[R]) -> None: ...
    def __init__(self, query: Any, row: Any = None) -> None:
        self.query = query
        self.row = row

    def build(self, kind: DatabaseKind) -> Any:
        """Return the query for a kind of database."""
        return self.query if isinstance(self.query, peewee.Node) else self.query(kind)


@frozen
class Compiled:
    """A statement's text and how to line up its values."""

    sql: str
    #: the keys of the values in their order: names of parameters, and keys of constants
    layout: Sequence[str]
    #: values that stand in the query, under keys that no parameter can have
    constants: Mapping[str, Any]
    #: makes a record of a row that the statement returns; None leaves it a tuple
    make_row: Callable[[Sequence[Any]], Any] | None
    #: the positions of statuses in a row, each with the members of its enum by their values
    statuses: Sequence[tuple[int, Mapping[str, StrEnum]]] = ()
    #: those of :func:`column_readers`
    readers: Sequence[Callable[[Any], Any] | None] = ()


def for_update(query: Any, kind: DatabaseKind, *, of: Any = None, skip_locked: bool = False) -> Any:
    """Lock the rows that a select returns until the commit.

    New rows may still refer to them: a plain ``FOR UPDATE`` would wait for each transaction
    that has added one, and two could deadlock. On SQLite only one transaction writes at a time.

    :param of: the table whose rows are meant, where the select joins others.
    :param skip_locked: leave out rows that others have locked instead of waiting for them.
    """
    if kind is DatabaseKind.SQLITE:
        return query
    return query.for_update("FOR NO KEY UPDATE", of=of, skip_locked=skip_locked)


def compile_query(query: Any, dialect: peewee.Database) -> tuple[str, list[Any]]:
    """Return a query's text and values for a dialect, without any connection."""
    context: Any = dialect.get_sql_context()
    sql, values = context.sql(query).query()
    return sql, values


def compile_statement(
    statement: Statement[Any], kind: DatabaseKind, dialect: peewee.Database
) -> Compiled:
    """Compile a statement for a dialect.

    :raises TypeError: when its row has other fields than the query has columns.
    """
    query = statement.build(kind)
    sql, values = compile_query(query, dialect)
    constants = {
        f"={position}": value
        for position, value in enumerate(values)
        if not isinstance(value, _Slot)
    }
    layout = tuple(
        value.name if isinstance(value, _Slot) else f"={position}"
        for position, value in enumerate(values)
    )
    readers = column_readers(query)
    if statement.row is None:
        return Compiled(sql, layout, constants, None, readers=readers)
    names, fields = tuple(map(_column_name, returned_columns(query))), statement.row._fields
    if names != fields:
        raise TypeError(f"{statement.row.__name__} has the fields {fields} for columns {names}")
    columns = enumerate(map(_unaliased, returned_columns(query)))
    statuses = [
        (position, {member.value: member for member in column.enum})
        for position, column in columns
        if isinstance(column, EnumField)
    ]
    # The number of columns is known to be right, and _make is a function in Python that checks it.
    make_row = partial(tuple.__new__, statement.row)
    return Compiled(sql, layout, constants, make_row, tuple(statuses), readers)


def column_readers(query: Any) -> list[Callable[[Any], Any] | None]:
    """Return, for each column of a query, the function that makes a Python value of a stored one.

    It is None where the stored value needs no conversion. A query that returns nothing has none.
    """
    return [_reader(column) for column in returned_columns(query) or ()]


def _reader(column: Any) -> Callable[[Any], Any] | None:
    column = _unaliased(column)
    if isinstance(column, peewee.ForeignKeyField):
        return None
    if isinstance(column, peewee.Field):
        return column.python_value
    return None


def _unaliased(column: Any) -> Any:
    while isinstance(column, peewee.Alias):
        column = column.node
    return column


def _column_name(column: Any) -> str | None:
    """Return the name of a column in a row; None where a query has given it none."""
    if isinstance(column, peewee.Alias | peewee.Source):
        return alias_name(column)
    return str(column.name) if isinstance(column, peewee.Field) else None
