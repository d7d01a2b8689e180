"""The transaction that is passed to a job: compiled statements, peewee queries and plain SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from types import SimpleNamespace
from typing import Any

import peewee

from famulus.model.database_kind import DatabaseKind
from famulus.model.fields import to_micros
from famulus.model.statements import (
    Compiled,
    CompiledForSqlite,
    R,
    SqliteStatement,
    Statement,
    column_readers,
    compile_for_sqlite,
    compile_query,
    compile_statement,
)

#: The maximum number of rows in one insert: the number of values per statement is limited.
_ROWS_AT_ONCE = 1_000

#: A row with an attribute for each selected column, in Python's types.
Row = SimpleNamespace


class Dialect:
    """The SQL of one kind of database: compiles statements and caches them."""

    def __init__(self, kind: DatabaseKind) -> None:
        self.kind = kind
        #: used to make SQL text and never connected
        self.peewee: peewee.Database = (
            peewee.SqliteDatabase(None)
            if kind is DatabaseKind.SQLITE
            else peewee.PostgresqlDatabase(None)
        )
        self.compiled: Mapping[Statement[Any], Compiled] = _CompiledStatements(self)
        self.for_sqlite: Mapping[SqliteStatement[Any], CompiledForSqlite] = _SqliteStatements(self)


class _CompiledStatements(dict[Statement[Any], Compiled]):
    """Statements of one dialect, each compiled when it is first looked up."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__()
        self._dialect = dialect

    def __missing__(self, statement: Statement[Any]) -> Compiled:
        dialect = self._dialect
        compiled = self[statement] = compile_statement(statement, dialect.kind, dialect.peewee)
        return compiled


