"""The reference for comparison: bare Flask under granian, one durable insert per request.

One worker, one thread, a lock. Every page and every submission inserts the raw request into an
SQLite file with the settings of Famulus (write-ahead log, ``synchronous=FULL``), or into
PostgreSQL through psycopg, and answers with the bytes that Famulus answered with. It parses
nothing, knows no worker and remembers nothing. Run as a script with a port, a database (a path or
a URL), a page's file and a reply's file.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import MPServer


def application(database: str, page: bytes, reply: bytes) -> Flask:
    """Make the application."""
    is_postgresql = database.startswith("postgresql:")
    connection, insert = (_postgresql if is_postgresql else _sqlite)(database)
    lock = threading.Lock()
    app = Flask(__name__, static_folder=None)

    def keep(body: bytes) -> None:
        with lock:
            connection.execute(insert, (body,))

    @app.get("/")
    def arrive() -> Response:
        keep(request.query_string)
        return Response(page, content_type="text/html; charset=utf-8")

    @app.post("/submit")
    def submit() -> Response:
        keep(request.get_data())
        return Response(reply, content_type="application/json")

    return app


def _sqlite(path: str) -> tuple[Any, str]:
    """Return a connection and its statement to insert a row."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS received (id INTEGER PRIMARY KEY, body BLOB)")
    return connection, "INSERT INTO received (body) VALUES (?)"


def _postgresql(url: str) -> tuple[Any, str]:
    """Return a connection and its statement to insert a row."""
    import psycopg

    connection = psycopg.connect(url, autocommit=True)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS received"
        " (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body BYTEA)"
    )
    return connection, "INSERT INTO received (body) VALUES (%s)"


def main(port: str, database: str, page: str, reply: str) -> None:
    """Serve until SIGTERM."""
    files: Sequence[bytes] = [Path(page).read_bytes(), Path(reply).read_bytes()]
    server = MPServer(
        "",
        address="127.0.0.1",
        port=int(port),
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=1,
        blocking_threads=1,
        log_level=LogLevels.error,
    )
    loader = partial(application, database, *files)
    server.serve(target_loader=loader, wrap_loader=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
