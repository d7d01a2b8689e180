"""A decision of the operator is checked in the transaction that acts, or it is not applied."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TypeVar

import pytest

from famulus.errors import ConflictError, RunBusyError
from famulus.model.database import Database
from famulus.model.states import RunStatus
from famulus.model.tables import TaskRunTable
from famulus.model.transaction import Transaction
from famulus.operate import lease
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import (
    GatewayWorker,
    ManualOperator,
    kit_plugins,
    rows_configuration,
)
from famulus.testing.kinds import RowsState
from famulus.testing.movable_clock import MovableClock

T = TypeVar("T")

#: More writes than one turn of the operator makes.
MOST_WRITES = 9
DAY = 86_400


class MeanwhileDatabase(Database):
    """A database in which something happens before one of an operator's next writes."""

    meanwhile: Callable[[], object] | None = None
    writes_before = 0

    def write(self, job: Callable[[Transaction], T], *, synced: bool = True) -> T:
        self._act()
        return super().write(job, synced=synced)

    def write_unsynced(self, job: Callable[[Transaction], T]) -> T:
        self._act()
        return super().write_unsynced(job)

    def _act(self) -> None:
        act = self.meanwhile
        if act is not None:
            self.writes_before -= 1
            if self.writes_before < 0:
                self.meanwhile = None
                act()


@pytest.fixture
def database(database_address: str, clock: MovableClock) -> Iterator[MeanwhileDatabase]:
    opened = MeanwhileDatabase(database_address, clock=clock)
    with opened:
        yield opened


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(platform.provider("selling", sells_places=True)))


@pytest.fixture
def other(database_address: str, clock: MovableClock, plugins: Plugins) -> Iterator[ManualOperator]:
    """An operator of another process."""
    with (
        Database(database_address, clock=clock) as its_own,
        ManualOperator(its_own, plugins=plugins) as manual,
    ):
        yield manual


def turn(operator: ManualOperator, database: MeanwhileDatabase, act: Callable[[], object]) -> bool:
    """Take a turn during which something happens; return whether it did."""
    database.meanwhile = act
    # The run may be operated by another one by then.
    with suppress(RunBusyError):
        operator.turn()
    happened, database.meanwhile = database.meanwhile is None, None
    return happened


def orders(other: ManualOperator, run: int) -> dict[str, Callable[[], object]]:
    return {
        "stop": lambda: other.stop(run),
        "stop now": lambda: other.stop(run, now=True),
        "finish": lambda: other.finish(run),
    }


@pytest.mark.parametrize("order", ["stop", "stop now", "finish"])
def test_no_place_is_opened_for_a_run_that_has_just_ended(
    order: str,
    operator: ManualOperator,
    other: ManualOperator,
    database: MeanwhileDatabase,
    platform: FakePlatform,
    clock: MovableClock,
) -> None:
    for before in range(MOST_WRITES):
        gateway = operator.launch_rows([{"n": n} for n in range(4)], provider="selling")
        clock.advance(2)
        database.writes_before = before
        happened = turn(operator, database, orders(other, gateway.run_id)[order])
        if not happened:
            orders(other, gateway.run_id)[order]()
        for _ in range(3):
            clock.advance(2)
            operator.turn()

        assert platform.open == set()
        assert not operator.holds(gateway.run_id)


def test_a_concurrent_submission_keeps_the_run_from_being_finished_as_quiet(
    operator: ManualOperator, database: MeanwhileDatabase, clock: MovableClock
) -> None:
    for before in range(MOST_WRITES):
        gateway = operator.launch_rows(
            [{"n": 1}, {"n": 2}],
            no_submission_patience=DAY,
            assignment_duration_in_seconds=2 * DAY,
            task_lifetime_in_seconds=9 * DAY,
        )
        worker = GatewayWorker(gateway, "x")
        page = worker.arrive()
        clock.advance(DAY + 1)
        database.writes_before = before
        turn(operator, database, partial(worker.submit, page))

        with database.read() as tx:
            ends = tx.sql(
                f"SELECT subject FROM event WHERE run_id = {gateway.run_id} AND "
                "(subject = 'run' AND new = 'finished' OR subject = 'agent' AND new = 'completed') "
                "ORDER BY id"
            ).fetchall()
        assert ends in ([("run",)], [("agent",)], [("run",), ("agent",)])
        if operator.holds(gateway.run_id):
            operator.stop(gateway.run_id, now=True)


