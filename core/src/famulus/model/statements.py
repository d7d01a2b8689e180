"""Statements of the hot path: built once from the models with peewee, run by the driver.

Compiling a query with peewee costs milliseconds per request (measured); running the same text costs
what the database needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar, overload

import peewee
from attrs import frozen

from famulus.model.database_kind import DatabaseKind
from famulus.model.fields import EnumField
from famulus.model.peewee_internals import alias_name, returned_columns

R = TypeVar("R", bound=tuple[Any, ...])


class _Slot:
    """A placeholder for a parameter among the values of a compiled statement."""

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

    :param query: the query; a function of the kind if the two databases need different text.
    :param row: the NamedTuple that is made of each row it returns; its fields are named like the
        selected columns, or their aliases. A status is a member of its enum; times and JSON keep
        their stored form. Without ``row``, rows are plain tuples.
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


class SqliteStatement(Generic[R]):
    """A query that is run on SQLite only, with its parameters by position.

    It is for the statements of everyday requests; the general :class:`Statement` costs a few
    microseconds more (measured).

    :param params: the names of its parameters, in the order in which values are passed.
    :param row: as for :class:`Statement`, but a status keeps its stored value.
    """

    __slots__ = ("params", "query", "row")

    @overload
    def __init__(self: SqliteStatement[tuple[Any, ...]], query: Any, params: str) -> None: ...
    @overload
    def __init__(self, query: Any, params: str, row: type[R]) -> None: ...
    def __init__(self, query: Any, params: str, row: Any = None) -> None:
        self.query = query
        self.params = params.split()
        self.row = row


class CompiledForSqlite(NamedTuple):
    """The text of an :class:`SqliteStatement`, which numbers its parameters."""

    sql: str
    #: values that stand in the query, and come after the parameters
    constants: tuple[Any, ...]
    make_row: Callable[[Sequence[Any]], Any]


@frozen
class Compiled:
    """A statement's SQL text and the order of its values."""

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

    :param of: the table whose rows are locked, if the select joins others.
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

    :raises TypeError: when the fields of its row are not the columns of the query.
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
    make_row = _row_maker(statement.row, query)
    columns = enumerate(map(_unaliased, returned_columns(query)))
    statuses = [
        (position, {member.value: member for member in column.enum})
        for position, column in columns
        if isinstance(column, EnumField)
    ]
    return Compiled(sql, layout, constants, make_row, tuple(statuses), readers)


def compile_for_sqlite(
    statement: SqliteStatement[Any], dialect: peewee.Database
) -> CompiledForSqlite:
    """Compile a statement for SQLite.

    :raises TypeError: when the fields of its row are not the columns of the query, or its
        parameters not those of the query.
    """
    sql, values = compile_query(statement.query, dialect)
    named = {value.name for value in values if isinstance(value, _Slot)}
    if named != set(statement.params):
        raise TypeError(f"{statement.params} are passed for the parameters {sorted(named)}")
    constants: list[Any] = []
    first, *parts = sql.split("?")
    text = [first]
    for value, part in zip(values, parts, strict=True):
        if isinstance(value, _Slot):
            number = statement.params.index(value.name) + 1
        else:
            constants.append(value)
            number = len(statement.params) + len(constants)
        text.append(f"?{number}{part}")
    make_row = tuple if statement.row is None else _row_maker(statement.row, statement.query)
    return CompiledForSqlite("".join(text), tuple(constants), make_row)


def _row_maker(row: Any, query: Any) -> Callable[[Sequence[Any]], Any]:
    names, fields = tuple(map(_column_name, returned_columns(query))), row._fields
    if names != fields:
        raise TypeError(f"{row.__name__} has the fields {fields} for columns {names}")
    # The number of columns is known to be right, and _make is a function in Python that checks it.
    return partial(tuple.__new__, row)


def column_readers(query: Any) -> list[Callable[[Any], Any] | None]:
    """Return, for each column of a query, the function that converts a stored value to Python's.

    None takes the place of the function for a column that needs no conversion. A query that returns
    no rows has no functions.
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
    """Return the name of a column in a row; None if the query gives it none."""
    if isinstance(column, peewee.Alias | peewee.Source):
        return alias_name(column)
    return str(column.name) if isinstance(column, peewee.Field) else None
