"""The kit's PostgreSQL server: its end, and the messages where there is none."""

from __future__ import annotations

import importlib.machinery
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from famulus.model import postgresql
from famulus.model.database import Database
from famulus.model.location import locate
from famulus.testing import databases, postgres
from famulus.testing.databases import PostgresDatabases
from famulus.testing.waiting import wait_until

#: Prints the URL of a server of its own, then waits.
SERVING = """
import time
from famulus.testing.postgres import postgres_server

with postgres_server() as url:
    print(url, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """psycopg is not installed."""
    monkeypatch.setattr(postgres, "find_spec", lambda name: None)


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of PostgreSQL are not installed."""
    spec: Any = importlib.machinery.ModuleSpec("psycopg", None)
    monkeypatch.setattr(postgres, "find_spec", lambda name: spec)
    monkeypatch.setattr(postgres, "find_server", lambda: None)


@pytest.mark.usefixtures("no_driver")
def test_without_the_driver_the_message_has_the_remedy() -> None:
    with (
        pytest.raises(LookupError, match=r"pip install 'famulus\[postgres\]'"),
        databases.postgres_databases(),
    ):
        pytest.fail("no database can be lent")


@pytest.mark.usefixtures("no_server")
def test_without_a_server_the_message_has_the_remedy() -> None:
    with pytest.raises(LookupError, match=r"postgresql"), databases.postgres_databases():
        pytest.fail("no database can be lent")


@pytest.mark.parametrize("ci", [False, True])
@pytest.mark.parametrize("name", ["postgres", "postgres_server"])
@pytest.mark.usefixtures("no_driver")
def test_tests_on_postgresql_are_skipped_with_that_sentence_and_fail_in_ci(
    name: str, ci: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from famulus.testing import pytest_plugin

    monkeypatch.setenv("CI", "true" if ci else "")
    fixture = getattr(pytest_plugin, name).__wrapped__
    ending = pytest.fail.Exception if ci else pytest.skip.Exception

    with pytest.raises(ending, match="need the Python package psycopg"):
        next(fixture())


@pytest.fixture
def patched(postgres: PostgresDatabases, monkeypatch: pytest.MonkeyPatch) -> PostgresDatabases:
    """The databases, with their connections in place of those that a database opens itself."""
    monkeypatch.setattr("famulus.model.postgresql.connect", postgres.connect)
    monkeypatch.setenv("FAMULUS_SECRET_KEY", "a-key-for-tests-of-32-characters")
    return postgres


def session_of(database: Database) -> int:
    with database.read() as tx:
        return int(tx.sql("SELECT pg_backend_pid()").fetchone()[0])


def test_a_connection_is_left_to_the_next_who_borrows_the_database(
    patched: PostgresDatabases,
) -> None:
    with patched.lend() as address, Database(address) as database:
        first = session_of(database)
    with patched.lend() as address, Database(address) as database:
        assert session_of(database) == first


def test_two_databases_at_the_same_address_never_share_a_connection(
    patched: PostgresDatabases,
) -> None:
    with patched.lend() as address, Database(address) as one, Database(address) as other:
        assert session_of(one) != session_of(other)


def test_a_connection_that_was_not_closed_ends_with_the_loan(patched: PostgresDatabases) -> None:
    with patched.lend() as address:
        left = Database(address)
        session = session_of(left)
    with left, patched.lend() as address, Database(address) as database:
        assert session_of(database) != session


def test_a_connection_in_a_transaction_is_not_kept(patched: PostgresDatabases) -> None:
    with patched.lend() as address:
        connection = postgresql.connect(locate(address).postgres.params)
        session = connection.info.backend_pid
        connection.execute("BEGIN")
        connection.close()
        connection.close()
        with Database(address) as database:
            assert connection.closed
            assert session_of(database) != session


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a handle of a process of another parent")
@pytest.mark.usefixtures("postgres")
def test_a_server_ends_with_a_test_run_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVING], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        [folder] = parse_qs(urlsplit(process.stdout.readline().strip()).query)["host"]
        pid = int((Path(folder) / "data/postmaster.pid").read_text().split()[0])
        ended = select.poll()
        ended.register(os.pidfd_open(pid), select.POLLIN)
        process.kill()

    assert ended.poll(30_000)
    wait_until(lambda: not Path(folder).exists(), "the server's folder is removed")
