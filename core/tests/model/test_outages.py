"""A database that cannot be used now is one kind of error, logged when it begins and ends."""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.model.outages import Outage
from famulus.model.tables import RequesterTable
from famulus.model.transaction import Transaction
from famulus.testing.postgres import PostgresServer

psycopg = pytest.importorskip("psycopg")

AGAIN = "is available again"


ONE = ["SELECT 1"]


class Hand:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    def lines() -> list[str]:
        assert not [record for record in caplog.records if record.exc_info]
        return [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]

    return lines


def calm(database: Database, hand: Hand) -> None:
    """Let the database's outages go by the test's clock."""
    database._open()._outage._monotonic = hand


def add(tx: Transaction, size: int = 10) -> int:
    return tx.insert(
        RequesterTable,
        name=os.urandom(8).hex(),
        provider_type="mock",
        created_at=tx.now,
        settings={"text": "x" * size},
    )


def read(database: Database) -> int:
    with database.read() as tx:
        return len(tx.rows(RequesterTable.select(RequesterTable.id)))


def test_many_failures_are_one_line_and_so_is_their_end(
    hand: Hand, log: Callable[[], list[str]]
) -> None:
    outage = Outage("it", monotonic=hand)
    for _ in range(100):
        hand.now += 10
        outage.failed("refused\nhint")
    outage.passed()
    hand.now += 10
    for _ in range(100):
        outage.passed()

    assert log() == [
        "it is unavailable; work that needs it waits: refused hint",
        "it is available again after 1000 s",
    ]


def test_an_outage_in_which_some_attempts_succeed_is_one_line(
    hand: Hand, log: Callable[[], list[str]]
) -> None:
    outage = Outage("it", monotonic=hand)
    for _ in range(50):
        outage.failed("too many connections")
        hand.now += 4
        outage.passed()
        hand.now += 4

    assert len(log()) == 1


def test_the_reason_is_one_escaped_line_of_bounded_length(
    hand: Hand, log: Callable[[], list[str]]
) -> None:
    Outage("it", monotonic=hand).failed("\x1b[2J\x9b\u202e" + "\x00" * 100_000)

    (line,) = log()
    assert line.isprintable()
    assert "waits: \\x1b[2J" in line
    assert len(line) < 5000


def test_reading_does_not_end_an_outage_of_writing(
    hand: Hand, log: Callable[[], list[str]]
) -> None:
    outage = Outage("it", monotonic=hand)
    outage.failed("full", writing=True)
    hand.now += 10
    outage.passed()
    assert len(log()) == 1
    outage.passed(writing=True)
    assert len(log()) == 2


@pytest.fixture
def kept(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Database]:
    monkeypatch.setenv("FAMULUS_FILES", str(tmp_path))
    with Database(postgres_server.url) as database:
        read(database)
        yield database


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_stops_and_starts_is_unavailable_in_between(
    postgres_server: PostgresServer,
    kept: Database,
    mode: str,
    hand: Hand,
    log: Callable[[], list[str]],
) -> None:
    calm(kept, hand)
    with kept.read(), kept.read():
        pass  # two connections that the pool keeps
    postgres_server.stop(mode)
    try:
        for _ in range(3):
            with pytest.raises(UnavailableError):
                read(kept)
            with pytest.raises(UnavailableError):
                kept.write(add)
            with pytest.raises(UnavailableError):
                kept.write_at_once(ONE)
        assert len(log()) == 1
    finally:
        postgres_server.start()

    hand.now += 10
    kept.write(add)
    read(kept)
    assert len(log()) == 2
    assert AGAIN in log()[1]


@pytest.mark.parametrize(
    "use", [lambda database: database.write(add), lambda database: database.write_at_once(ONE)]
)
def test_connections_from_before_a_restart_cause_no_failure(
    postgres_server: PostgresServer,
    kept: Database,
    log: Callable[[], list[str]],
    use: Callable[[Database], object],
) -> None:
    with kept.read(), kept.read(), kept.read():
        pass  # three connections that the pool keeps
    postgres_server.stop()
    postgres_server.start()

    use(kept)
    read(kept)

    assert not log()


