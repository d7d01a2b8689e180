"""Statements of PostgreSQL that are sent and committed in one round trip."""

from __future__ import annotations

import pytest

from famulus.model.database import Database
from famulus.model.fields import to_micros
from famulus.model.transaction import Transaction
from famulus.testing.movable_clock import MovableClock

psycopg = pytest.importorskip("psycopg")

pytestmark = pytest.mark.parametrize("database_address", ["postgresql"], indirect=True)

INSERT = "INSERT INTO task (name, blueprint_type, created_at) VALUES (%(name)s, %(value)s, %(at)s)"


ADD = [INSERT, "SELECT name, %(at)s FROM task WHERE name = %(name)s"]


def value_of(database: Database, name: str) -> str | None:
    with database.read() as tx:
        row = tx.sql("SELECT blueprint_type FROM task WHERE name = %s", (name,)).fetchone()
    return None if row is None else str(row[0])


def test_each_statement_sees_what_those_before_have_written(
    database: Database, clock: MovableClock
) -> None:
    added = database.write_at_once(ADD, name="a", value="1")

    assert added == ("a", to_micros(clock()))
    assert value_of(database, "a") == "1"


def test_no_row_is_none(database: Database) -> None:
    nothing = [INSERT, "SELECT name, 1 FROM task WHERE FALSE"]

    assert database.write_at_once(nothing, name="a", value="1") is None
    assert value_of(database, "a") == "1"


def test_a_statement_that_fails_undoes_those_before(database: Database) -> None:
    failing = [INSERT, "SELECT 1 / 0"]

    with pytest.raises(psycopg.errors.DivisionByZero):
        database.write_at_once(failing, name="a", value="1")

    assert value_of(database, "a") is None
    database.write_at_once(ADD, name="b", value="2")
    assert value_of(database, "b") == "2"


@pytest.mark.parametrize("runs", range(7))
def test_texts_run_again_after_the_first_of_them_has_failed(database: Database, runs: int) -> None:
    # psycopg prepares what it has run five times.
    texts = ["SELECT 1 / %(divisor)s::int", *ADD]
    for number in range(runs):
        database.write_at_once(texts, divisor=1, name=f"a{number}", value="1")

    for _ in range(7):
        with pytest.raises(psycopg.errors.DivisionByZero):
            database.write_at_once(texts, divisor=0, name="b", value="1")

    assert value_of(database, "b") is None
    added = database.write_at_once(texts, divisor=1, name="c", value="1")
    assert added is not None
    assert added[0] == "c"


def test_the_first_error_is_raised_and_nothing_is_logged(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    # The server has answered the first text before the others are sent.
    texts = ["SELECT 1 / 0", *[f"SELECT '{'x' * 100_000}'" for _ in range(50)], "SELECT name"]

    for _ in range(20):
        with pytest.raises(psycopg.errors.DivisionByZero):
            database.write_at_once(texts)

    assert not caplog.records


def test_a_row_that_is_there_already_is_none_and_nothing_is_written(database: Database) -> None:
    database.write_at_once(ADD, name="a", value="1")
    both = [INSERT.replace("%(name)s", "'b'"), *ADD]

    assert database.write_at_once(both, name="a", value="2") is None
    assert (value_of(database, "a"), value_of(database, "b")) == ("1", None)


def test_a_job_does_not_write_at_once(database: Database) -> None:
    def job(tx: Transaction) -> None:
        database.write_at_once(ADD, name="a", value="1")

    with pytest.raises(RuntimeError, match="nested write"):
        database.write(job)
