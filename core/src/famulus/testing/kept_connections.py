"""Connections to PostgreSQL that one test passes on to the next."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

#: The state of a connection without a transaction: psycopg.pq.TransactionStatus.IDLE.
_IDLE = 0
#: How many are kept with the same parameters; a test with many threads needs more for a moment.
_MOST = 8


class KeptConnections:
    """Lend connections; when a borrower closes one, keep it for the next use of its parameters.

    Only a connection that is open and in no transaction is kept. Its session goes on, with its
    prepared statements and any change by ``SET``. A process that is forked from this one opens its
    own connections.

    :param make: opens a connection of psycopg's, in autocommit, from libpq's parameters.
    """

    def __init__(self, make: Callable[[Mapping[str, str]], Any]) -> None:
        self._make = make
        self._free: dict[frozenset[tuple[str, str]], list[Any]] = {}
        self._mutex = threading.Lock()
        self._process = os.getpid()
        self._loans = 0

    def connect(self, params: Mapping[str, str]) -> Any:
        """Lend a kept connection, or a new one."""
        if os.getpid() != self._process:
            return self._make(params)
        key = frozenset(params.items())
        while True:
            with self._mutex:
                free = self._free.get(key)
                connection = free.pop() if free else None
                loans = self._loans
            if connection is None:
                connection = self._make(params)
            if not connection.closed:
                return _Lent(connection, partial(self._give_back, key, loans))

    def end_loans(self) -> None:
        """Keep none of the connections that are lent now: the server is about to end them."""
        with self._mutex:
            self._loans += 1

    def processes(self) -> list[int]:
        """Return the id of the server's process for each free connection."""
        with self._mutex:
            free = [connection for each in self._free.values() for connection in each]
        return [connection.info.backend_pid for connection in free if not connection.closed]

    def close(self) -> None:
        """Close the connections that are free."""
        with self._mutex:
            free = [connection for each in self._free.values() for connection in each]
            self._free.clear()
        for connection in free:
            connection.close()

    def _give_back(self, key: frozenset[tuple[str, str]], loans: int, connection: Any) -> None:
        if not connection.closed and connection.info.transaction_status == _IDLE:
            with self._mutex:
                free = self._free.setdefault(key, [])
                if loans == self._loans and len(free) < _MOST:
                    free.append(connection)
                    return
        connection.close()


class _Lent:
    """A connection until its borrower closes it."""

    __slots__ = ("__weakref__", "_connection", "_give_back")

    def __init__(self, connection: Any, give_back: Callable[[Any], None]) -> None:
        self._connection = connection
        self._give_back = give_back

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    @property
    def closed(self) -> bool:
        """Whether the borrower or the server has closed the connection."""
        return self._connection is None or self._connection.closed

    def close(self) -> None:
        """Return the connection to its lender; may be called twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._give_back(connection)
