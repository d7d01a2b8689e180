"""Every change of a status leaves an event, and the events tell the whole story."""

from __future__ import annotations

from collections import Counter
from typing import Any

from famulus.model.database import Database
from famulus.model.states import (
    AgentStatus,
    RunStatus,
    UnitStatus,
    VisitStatus,
    may_follow,
)
from famulus.model.tables import AgentTable, EventTable, TaskRunTable, UnitTable, VisitTable
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock

STATUSES: dict[str, tuple[Any, Any]] = {
    "agent": (AgentStatus, AgentTable),
    "unit": (UnitStatus, UnitTable),
    "visit": (VisitStatus, VisitTable),
    "run": (RunStatus, TaskRunTable),
}


def live(operator: ManualOperator, clock: MovableClock) -> int:
    """Let everything happen that can happen to a run."""
    gateway = operator.launch_rows(
        [{"n": n} for n in range(6)],
        max_num_concurrent_units=3,
        blueprint={"units_per_assignment": 2, "onboarding_qualification": "trained"},
    )
    for name in ("passes", "second"):
        GatewayWorker(gateway, name).submit(GatewayWorker(gateway, name).arrive(), "right")
    GatewayWorker(gateway, "fails").submit(GatewayWorker(gateway, "fails").arrive(), "wrong")
    worker = GatewayWorker(gateway, "passes")
    worker.work()
    worker.give_back(worker.arrive())
    late = worker.arrive()
    clock.advance(1800)
    operator.turn()
    worker.submit(late)
    worker.arrive()
    operator.stop(gateway.run_id, now=True)
    operator.resume(gateway.run_id, shared_state=None)
    operator.finish(gateway.run_id)
    return gateway.run_id


def test_events_add_up_to_what_is_stored(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    run = live(operator, clock)

    with database.read() as tx:
        events = tx.rows(EventTable.select().order_by(EventTable.id))
        for subject, (enum, table) in STATUSES.items():
            counted: Counter[Any] = Counter()
            for event in (each for each in events if each.subject == subject):
                counted[enum(event.new)] += event.count
                if event.old is not None:
                    counted[enum(event.old)] -= event.count
            stored = Counter(row.status for row in tx.rows(table.select(table.status)))
            assert +counted == stored, subject
    assert {event.run for event in events if hasattr(event, "run")} <= {run}


def test_every_event_is_legal_and_has_time_and_cause(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    live(operator, clock)

    with database.read() as tx:
        events = tx.rows(EventTable.select().order_by(EventTable.id))
    for event in events:
        assert event.cause
        if event.subject == "worker":
            continue
        enum, _ = STATUSES[event.subject]
        if event.old is not None:
            assert may_follow(enum(event.old), enum(event.new)), event
    assert [event.at for event in events] == sorted(event.at for event in events)


def test_the_story_of_one_unit_can_be_read(operator: ManualOperator, database: Database) -> None:
    worker = GatewayWorker(operator.launch_rows([{"n": 1}]), "x")
    worker.give_back(worker.arrive())
    worker.work()

    with database.read() as tx:
        query = EventTable.select(EventTable.old, EventTable.new, EventTable.cause).where(
            EventTable.subject == "unit", EventTable.subject_id.is_null(False)
        )
        story = [(row.old, row.new, row.cause) for row in tx.rows(query.order_by(EventTable.id))]

    assert story == [
        ("launched", "assigned", "arrival"),
        ("assigned", "launched", "given back"),
        ("launched", "assigned", "arrival"),
        ("assigned", "completed", "submission"),
    ]
