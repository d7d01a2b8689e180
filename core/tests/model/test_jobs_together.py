"""Jobs of one call that share a transaction, on SQLite, or follow each other, on PostgreSQL."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from famulus.model.database import Database
from famulus.model.group_commit import QueuedJob
from famulus.model.tables import WorkerTable
from famulus.model.transaction import Transaction
from famulus.testing.waiting import wait_until

Job = Callable[[Transaction], int]
_PATIENCE = 20.0


def add(name: str) -> Callable[[Transaction], int]:
    def job(tx: Transaction) -> int:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return tx.insert(WorkerTable, provider_type="crowd", name=name, created_at=at)

    return job


def fail(tx: Transaction) -> int:
    add("half done")(tx)
    raise LookupError("on purpose")


def together(database: Database, jobs: Sequence[Job]) -> Sequence[QueuedJob[int]]:
    done = database.write_together(jobs, patience=_PATIENCE)
    assert done is not None
    return done


def names(database: Database) -> list[str]:
    with database.read() as tx:
        rows = tx.rows(WorkerTable.select(WorkerTable.name).order_by(WorkerTable.id))
    return [row.name for row in rows]


def test_each_job_has_its_own_result(database: Database) -> None:
    done = together(database, [add("x"), add("y")])

    assert [each.error for each in done] == [None, None]
    assert done[0].result != done[1].result
    assert names(database) == ["x", "y"]


def test_a_job_that_fails_is_undone_alone(database: Database) -> None:
    done = together(database, [add("before"), fail, add("after")])

    assert isinstance(done[1].error, LookupError)
    assert [done[0].error, done[2].error] == [None, None]
    assert names(database) == ["before", "after"]


def test_no_jobs_are_no_transaction(database: Database) -> None:
    assert list(together(database, [])) == []


def test_a_job_cannot_run_others(database: Database) -> None:
    with pytest.raises(RuntimeError, match="nested write"):
        database.write(lambda _: together(database, [add("inner")]))

    assert names(database) == []


def test_threads_that_write_at_the_same_time_lose_nothing(database: Database) -> None:
    begin = threading.Barrier(4)

    def alone(thread: int) -> None:
        begin.wait()
        for n in range(20):
            database.write(add(f"{thread}-{n}"))

    def many(thread: int) -> None:
        begin.wait()
        for n in range(0, 20, 5):
            jobs = [add(f"{thread}-{n + k}") for k in range(5)]
            assert not any(each.error for each in together(database, jobs))

    with ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(alone, 0), pool.submit(alone, 1)]
        tasks += [pool.submit(many, 2), pool.submit(many, 3)]
    for task in tasks:
        task.result()

    assert sorted(names(database)) == sorted(f"{t}-{n}" for t in range(4) for n in range(20))


def test_jobs_that_cannot_begin_in_time_are_not_run(tmp_path: Path) -> None:
    holding, ending = threading.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        holding.set()
        ending.wait()

    path = tmp_path / "famulus.db"
    with Database(path) as database, Database(path) as other, ThreadPoolExecutor(1) as pool:
        assert names(database) == []
        held = pool.submit(other.write, hold)
        assert holding.wait(_PATIENCE)
        try:
            assert database.write_together([add("late")], patience=0.05) is None
            # Earlier jobs still wait, so these do not.
            assert database.write_together([add("later")], patience=_PATIENCE) is None
        finally:
            ending.set()
        held.result()
        database.write(add("next"))
        wait_until(
            lambda: bool(database.write_together([add("last")], patience=_PATIENCE)),
            "the end of the wait",
        )

        assert names(database) == ["next", "last"]


def test_jobs_that_were_given_up_touch_no_other_file_after_the_end(tmp_path: Path) -> None:
    """The number of the lock's descriptor may be that of another file by then."""
    holding, ending = threading.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        holding.set()
        ending.wait()

    def is_locked(path: Path) -> bool:
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    path = tmp_path / "famulus.db"
    with Database(path) as other, ThreadPoolExecutor(1) as pool, ExitStack() as opened:
        with Database(path) as database:
            assert names(database) == []
            held = pool.submit(other.write, hold)
            assert holding.wait(_PATIENCE)
            before = set(threading.enumerate())
            assert database.write_together([add("late")], patience=0.05) is None
            (given_up,) = set(threading.enumerate()) - before
        own = [tmp_path / str(number) for number in range(32)]
        for each in own:
            fcntl.flock(opened.enter_context(each.open("w")), fcntl.LOCK_EX)
        ending.set()
        held.result()
        given_up.join(_PATIENCE)

        assert not given_up.is_alive()
        assert all(map(is_locked, own))


def test_jobs_that_begin_in_time_are_run_to_their_end(tmp_path: Path) -> None:
    """Behind a job of another thread of the same process."""
    holding, ending = threading.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        holding.set()
        ending.wait()

    with Database(tmp_path / "famulus.db") as database, ThreadPoolExecutor(2) as pool:
        pool.submit(database.write, hold)
        assert holding.wait(_PATIENCE)
        done = pool.submit(together, database, [add("x"), add("y")])
        ending.set()

        assert [each.error for each in done.result()] == [None, None]
        assert names(database) == ["x", "y"]
