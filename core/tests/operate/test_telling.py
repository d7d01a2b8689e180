"""Listeners hear of everything, in order, at least once; none of them stops anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from famulus.contracts.hookspecs import RunEvent, hookimpl
from famulus.contracts.provider import RunView
from famulus.contracts.views import SubmittedUnit, UnitView, WorkerView
from famulus.engine.platform.outbox import OutboxKind, enqueue
from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.model.states import OutboxStatus
from famulus.model.tables import Outbox, TaskRun
from famulus.model.transaction import Row
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import CrowdProvider
from famulus.testing.movable_clock import MovableClock

ROWS = [{"n": 1}, {"n": 2}]


class Listener:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.failing = False

    def _hear(self, *what: Any) -> None:
        self.heard.append(what)
        if self.failing:
            raise ZeroDivisionError("on purpose")

    @hookimpl
    def famulus_run_launched(self, event: RunEvent) -> None:
        self._hear("launched", event.task_name)

    @hookimpl
    def famulus_unit_assigned(self, unit: UnitView, worker: WorkerView) -> None:
        self._hear("assigned", unit.data["n"], worker.name)

    @hookimpl
    def famulus_unit_submitted(self, unit: SubmittedUnit) -> None:
        self._hear("submitted", unit.data["n"], unit.worker.name, unit.answers["answer"], unit.late)

    @hookimpl
    def famulus_run_finished(self, event: RunEvent) -> None:
        self._hear("finished", event.task_name)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def listened(database: Database, listener: Listener) -> Iterator[ManualOperator]:
    operator = ManualOperator(database, plugins=kit_plugins(listener=listener))
    with operator:
        yield operator


STORY = [
    ("launched", "story"),
    ("assigned", 1, "x"),
    ("submitted", 1, "x", "first", False),
    ("assigned", 2, "x"),
    ("submitted", 2, "x", "second", False),
    ("finished", "story"),
]


def test_the_story_is_told_in_order_and_once(listened: ManualOperator, listener: Listener) -> None:
    gateway = listened.launch_rows(ROWS, task_name="story")
    for answer in ("first", "second"):
        GatewayWorker(gateway, "x").work(answer)
    for _ in range(3):
        listened.turn()

    assert listener.heard == STORY


def test_a_listener_that_raises_misses_nothing_and_stops_nothing(
    listened: ManualOperator, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    listener.failing = True
    gateway = listened.launch_rows(ROWS, task_name="story")
    for answer in ("first", "second"):
        GatewayWorker(gateway, "x").work(answer)
    listened.turn()

    assert listener.heard == STORY
    assert "plugin 'listener' failed in famulus_unit_submitted" in caplog.text


def test_what_was_not_told_before_a_crash_is_told_after_it(
    listened: ManualOperator, listener: Listener, database: Database
) -> None:
    gateway = listened.launch_rows(ROWS, task_name="story")
    GatewayWorker(gateway, "x").work("first")
    listened.turn()
    GatewayWorker(gateway, "x").work("second")
    forgotten = listened._runs.pop(gateway.run_id)
    drop = TaskRun.update(lease_until=None, lease_holder="")
    database.write(lambda tx: tx.execute(drop))
    listener.heard.clear()

    listened.resume(gateway.run_id)
    listened.turn()

    assert forgotten is not None
    assert [each for each in listener.heard if each[0] != "launched"] == STORY[3:]


@pytest.mark.parametrize("database_address", ["postgresql"], indirect=True)
def test_the_end_is_told_even_while_others_write(
    listened: ManualOperator, listener: Listener, database: Database
) -> None:
    """PostgreSQL shows a reader the events of a transaction while older ones are under way."""
    gateway = listened.launch_rows(ROWS[:1], task_name="story")
    GatewayWorker(gateway, "x").work("first")
    writing, go_on = threading.Event(), threading.Event()

    def write_for_long(tx: Any) -> None:
        tx.sql("SELECT pg_current_xact_id()")
        writing.set()
        go_on.wait()

    long = threading.Thread(target=lambda: database.write(write_for_long))
    long.start()
    writing.wait()
    turning = threading.Thread(target=listened.turn)
    turning.start()
    while listened.progress(gateway.run_id).status != "finished":
        threading.Event().wait(0.001)
    go_on.set()
    turning.join()
    long.join()

    assert listener.heard == [*STORY[:3], STORY[-1]]


def test_late_answers_are_told_as_late(
    listened: ManualOperator, listener: Listener, clock: MovableClock
) -> None:
    gateway = listened.launch_rows(ROWS)
    page = GatewayWorker(gateway, "x").arrive()
    clock.advance(1800)
    listened.turn()
    GatewayWorker(gateway, "x").submit(page, "late")
    listened.turn()

    assert listener.heard[-1] == ("submitted", 1, "x", "late", True)


def test_the_runs_own_callback_is_told_of_submissions_and_may_fail(
    operator: ManualOperator, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[SubmittedUnit] = []

    def on_unit_submitted(unit: SubmittedUnit) -> None:
        told.append(unit)
        raise ZeroDivisionError("on purpose")

    gateway = operator.launch_rows(ROWS, shared={"on_unit_submitted": on_unit_submitted})
    for answer in ("first", "second"):
        GatewayWorker(gateway, "x").work(answer)
    operator.turn()

    assert [unit.answers for unit in told] == [{"answer": "first"}, {"answer": "second"}]
    assert "on_unit_submitted failed" in caplog.text
    assert operator.progress(gateway.run_id).status == "finished"


def test_more_events_than_one_round_takes_are_told_in_order(
    listened: ManualOperator, listener: Listener
) -> None:
    gateway = listened.launch_rows([{"n": n} for n in range(120)])
    for n in range(120):
        GatewayWorker(gateway, "x").work(str(n))
    listened.turn()

    submitted = [each[1] for each in listener.heard if each[0] == "submitted"]
    assert submitted == list(range(120))


def pending(database: Database) -> list[Row]:
    with database.read() as tx:
        return tx.rows(Outbox.select().order_by(Outbox.id))


def sell_a_place(database: Database) -> None:
    """Leave the run with something to close."""
    database.write(lambda tx: tx.execute(TaskRun.update(next_place=1)))


def test_a_platform_that_fails_is_told_again_later_and_later_and_once(
    operator: ManualOperator,
    database: Database,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[float] = []
    begin = clock()

    def close_places(self: CrowdProvider, run: RunView) -> None:
        tried.append((clock() - begin).total_seconds())
        if len(tried) <= 4:
            raise UnavailableError("throttled")

    monkeypatch.setattr(CrowdProvider, "close_places", close_places)
    gateway = operator.launch_rows(ROWS)
    sell_a_place(database)
    GatewayWorker(gateway, "x").arrive()
    operator.stop(gateway.run_id)
    for _ in range(40):
        operator.turn()
        clock.advance(1)

    assert tried == [0, 1, 3, 7, 15]
    (row,) = pending(database)
    assert (row.status, row.attempts, row.error) == (OutboxStatus.DONE, 5, "")


def test_a_wait_between_attempts_has_an_end(
    operator: ManualOperator,
    database: Database,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(self: CrowdProvider, run: RunView) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(CrowdProvider, "close_places", broken)
    gateway = operator.launch_rows(ROWS, assignment_duration_in_seconds=10**6)
    sell_a_place(database)
    GatewayWorker(gateway, "x").arrive()
    operator.stop(gateway.run_id)
    for _ in range(15):
        operator.turn()
        clock.advance(600)

    (row,) = pending(database)
    assert row.next_attempt_at - clock() <= timedelta(minutes=10)
    assert row.attempts == 15
    assert row.error == "ZeroDivisionError: on purpose"
    monkeypatch.undo()


def test_the_same_telling_twice_is_one_row(database: Database) -> None:
    for _ in range(2):
        database.write(lambda tx: enqueue(tx, kind=OutboxKind.QUALIFY, key="same", payload={}))

    assert len(pending(database)) == 1
