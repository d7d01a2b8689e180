"""Arrivals at the same time as others on PostgreSQL, whose transactions have locked free units."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import pytest

from famulus.engine.everyday_postgresql import _ARRIVAL
from famulus.model import postgresql
from famulus.model.database import Database
from famulus.testing.inprocess import GatewayWorker, ManualOperator

pytestmark = pytest.mark.parametrize("database_address", ["postgresql"], indirect=True)


_IS_WAITING = """
SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid')"""


@contextmanager
def locked_units(database: Database, count: int) -> Iterator[None]:
    """Lock the first units of a run in another transaction for the length of a ``with`` block."""
    with (
        closing(postgresql.connect(database.location.postgres.params)) as connection,
        connection.transaction(),
    ):
        connection.execute(
            "SELECT id FROM unit ORDER BY position LIMIT %s FOR NO KEY UPDATE", (count,)
        )
        yield


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the statements that are sent."""
    import psycopg

    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def collecting(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        sent.append(str(query))
        return execute(self, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", collecting)
    return sent


def test_a_unit_behind_many_that_are_locked_is_found_in_few_round_trips(
    operator: ManualOperator, database: Database, statements: list[str]
) -> None:
    gateway = operator.launch_rows([{"n": n} for n in range(100)])
    statements.clear()
    first = GatewayWorker(gateway, "first").arrive()
    alone = len(statements)

    with locked_units(database, 41):
        statements.clear()
        second = GatewayWorker(gateway, "second").arrive()
        among_others = len(statements)

    assert (first.row, second.row) == ({"n": 0}, {"n": 41})
    assert among_others == alone


def test_a_worker_for_whom_all_units_are_locked_gets_none(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows([{"n": n} for n in range(40)])

    with locked_units(database, 40):
        page = GatewayWorker(gateway, "x").arrive()

    assert not page.has_form
    assert GatewayWorker(gateway, "x").arrive().row == {"n": 0}


def test_an_arrival_that_was_overtaken_by_one_of_the_same_worker_gives_nothing(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows([{"n": n} for n in range(3)])
    worker = GatewayWorker(gateway, "x")
    assert worker.arrive("1").row == {"n": 0}
    # The locks are left out, as if the worker had been committed after the search for their row.
    unlocked = _ARRIVAL[-1:]
    rules, marks = gateway._parts.admission.rules, "[-1]"
    params: dict[str, Any] = {
        "run": rules.run,
        "task": rules.task,
        "provider": rules.provider_type,
        "marks": marks,
    }
    params |= {
        "name": "x",
        "reference": "2",
        "accept": "",
        "query": "{}",
        "nonce": 1,
        "complete": "complete",
    }

    with (
        ThreadPoolExecutor(1) as pool,
        closing(postgresql.connect(database.location.postgres.params)) as other,
    ):
        with other.transaction():
            other.execute("UPDATE participation SET open_units = 2, assignments = 2")
            overtaken = pool.submit(lambda: database.write_at_once(unlocked, **params))
            while not other.execute(_IS_WAITING).fetchone()[0]:
                assert not overtaken.done()
        assert overtaken.result() is None

    with database.read() as tx:
        assert tx.sql("SELECT COUNT(*) FROM visit").fetchone()[0] == 1
    assert database.write_at_once(unlocked, **params) is not None