def test_a_host_that_keeps_silent_holds_up_one_thread_only(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAMULUS_FILES", str(tmp_path))
    folder = Path(psycopg.conninfo.conninfo_to_dict(postgres_server.url)["host"])
    with (
        Database(f"{postgres_server.url}&connect_timeout=600") as database,
        socket.socket(socket.AF_UNIX) as silent,
    ):
        read(database)
        postgres_server.stop()
        try:
            with pytest.raises(UnavailableError):
                read(database)
            silent.bind(str(folder / ".s.PGSQL.5432"))
            silent.listen()
            with ThreadPoolExecutor(1) as pool:
                held_up = pool.submit(read, database)
                connection, _ = silent.accept()
                with (
                    connection,
                    pytest.raises(UnavailableError, match="another thread is connecting"),
                ):
                    read(database)
                assert isinstance(held_up.exception(), UnavailableError)
        finally:
            (folder / ".s.PGSQL.5432").unlink()
            postgres_server.start()


def test_a_job_whose_connection_is_cut_is_unavailable(
    postgres_server: PostgresServer, kept: Database
) -> None:
    def job(tx: Transaction) -> None:
        (pid,) = tx.sql("SELECT pg_backend_pid()").fetchone()
        with Database(postgres_server.url) as other:
            other.write(lambda tx: tx.sql("SELECT pg_terminate_backend(%s)", (pid,)))
        add(tx)

    with pytest.raises(UnavailableError):
        kept.write(job)


def test_a_server_that_is_read_only_is_unavailable_for_writing(
    kept: Database, hand: Hand, log: Callable[[], list[str]]
) -> None:
    calm(kept, hand)
    name = "ALTER SYSTEM SET default_transaction_read_only = "
    admin(kept, name + "on")
    try:
        for _ in range(3):
            with pytest.raises(UnavailableError, match="read-only"):
                kept.write(add)
            hand.now += 10
            read(kept)
    finally:
        admin(kept, "SET default_transaction_read_only = off", name + "off")

    kept.write(add)
    assert [AGAIN in line for line in log()] == [False, True]


def test_a_server_without_free_connections_is_unavailable(
    postgres_server: PostgresServer, kept: Database
) -> None:
    with Database(postgres_server.url) as late:
        read(late)
        with all_connections(postgres_server):
            with late.read(), pytest.raises(UnavailableError, match="too many"):
                read(late)
            with pytest.raises(UnavailableError), Database(postgres_server.url) as new:
                read(new)


@contextmanager
def all_connections(postgres_server: PostgresServer) -> Iterator[None]:
    held: list[Any] = []
    try:
        while True:
            held.append(psycopg.connect(postgres_server.url))
    except psycopg.OperationalError:
        yield
    finally:
        for connection in held:
            connection.close()


def admin(database: Database, *statements: str) -> None:
    with psycopg.connect(database.location.url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.execute("SELECT pg_reload_conf()")
    while read_only(database) != (statements[-1].endswith("on")):
        pass  # the server reads its configuration in its own time


def read_only(database: Database) -> bool:
    with psycopg.connect(database.location.url, autocommit=True) as connection:
        return bool(connection.execute("SHOW default_transaction_read_only").fetchone()[0] == "on")


@pytest.mark.parametrize("text", ["SELECT * FROM missing", "SELEC", "SELECT nothing FROM worker"])
def test_an_error_of_the_program_is_never_called_an_outage(
    database: Database, log: Callable[[], list[str]], text: str
) -> None:
    errors = (sqlite3.Error, psycopg.Error)
    with pytest.raises(errors):
        database.write(lambda tx: tx.sql(text))
    with pytest.raises(errors), database.read() as tx:
        tx.sql(text)
    assert not log()


def test_a_full_sqlite_database_is_unavailable_for_writing(
    tmp_path: Path, hand: Hand, log: Callable[[], list[str]]
) -> None:
    with Database(tmp_path / "a.db") as database:
        database.write(add)
        calm(database, hand)
        writer: sqlite3.Connection = database._open()._writer  # type: ignore[union-attr]
        (pages,) = writer.execute("PRAGMA page_count").fetchone()
        writer.execute(f"PRAGMA max_page_count={pages}")
        for _ in range(3):
            with pytest.raises(UnavailableError, match="full"):
                database.write(lambda tx: add(tx, 100_000))
            hand.now += 10
            assert read(database) == 1
        assert len(log()) == 1

        writer.execute(f"PRAGMA max_page_count={pages * 100}")
        database.write(lambda tx: add(tx, 100_000))
        assert [AGAIN in line for line in log()] == [False, True]


LIMITED = textwrap.dedent("""
    import os, resource, signal, sys
    from famulus.errors import UnavailableError
    from famulus.model.database import Database
    from famulus.model.tables import RequesterTable

    def add(tx):
        values = dict(provider_type="mock", created_at=tx.now, settings={"x": "x" * 50_000})
        return tx.insert(RequesterTable, name=os.urandom(8).hex(), **values)

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Database(sys.argv[1]) as database:
        database.identity
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        limit = os.path.getsize(f"{sys.argv[1]}-wal") + 200_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, unlimited[1]))
        kept = 0
        for _ in range(20):
            try:
                database.write(add)
                kept += 1
            except UnavailableError:
                pass
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        database.write(add)
        with database.read() as tx:
            print(kept, len(tx.rows(RequesterTable.select(RequesterTable.id))))
""")


def test_a_disk_that_takes_no_more_is_unavailable_and_nothing_acknowledged_is_lost(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "a.db")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    kept, stored = map(int, done.stdout.split())
    assert 0 < kept < 20
    assert stored == kept + 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2
