"""What a job sees of the database: one open transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from types import SimpleNamespace
from typing import Any

import peewee

from famulus.model.database_kind import DatabaseKind
from famulus.model.fields import to_micros
from famulus.model.statements import (
    Compiled,
    R,
    Statement,
    column_readers,
    compile_query,
    compile_statement,
)

#: Rows of one insert at the most: what one statement may have in values is limited.
_ROWS_AT_ONCE = 1_000

#: A row with an attribute for each selected column, in Python's types.
Row = SimpleNamespace


class Dialect:
    """How to say things to one kind of database: compiled statements, kept."""

    def __init__(self, kind: DatabaseKind) -> None:
        self.kind = kind
        #: used to make SQL text and never connected
        self.peewee: peewee.Database = (
            peewee.SqliteDatabase(None)
            if kind is DatabaseKind.SQLITE
            else peewee.PostgresqlDatabase(None)
        )
        self._compiled: dict[Statement[Any], Compiled] = {}

    def compiled(self, statement: Statement[Any]) -> Compiled:
        """Return the statement's text for this kind of database, made at first use."""
        found = self._compiled.get(statement)
        if found is None:
            found = self._compiled[statement] = compile_statement(statement, self.kind, self.peewee)
        return found


class Transaction:
    """One transaction, on the driver's own connection. Only valid while its job runs.

    ``now`` is the clock's reading at its start, so that all that one job writes has one time, and
    ``micros`` the same as it is stored.
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
        """Run a hot statement with values as the database stores them; return the cursor, whose
        rows are plain tuples.
        """
        compiled = self._dialect.compiled(statement)
        return self._connection.execute(compiled.sql, _values(compiled, params))

    def one(self, statement: Statement[R], **params: Any) -> R | None:
        """Run a hot statement and return its first row, or None."""
        compiled = self._dialect.compiled(statement)
        row: R | None = self._connection.execute(compiled.sql, _values(compiled, params)).fetchone()
        if row is not None and compiled.make_row is not None:
            row = _record(compiled, row)
        return row

    def all(self, statement: Statement[R], **params: Any) -> list[R]:
        """Run a hot statement and return all its rows."""
        compiled = self._dialect.compiled(statement)
        rows = self._connection.execute(compiled.sql, _values(compiled, params)).fetchall()
        return rows if compiled.make_row is None else [_record(compiled, row) for row in rows]

    def insert_rows(self, statement: Statement[Any], rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows by a hot statement that inserts one; far faster than :meth:`many`.

        Each row holds the values in the order in which the statement's text names them.
        """
        head, _, row = self._dialect.compiled(statement).sql.rpartition(" VALUES ")
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            part = rows[start : start + _ROWS_AT_ONCE]
            text = f"{head} VALUES {', '.join([row] * len(part))}"
            self._connection.execute(text, tuple(chain.from_iterable(part)))

    def append(self, statement: Statement[Any], **params: Any) -> None:
        """Insert a row by a hot statement when the job has ended: all of its rows at once, in their
        order. The job itself does not see them.
        """
        values = _values(self._dialect.compiled(statement), params)
        self._appended.setdefault(statement, []).append(values)

    def finish(self) -> None:
        """Insert what was appended; called by the backend once it has run the job."""
        for statement, rows in self._appended.items():
            self.insert_rows(statement, rows)

    def many(self, statement: Statement[Any], rows: Iterable[Sequence[Any]]) -> None:
        """Run a hot statement once for each row, through the driver's executemany.

        Each row holds the values in the order in which the statement's text names them.
        """
        compiled = self._dialect.compiled(statement)
        self._connection.cursor().executemany(compiled.sql, rows)

    def sql(self, text: str, values: Sequence[Any] = ()) -> Any:
        """Run SQL text as it is, for what peewee has no words for."""
        return self._connection.execute(text, tuple(values))

    def execute(self, query: Any) -> Any:
        """Run a peewee query, whose values are in Python's types; return the cursor."""
        text, values = compile_query(query, self._dialect.peewee)
        return self._connection.execute(text, tuple(values))

    def rows(self, query: Any) -> list[Row]:
        """Run a peewee select and return its rows in Python's types."""
        return list(self.iterate(query))

    def iterate(self, query: Any) -> Iterator[Row]:
        """Run a peewee select and yield its rows in Python's types, as they come."""
        cursor = self.execute(query)
        readers = column_readers(query)
        names = [description[0] for description in cursor.description]
        for values in cursor:
            yield Row(
                **{
                    name: read(value) if read else value
                    for name, read, value in zip(names, readers, values, strict=True)
                }
            )

    def row(self, query: Any) -> Row | None:
        """Run a peewee select and return its first row, or None."""
        return next(iter(self.rows(query)), None)

    def insert(self, table: type[peewee.Model], **values: Any) -> int:
        """Insert one row of values in Python's types; return its number."""
        query = table.insert(**values).returning(table.id)  # type: ignore[attr-defined]
        return int(self.execute(query).fetchone()[0])


def _values(compiled: Compiled, given: dict[str, Any]) -> tuple[Any, ...]:
    """Return the values in the order in which a statement's text needs them."""
    return tuple([given[part] if part.__class__ is str else part[0] for part in compiled.layout])


def _record(compiled: Compiled, row: Sequence[Any]) -> Any:
    """Make the record of a row that a statement returned."""
    assert compiled.make_row is not None
    if compiled.statuses:
        row = [*row]
        for position, members in compiled.statuses:
            if row[position] is not None:
                row[position] = members[row[position]]
    return compiled.make_row(row)
