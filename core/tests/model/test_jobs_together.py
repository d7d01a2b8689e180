"""Jobs of one call that share a transaction, on SQLite, or follow each other, on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from famulus.model.database import Database
from famulus.model.tables import WorkerTable
from famulus.model.transaction import Transaction


def add(name: str) -> Callable[[Transaction], int]:
    def job(tx: Transaction) -> int:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return tx.insert(WorkerTable, provider_type="crowd", name=name, created_at=at)

    return job


def fail(tx: Transaction) -> int:
    add("half done")(tx)
    raise LookupError("on purpose")


def names(database: Database) -> list[str]:
    with database.read() as tx:
        rows = tx.rows(WorkerTable.select(WorkerTable.name).order_by(WorkerTable.id))
    return [row.name for row in rows]


def test_each_job_has_its_own_result(database: Database) -> None:
    done = database.write_together([add("x"), add("y")])

    assert [each.error for each in done] == [None, None]
    assert done[0].result != done[1].result
    assert names(database) == ["x", "y"]


def test_a_job_that_fails_is_undone_alone(database: Database) -> None:
    done = database.write_together([add("before"), fail, add("after")])

    assert isinstance(done[1].error, LookupError)
    assert [done[0].error, done[2].error] == [None, None]
    assert names(database) == ["before", "after"]


def test_no_jobs_are_no_transaction(database: Database) -> None:
    assert list(database.write_together([])) == []


def test_a_job_cannot_run_others(database: Database) -> None:
    with pytest.raises(RuntimeError, match="nested write"):
        database.write(lambda _: database.write_together([add("inner")]))

    assert names(database) == []


def test_threads_that_write_at_the_same_time_lose_nothing(database: Database) -> None:
    begin = threading.Barrier(4)

    def alone(thread: int) -> None:
        begin.wait()
        for n in range(20):
            database.write(add(f"{thread}-{n}"))

    def together(thread: int) -> None:
        begin.wait()
        for n in range(0, 20, 5):
            jobs = [add(f"{thread}-{n + k}") for k in range(5)]
            assert not any(each.error for each in database.write_together(jobs))

    with ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(alone, 0), pool.submit(alone, 1)]
        tasks += [pool.submit(together, 2), pool.submit(together, 3)]
    for task in tasks:
        task.result()

    assert sorted(names(database)) == sorted(f"{t}-{n}" for t in range(4) for n in range(20))
