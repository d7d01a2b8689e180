"""PostgreSQL databases for tests; databases and connections are reused."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from famulus.model import postgresql
from famulus.testing.kept_connections import KeptConnections
from famulus.testing.postgres import database_url, postgres_server

_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL(%s)
"""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND NOT tablename = ANY(%s)"
#: the versions of the tables, and the identity
_KEPT = ["famulus_schema", "setting"]


class PostgresDatabases:
    """Lend databases of one server; emptying one is much faster than creating one."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._free: list[str] = []
        self._made = 0
        self._emptying: dict[str, Any] = {}
        self._kept = KeptConnections(postgresql.connect)

    @property
    def connect(self) -> Callable[[Mapping[str, str]], Any]:
        """Return a replacement of :func:`famulus.model.postgresql.connect` that reuses connections.

        A new connection and its first queries often take longer than a test.
        """
        return self._kept.connect

    @contextlib.contextmanager
    def lend(self) -> Iterator[str]:
        """Lend a database without rows for the length of a ``with`` block; yield its URL."""
        address = self._free.pop() if self._free else self._make()
        try:
            yield address
        finally:
            self._empty(address)
            self._free.append(address)

    @contextlib.contextmanager
    def fresh(self) -> Iterator[str]:
        """Make a database without tables for the length of a ``with`` block; yield its URL."""
        address = self._make()
        yield address

    def _make(self) -> str:
        self._made += 1
        name = f"test_{self._made}"
        with _connection(self._server) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return database_url(self._server, name)

    def close(self) -> None:
        """Close all connections."""
        self._kept.close()
        while self._emptying:
            self._emptying.popitem()[1].close()

    def _empty(self, address: str) -> None:
        connection = self._connection(address)
        self._kept.end_loans()
        connection.execute(_END_SESSIONS, (self._kept.processes(),))
        names = connection.execute(_TABLES, (_KEPT,)).fetchall()
        connection.execute("; ".join(f'DELETE FROM "{name}"' for (name,) in names))

    def _connection(self, address: str) -> Any:
        """Return the connection that empties a database; it stays open: opening it is slow."""
        connection = self._emptying.get(address)
        if connection is None:
            connection = self._emptying[address] = _connection(address)
            # Without foreign keys, tables can be emptied in any order.
            connection.execute("SET session_replication_role = replica")
        return connection


@contextlib.contextmanager
def postgres_databases() -> Iterator[PostgresDatabases]:
    """Run a server for the length of a ``with`` block and lend its databases.

    :raises LookupError: when PostgreSQL or its driver is not installed; the message explains how to
        get it.
    """
    with (
        postgres_server() as server,
        contextlib.closing(PostgresDatabases(server)) as databases,
    ):
        yield databases


def _connection(address: str) -> Any:
    import psycopg

    return psycopg.connect(address, autocommit=True)