class _SqliteStatements(dict[SqliteStatement[Any], CompiledForSqlite]):
    """Statements for SQLite only, each compiled when it is first looked up."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__()
        self._dialect = dialect

    def __missing__(self, statement: SqliteStatement[Any]) -> CompiledForSqlite:
        compiled = self[statement] = compile_for_sqlite(statement, self._dialect.peewee)
        return compiled


@cache
def dialect_of(kind: DatabaseKind) -> Dialect:
    """Return the dialect that all databases of a kind share in this process."""
    return Dialect(kind)


class Transaction:
    """An open transaction on a connection of the driver. It is only valid while its job runs.

    ``now`` is the time at its start, so that all rows that a job writes have the same time, and
    ``micros`` is the same time as it is stored.
    """

    __slots__ = ("_appended", "_connection", "_dialect", "micros", "now")

    def __init__(self, connection: Any, dialect: Dialect, now: datetime) -> None:
        self._connection = connection
        self._dialect = dialect
        self._appended: dict[Statement[Any], list[tuple[Any, ...]]] = {}
        self.now = now
        self.micros = to_micros(now)

    @property
    def kind(self) -> DatabaseKind:
        """The kind of database."""
        return self._dialect.kind

    def run(self, statement: Statement[Any], **params: Any) -> Any:
        """Run a statement; parameters are given in their stored form.

        Return the cursor, whose rows are plain tuples.
        """
        compiled = self._dialect.compiled[statement]
        params.update(compiled.constants)
        values = tuple(map(params.__getitem__, compiled.layout))
        return self._connection.execute(compiled.sql, values)

    def one(self, statement: Statement[R], **params: Any) -> R | None:
        """Run a statement and return its first row, or None."""
        compiled = self._dialect.compiled[statement]
        params.update(compiled.constants)
        values = tuple(map(params.__getitem__, compiled.layout))
        row: R | None = self._connection.execute(compiled.sql, values).fetchone()
        if row is not None and compiled.make_row is not None:
            row = compiled.make_row(_with_statuses(compiled, row) if compiled.statuses else row)
        return row

    def all(self, statement: Statement[R], **params: Any) -> list[R]:
        """Run a statement and return all its rows."""
        compiled = self._dialect.compiled[statement]
        params.update(compiled.constants)
        values = tuple(map(params.__getitem__, compiled.layout))
        rows: list[Any] = self._connection.execute(compiled.sql, values).fetchall()
        if compiled.make_row is None:
            return rows
        if compiled.statuses:
            rows = [_with_statuses(compiled, row) for row in rows]
        return list(map(compiled.make_row, rows))

    def on_sqlite(self, statement: SqliteStatement[Any], *values: Any) -> Any:
        """Run an :class:`SqliteStatement` with its parameters in their order; return the cursor."""
        sql, constants, _ = self._dialect.for_sqlite[statement]
        return self._connection.execute(sql, values + constants)

    def one_on_sqlite(self, statement: SqliteStatement[R], *values: Any) -> R | None:
        """Run an :class:`SqliteStatement` and return its first row, or None."""
        sql, constants, make_row = self._dialect.for_sqlite[statement]
        row = self._connection.execute(sql, values + constants).fetchone()
        return None if row is None else make_row(row)

    def insert_rows(self, statement: Statement[Any], rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows with a statement that inserts one; far faster than :meth:`many`.

        Each row holds the values in the order in which the statement's text names them.
        """
        head, _, row = self._dialect.compiled[statement].sql.rpartition(" VALUES ")
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            part = rows[start : start + _ROWS_AT_ONCE]
            text = f"{head} VALUES {', '.join([row] * len(part))}"
            self._connection.execute(text, tuple(chain.from_iterable(part)))

    def append(self, statement: Statement[Any], **params: Any) -> None:
        """Insert a row with a statement once the job has ended.

        All rows of a statement are inserted at once, in their order. The job does not see them.
        """
        compiled = self._dialect.compiled[statement]
        params.update(compiled.constants)
        values = tuple(map(params.__getitem__, compiled.layout))
        self._appended.setdefault(statement, []).append(values)

    def finish(self) -> None:
        """Insert the appended rows; the backend calls this once it has run the job."""
        for statement, rows in self._appended.items():
            self.insert_rows(statement, rows)

    def many(self, statement: Statement[Any], rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once per row, through the driver's ``executemany``.

        Each row holds the values in the order in which the statement's text names them.
        """
        compiled = self._dialect.compiled[statement]
        self._connection.cursor().executemany(compiled.sql, rows)

    def sql(self, text: str, values: Sequence[Any] = ()) -> Any:
        """Run SQL text that peewee cannot express."""
        return self._connection.execute(text, tuple(values))

    def execute(self, query: Any) -> Any:
        """Run a peewee query and return the cursor."""
        text, values = compile_query(query, self._dialect.peewee)
        return self._connection.execute(text, tuple(values))

    def rows(self, query: Any) -> list[Row]:
        """Run a peewee select and return its rows in Python's types."""
        return list(self.iterate(query))

    def rows_of(self, statement: Statement[Any], **params: Any) -> list[Row]:
        """Run a compiled select; parameters are given in their stored form.

        Return its rows in Python's types.
        """
        readers = self._dialect.compiled[statement].readers
        return list(_typed(self.run(statement, **params), readers))

    def row_of(self, statement: Statement[Any], **params: Any) -> Row | None:
        """Run a compiled select like :meth:`rows_of`; return its first row, or None."""
        return next(iter(self.rows_of(statement, **params)), None)

    def iterate(self, query: Any) -> Iterator[Row]:
        """Run a peewee select and yield its rows in Python's types, one at a time."""
        yield from _typed(self.execute(query), column_readers(query))

    def row(self, query: Any) -> Row | None:
        """Run a peewee select and return its first row, or None."""
        return next(iter(self.rows(query)), None)

    def insert(self, table: type[peewee.Model], **values: Any) -> int:
        """Insert one row of values in Python's types; return its id."""
        query = table.insert(**values).returning(table.id)  # type: ignore[attr-defined]
        return int(self.execute(query).fetchone()[0])


def _typed(cursor: Any, readers: Sequence[Callable[[Any], Any] | None]) -> Iterator[Row]:
    """Yield the rows of a cursor with their stored values converted to Python's."""
    names = [description[0] for description in cursor.description]
    for values in cursor:
        yield Row(
            **{
                name: read(value) if read else value
                for name, read, value in zip(names, readers, values, strict=True)
            }
        )


def _with_statuses(compiled: Compiled, row: Sequence[Any]) -> Sequence[Any]:
    """Return a statement's row with statuses converted to members of their enums."""
    values = [*row]
    for position, members in compiled.statuses:
        if values[position] is not None:
            values[position] = members[values[position]]
    return values


def compiled_for(tx: Transaction, query: Any) -> Compiled:
    """Compile a query that has parameters, for :func:`run_compiled`; its text is not kept."""
    return compile_statement(Statement(query), tx.kind, tx._dialect.peewee)


def run_compiled(tx: Transaction, compiled: Compiled, **params: Any) -> Any:
    """Run a compiled query, in the transaction it was compiled for or in a later one."""
    params.update(compiled.constants)
    values = tuple(map(params.__getitem__, compiled.layout))
    return tx._connection.execute(compiled.sql, values)
