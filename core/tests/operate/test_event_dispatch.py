"""Listeners get every event, in order, at least once; none of them stops anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from famulus.contracts.hookspecs import RunEvent, hookimpl
from famulus.contracts.views import SubmittedUnit, UnitView, WorkerView
from famulus.engine import event_dispatch
from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind
from famulus.model.tables import TaskRunTable
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from famulus.testing.waiting import wait_until

ROWS = [{"n": 1}, {"n": 2}]


class Listener:
    """Records the events that it gets."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.failing = False

    def _record(self, *what: Any) -> None:
        self.events.append(what)
        if self.failing:
            raise ZeroDivisionError("on purpose")

    @hookimpl
    def famulus_run_launched(self, event: RunEvent) -> None:
        self._record("launched", event.task_name)

    @hookimpl
    def famulus_unit_assigned(self, unit: UnitView, worker: WorkerView) -> None:
        self._record("assigned", unit.data["n"], worker.name)

    @hookimpl
    def famulus_unit_submitted(self, unit: SubmittedUnit) -> None:
        self._record(
            "submitted", unit.data["n"], unit.worker.name, unit.answers["answer"], unit.late
        )

    @hookimpl
    def famulus_run_finished(self, event: RunEvent) -> None:
        self._record("finished", event.task_name)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def listened(database: Database, listener: Listener) -> Iterator[ManualOperator]:
    operator = ManualOperator(database, plugins=kit_plugins(listener=listener))
    with operator:
        yield operator


EVENTS = [
    ("launched", "story"),
    ("assigned", 1, "x"),
    ("submitted", 1, "x", "first", False),
    ("assigned", 2, "x"),
    ("submitted", 2, "x", "second", False),
    ("finished", "story"),
]


def test_events_are_dispatched_in_order_and_once(
    listened: ManualOperator, listener: Listener
) -> None:
    gateway = listened.launch_rows(ROWS, task_name="story")
    for answer in ("first", "second"):
        GatewayWorker(gateway, "x").work(answer)
    for _ in range(3):
        listened.turn()

    assert listener.events == EVENTS


def test_a_listener_that_raises_misses_nothing_and_stops_nothing(
    listened: ManualOperator, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    listener.failing = True
    gateway = listened.launch_rows(ROWS, task_name="story")
    for answer in ("first", "second"):
        GatewayWorker(gateway, "x").work(answer)
    listened.turn()

    assert listener.events == EVENTS
    assert "plugin 'listener' failed in famulus_unit_submitted" in caplog.text


def test_events_from_before_a_crash_are_dispatched_after_it(
    listened: ManualOperator, listener: Listener, database: Database
) -> None:
    gateway = listened.launch_rows(ROWS, task_name="story")
    GatewayWorker(gateway, "x").work("first")
    listened.turn()
    GatewayWorker(gateway, "x").work("second")
    forgotten = listened._runs.pop(gateway.run_id)
    drop = TaskRunTable.update(lease_until=None, lease_holder="")
    database.write(lambda tx: tx.execute(drop))
    listener.events.clear()

    listened.resume(gateway.run_id)
    listened.turn()

    assert forgotten is not None
    assert [each for each in listener.events if each[0] != "launched"] == EVENTS[3:]


def test_events_of_a_run_are_found_behind_those_of_another(
    listened: ManualOperator,
    listener: Listener,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_dispatch, "_MOST_PASSED", 3)
    gateway = listened.launch_rows(ROWS, task_name="story")
    other = listened.launch_rows([{"n": 5}, {"n": 6}, {"n": 7}], task_name="another")
    GatewayWorker(gateway, "x").work("first")
    listened.turn()
    for answer in "ab":
        GatewayWorker(other, "y").work(answer)
        listened.turn()
    with database.read() as tx:
        reached, newest = tx.sql(
            "SELECT listener_position.event, (SELECT MAX(event.id) FROM event"
            " WHERE event.run_id = listener_position.run_id)"
            f" FROM listener_position WHERE run_id = {gateway.run_id}"
        ).fetchone()
    GatewayWorker(gateway, "x").work("second")
    for _ in range(3):
        listened.turn()

    mine = [each for each in listener.events if "another" not in each and "y" not in each]
    assert mine == EVENTS
    # The next process does not read the events of the other run again.
    assert (reached > newest) is (database.kind is DatabaseKind.SQLITE)


@pytest.mark.parametrize("database_address", ["postgresql"], indirect=True)
def test_end_is_dispatched_even_while_others_write(
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
    wait_until(
        lambda: listened.progress(gateway.run_id).status == "finished", "the run is finished"
    )
    go_on.set()
    turning.join()
    long.join()

    assert listener.events == [*EVENTS[:3], EVENTS[-1]]


def test_late_answers_are_marked_late(
    listened: ManualOperator, listener: Listener, clock: MovableClock
) -> None:
    gateway = listened.launch_rows(ROWS)
    page = GatewayWorker(gateway, "x").arrive()
    clock.advance(1800)
    listened.turn()
    GatewayWorker(gateway, "x").submit(page, "late")
    listened.turn()

    assert listener.events[-1] == ("submitted", 1, "x", "late", True)


def test_callback_of_the_run_gets_submissions_and_may_fail(
    operator: ManualOperator, caplog: pytest.LogCaptureFixture
) -> None:
    submitted: list[SubmittedUnit] = []

    def on_unit_submitted(unit: SubmittedUnit) -> None:
        submitted.append(unit)
        raise ZeroDivisionError("on purpose")

    gateway = operator.launch_rows(ROWS, shared={"on_unit_submitted": on_unit_submitted})
    for answer in ("first", "second"):
        GatewayWorker(gateway, "x").work(answer)
    operator.turn()

    assert [unit.answers for unit in submitted] == [{"answer": "first"}, {"answer": "second"}]
    assert "on_unit_submitted failed" in caplog.text
    assert operator.progress(gateway.run_id).status == "finished"


def test_more_events_than_one_round_are_dispatched_in_order(
    listened: ManualOperator, listener: Listener
) -> None:
    gateway = listened.launch_rows([{"n": n} for n in range(120)])
    for n in range(120):
        GatewayWorker(gateway, "x").work(str(n))
    listened.turn()

    submitted = [each[1] for each in listener.events if each[0] == "submitted"]
    assert submitted == list(range(120))