@pytest.mark.parametrize("lifetime", [3_600, 9 * DAY])
def test_an_operator_decides_nothing_for_a_run_that_another_has_taken_over(
    lifetime: int, operator: ManualOperator, database: MeanwhileDatabase, clock: MovableClock
) -> None:
    """Attempts, the run and its windows stay as the new operator has them."""
    for before in range(MOST_WRITES):
        gateway = operator.launch_rows(
            [{"n": n} for n in range(4)],
            assignment_duration_in_seconds=60,
            no_submission_patience=DAY,
            task_lifetime_in_seconds=lifetime,
        )
        GatewayWorker(gateway, "x").arrive()
        clock.advance(2 * DAY)
        database.writes_before = before
        taken = TaskRunTable.update(lease_holder="another").where(TaskRunTable.id == gateway.run_id)
        before_it: list[object] = []

        def take_over(run: int = gateway.run_id, seen: list[object] = before_it) -> None:
            with Database(database.location.url, clock=clock) as its_own:
                its_own.write(lambda tx: tx.execute(taken))  # noqa: B023
            seen.append(look(database, run))

        happened = turn(operator, database, take_over)
        if happened and operator.progress(gateway.run_id).status is not RunStatus.FINISHED:
            assert [look(database, gateway.run_id)] == before_it
        operator._runs.pop(gateway.run_id, None)


def look(database: Database, run: int) -> object:
    """Return what an operator could have changed."""
    with database.read() as tx:
        return [
            tx.sql(f"SELECT status, ended_at, places FROM task_run WHERE id = {run}").fetchall(),
            tx.sql(f"SELECT id, status FROM agent WHERE run_id = {run} ORDER BY id").fetchall(),
            tx.sql(f"SELECT id, status FROM unit WHERE run_id = {run} ORDER BY id").fetchall(),
            tx.sql(f"SELECT count(*) FROM outbox WHERE run_id = {run}").fetchall(),
        ]


def test_data_that_come_after_the_end_are_not_stored(
    operator: ManualOperator, other: ManualOperator, database: Database
) -> None:
    finished = threading.Event()

    def rows() -> Iterator[dict[str, int]]:
        yield from ({"n": n} for n in range(500))
        finished.wait()
        yield {"n": 500}

    launched = operator.launch(rows_configuration(), shared_state=RowsState(rows=rows()))
    other.finish(launched.run_id)
    finished.set()
    operator.load_all(launched)

    assert set(operator.progress(launched.run_id).units) == {"expired"}


# The first write takes the lease.
@pytest.mark.parametrize("status", ["finished", "taken over"])
def test_a_resume_opens_no_run_that_was_just_finished_or_taken_over(
    status: str,
    operator: ManualOperator,
    other: ManualOperator,
    database: MeanwhileDatabase,
    clock: MovableClock,
) -> None:
    for before in range(1, MOST_WRITES):
        run = operator.launch_rows([{"n": 1}]).run_id
        operator.stop(run, now=True)
        taken = TaskRunTable.update(
            lease_holder="another", lease_until=clock() + timedelta(days=1)
        ).where(TaskRunTable.id == run)
        acts: dict[str, Callable[[], object]] = {
            "finished": lambda: other.finish(run),  # noqa: B023
            "taken over": lambda: other.database.write(lambda tx: tx.execute(taken)),  # noqa: B023
        }
        database.meanwhile, database.writes_before = acts[status], before
        with suppress(ConflictError):
            operator.resume(run)
        happened, database.meanwhile = database.meanwhile is None, None
        clock.advance(lease.RENEWAL_SECONDS)
        turn(operator, database, lambda: None)
        assert operator.holds(run) is not happened
