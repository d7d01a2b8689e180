"""Transactions of PostgreSQL that are sent in one round trip, each committed on its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from famulus.errors import UnavailableError
from famulus.model import postgresql
from famulus.model.database import Database
from famulus.model.transaction import Transaction

psycopg = pytest.importorskip("psycopg")

pytestmark = pytest.mark.parametrize("database_address", ["postgresql"], indirect=True)

_INSERT = "INSERT INTO task (name, blueprint_type, created_at) VALUES (%(name)s, %(value)s, %(at)s)"
_ADD = [_INSERT, "SELECT blueprint_type FROM task WHERE name = %(name)s"]


def adding(name: str, value: str = "1") -> tuple[Sequence[str], Mapping[str, Any]]:
    return _ADD, {"name": name, "value": value}


def names(database: Database) -> list[str]:
    with database.read() as tx:
        return [name for (name,) in tx.sql("SELECT name FROM task ORDER BY id")]


def test_each_transaction_has_its_own_result(database: Database) -> None:
    done = database.write_all_at_once([adding("a", "1"), adding("b", "2")])

    assert done == [("1",), ("2",)]
    assert names(database) == ["a", "b"]


def test_no_transactions_have_no_results(database: Database) -> None:
    assert database.write_all_at_once([]) == []


@pytest.mark.parametrize("repetitions", [1, 3])
def test_a_transaction_that_fails_is_undone_alone(database: Database, repetitions: int) -> None:
    failing = [_INSERT, "SELECT 1 / %(divisor)s::int", "SELECT 2"]

    for number in range(repetitions):
        fails = failing, {"name": "half done", "value": "1", "divisor": 0}
        there_already = adding(f"a{number}")
        cannot_be_sent = adding("with \0")
        done = database.write_all_at_once(
            [adding(f"a{number}"), fails, there_already, cannot_be_sent, adding(f"b{number}")]
        )
        assert done == [("1",), None, None, None, ("1",)]

    assert names(database) == [f"{each}{n}" for n in range(repetitions) for each in "ab"]


def test_values_come_back_as_they_were_sent(database: Database) -> None:
    text = (
        "SELECT %(whole)s::bigint, %(small)s::int, %(is_it)s, %(nothing)s::bigint, %(words)s::text"
    )
    values = {"whole": 2**62, "small": -7, "is_it": True, "nothing": None, "words": "ü '\\%s 😀"}
    others = values | {"whole": None, "is_it": False, "nothing": 5, "words": ""}

    done = database.write_all_at_once([([text], values), ([text], others)])

    assert done == [tuple(values.values()), tuple(others.values())]


def test_more_than_the_buffers_of_both_sides_hold_is_sent_and_received(database: Database) -> None:
    long = "x" * 1_000_000
    text = "SELECT %(long)s::text || %(number)s::int"

    done = database.write_all_at_once([([text], {"long": long, "number": n}) for n in range(20)])

    assert done == [(f"{long}{n}",) for n in range(20)]


@pytest.mark.parametrize("number", [1, 5])
def test_all_are_on_the_disk_when_they_return(database: Database, number: int) -> None:
    place = [_INSERT, "SELECT pg_current_wal_insert_lsn()::text"]
    writing = [(place, {"name": f"t{each}", "value": "1"}) for each in range(number)]

    written = database.write_all_at_once([*writing, (["SELECT 1 / 0"], {})])[-2]

    assert written is not None
    with database.read() as tx:
        query = "SELECT pg_current_wal_flush_lsn() > CAST(%s AS pg_lsn)"
        assert tx.sql(query, written).fetchone()[0]


def test_nothing_is_acknowledged_where_the_last_commit_fails(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "_SYNC", "SELECT 1 / 0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        database.write_all_at_once([adding("a"), adding("b")])


@pytest.fixture
def checked_late(database: Database) -> Iterator[str]:
    """The name of a table whose rows are refused by the commit, and not by their statement."""

    def create(tx: Transaction) -> None:
        tx.sql("CREATE TABLE known_number (number int PRIMARY KEY)")
        tx.sql(
            "CREATE TABLE checked_late "
            "(number int REFERENCES known_number DEFERRABLE INITIALLY DEFERRED)"
        )

    database.write(create)
    yield "checked_late"
    database.write(lambda tx: tx.sql("DROP TABLE checked_late, known_number"))


def test_a_transaction_whose_commit_fails_has_no_result(
    database: Database, checked_late: str
) -> None:
    refused = f"INSERT INTO {checked_late} VALUES (%(number)s) RETURNING number"

    for _ in range(2):
        done = database.write_all_at_once([([refused], {"number": 1}), (["SELECT 2"], {})])
        assert done == [None, (2,)]
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            database.write_at_once([refused], number=1)


def test_nothing_is_acknowledged_where_the_commit_after_all_fails(
    database: Database, checked_late: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "_SYNC", f"INSERT INTO {checked_late} VALUES (1) RETURNING 1")

    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        database.write_all_at_once([adding("a"), adding("b")])


def test_a_connection_that_has_results_left_is_not_used_again(database: Database) -> None:
    # libpq refuses it, after the statements before it were sent.
    too_many = {f"p{number}": number for number in range(65_536)}
    text = f"SELECT {', '.join(f'%({name})s' for name in too_many)}"

    with pytest.raises(UnavailableError):
        database.write_all_at_once([adding("a"), ([text], too_many)])

    assert database.write_all_at_once([adding("b", "1"), adding("c", "2")]) == [("1",), ("2",)]
    assert database.write_at_once(["SELECT 3"]) == (3,)


def test_a_row_that_is_locked_for_long_delays_the_next_transaction_for_a_moment(
    database: Database,
) -> None:
    database.write_all_at_once([adding("locked")])
    wait = "SELECT set_config('lock_timeout', '1ms', TRUE)"
    lock = "SELECT name FROM task WHERE name = 'locked' FOR UPDATE"
    with (
        closing(postgresql.connect(database.location.postgres.params)) as other,
        other.transaction(),
    ):
        other.execute(lock)

        done = database.write_all_at_once([([wait, lock], {}), adding("next")])
        alone = database.write_at_once([wait, lock])

    assert (done, alone) == ([None, ("1",)], None)
    assert database.write_at_once([wait, lock]) == ("locked",)


def test_threads_that_share_rows_in_opposite_orders_never_deadlock(database: Database) -> None:
    rows = ["a", "b", "c"]
    database.write_all_at_once([adding(name, "0") for name in rows])
    count = "UPDATE task SET blueprint_type = (blueprint_type::int + 1)::text WHERE name = %(name)s"
    begin = threading.Barrier(4)

    def work(order: Sequence[str]) -> None:
        begin.wait()
        for _ in range(25):
            each = [([count, "SELECT 1"], {"name": name}) for name in order]
            assert database.write_all_at_once(each) == [(1,)] * len(order)

    with ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(work, rows[:: 1 if n % 2 else -1]) for n in range(4)]
    for task in tasks:
        task.result()

    with database.read() as tx:
        counted = tx.sql("SELECT blueprint_type FROM task").fetchall()
    assert counted == [("100",)] * len(rows)


def test_a_statement_that_cannot_be_prepared_has_its_own_error_and_may_be_run_later(
    database: Database,
) -> None:
    asking = ["SELECT name FROM later"]
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            database.write_at_once(asking)
    assert database.write_all_at_once([(asking, {}), adding("next")]) == [None, ("1",)]

    database.write(lambda tx: tx.sql("CREATE TABLE later AS SELECT 'x' AS name"))
    try:
        assert database.write_at_once(asking) == ("x",)
    finally:
        database.write(lambda tx: tx.sql("DROP TABLE later"))


def test_statements_that_psycopg_deallocates_are_prepared_again(database: Database) -> None:
    def failing(tx: Transaction) -> None:
        # psycopg prepares what it has run five times, and deallocates all after a rollback.
        for _ in range(6):
            tx.sql("SELECT name FROM task")
        raise RuntimeError

    for number in range(3):
        assert database.write_at_once(["SELECT 1"]) == (1,)
        together = [adding(f"a{number}"), adding(f"b{number}")]
        assert database.write_all_at_once(together) == [("1",), ("1",)]
        with pytest.raises(RuntimeError):
            database.write(failing)
        names(database)


def test_a_job_does_not_run_transactions(database: Database) -> None:
    def job(tx: Transaction) -> None:
        database.write_all_at_once([adding("inner")])

    with pytest.raises(RuntimeError, match="nested write"):
        database.write(job)


def test_a_connection_that_ends_in_between_is_replaced(database: Database) -> None:
    once = [f"{_INSERT} ON CONFLICT DO NOTHING", _ADD[1]]
    # A sequence keeps its number in a transaction that is undone.
    end = "SELECT pg_terminate_backend(pg_backend_pid()) WHERE nextval('task_id_seq') = %(number)s"
    number = database.write(lambda tx: tx.sql("SELECT nextval('task_id_seq')").fetchone()[0])
    first, last = (once, {"name": "a", "value": "1"}), (once, {"name": "b", "value": "2"})

    done = database.write_all_at_once([first, ([end], {"number": number + 2}), last])

    assert done == [("1",), None, ("2",)]
    assert names(database) == ["a", "b"]


@pytest.mark.parametrize(
    ("number", "longest"), [(1, "100ms"), (2, "100ms"), (10, "45ms"), (64, "10ms")]
)
def test_locks_are_waited_for_in_less_time_the_more_transactions_are_sent(
    database: Database, number: int, longest: str
) -> None:
    asking = ["SELECT set_config('lock_timeout', %(lock_timeout)s, TRUE)"]

    assert database.write_all_at_once([(asking, {})] * number) == [(longest,)] * number
