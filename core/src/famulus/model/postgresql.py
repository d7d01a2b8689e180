"""PostgreSQL through psycopg 3: a transaction a job."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from famulus.clock import Clock
from famulus.errors import DatabaseError, MissingDriverError, UnavailableError
from famulus.model.pool import Pool
from famulus.model.statements import Kind
from famulus.model.transaction import Dialect, Transaction

T = TypeVar("T")

#: Times a job is run again when PostgreSQL has ended it in favour of another.
_TRIES = 8


class PostgresqlBackend:
    """One PostgreSQL database by URL."""

    kind = Kind.POSTGRESQL

    def __init__(self, url: str, clock: Clock) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise MissingDriverError(
                'PostgreSQL needs a driver: pip install "famulus[postgres]"'
            ) from error
        self._psycopg = psycopg
        self._url = url
        self.dialect = Dialect(Kind.POSTGRESQL)
        self._clock = clock
        self._writing = threading.local()
        self._pool = Pool(self._connect, lambda connection: connection.close())
        with self._pool.borrow():
            """Fail now, with a sentence, rather than at the first query."""

    def write(self, job: Callable[[Transaction], T]) -> T:
        """Run a job in a transaction; return its result once it is committed.

        The job is run again when PostgreSQL has ended it in favour of another.

        :raises RuntimeError: when called from within a job, which could wait for itself.
        """
        if getattr(self._writing, "now", False):
            raise RuntimeError("a write inside a write: use the transaction the job was given")
        self._writing.now = True
        try:
            return self._write(job)
        finally:
            self._writing.now = False

    def _write(self, job: Callable[[Transaction], T]) -> T:
        errors = self._psycopg.errors
        transient = (errors.DeadlockDetected, errors.SerializationFailure)
        for left in reversed(range(_TRIES)):
            try:
                with self._pool.borrow() as connection, connection.transaction():
                    transaction = Transaction(connection, self.dialect, self._clock())
                    result = job(transaction)
                    transaction.finish()
                    return result
            except transient as error:
                if not left:
                    raise UnavailableError(f"the database is too busy: {error}") from error
            except self._psycopg.OperationalError as error:
                raise UnavailableError(f"the database is away: {error}") from error
        raise AssertionError("the last try returns or raises")

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that sees one moment of the database."""
        with self._pool.borrow() as connection:
            try:
                with connection.transaction():
                    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                    yield Transaction(connection, self.dialect, self._clock())
            except self._psycopg.OperationalError as error:
                raise UnavailableError(f"the database is away: {error}") from error

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def _connect(self) -> Any:
        try:
            return self._psycopg.connect(self._url, autocommit=True)
        except self._psycopg.OperationalError as error:
            text = str(error).strip().splitlines()[0]
            raise DatabaseError(f"cannot open the PostgreSQL database: {text}") from error
