"""Writes to SQLite that need not survive a power failure, and whether others have written."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

from famulus.clock import Clock
from famulus.model.transaction import Dialect, Transaction

T = TypeVar("T")


class UnsyncedWrites:
    """A connection whose commits are not synced to the disk.

    They survive the end of the process. A power failure may undo the newest commits, but none
    before a synced commit: the log is sequential, and a sync covers all of it.

    :param connect: opens the connection, at the first use.
    :param lock: the lock that writers take, opened for this connection only.
    :param count_commit: is called after each commit.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        lock: AbstractContextManager[None],
        count_commit: Callable[[], None],
        dialect: Dialect,
        clock: Clock,
    ) -> None:
        self._connect = connect
        self._lock = lock
        self._count_commit = count_commit
        self._dialect = dialect
        self._clock = clock
        self._mutex = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def write(self, job: Callable[[Transaction], T]) -> T:
        """Run a job in a transaction; return its result once it is committed."""
        with self._opened() as connection, self._lock:
            connection.execute("BEGIN IMMEDIATE")
            try:
                transaction = Transaction(connection, self._dialect, self._clock())
                result = job(transaction)
                transaction.finish()
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        self._count_commit()
        return result

    def data_version(self) -> int:
        """Return a number that changes with each commit of another connection."""
        with self._opened() as connection:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close the connection."""
        with self._mutex:
            if self._connection is not None:
                self._connection.close()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            if self._connection is None:
                connection = self._connect()
                connection.execute("PRAGMA synchronous=NORMAL")
                connection.execute("PRAGMA wal_autocheckpoint=0")
                self._connection = connection
            yield self._connection
