"""Deadlines, with a clock that the test moves."""

from __future__ import annotations

import pytest

from famulus.model.database import Database
from famulus.model.states import AgentStatus, VisitStatus
from famulus.model.tables import AgentTable, VisitTable
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock

ROWS = [{"n": 1}, {"n": 2}]


def test_a_unit_whose_time_is_over_goes_to_another(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = operator.launch_rows(ROWS[:1], assignment_duration_in_seconds=100)
    x, y = GatewayWorker(gateway, "x"), GatewayWorker(gateway, "y")
    x.arrive("a")

    clock.advance(99)
    operator.turn()
    assert y.arrive().refusal == "nothing_left"
    clock.advance(1)
    operator.turn()

    assert y.arrive().row == {"n": 1}
    with database.read() as tx:
        first = tx.row(AgentTable.select(AgentTable.status).order_by(AgentTable.id))
    assert first is not None
    assert first.status is AgentStatus.TIMEOUT


def test_a_worker_out_of_time_is_informed_and_does_not_get_the_assignment_again(
    operator: ManualOperator, clock: MovableClock
) -> None:
    gateway = operator.launch_rows(ROWS)
    worker = GatewayWorker(gateway, "x")
    worker.arrive("a")
    clock.advance(1800)
    operator.turn()

    assert worker.arrive("a").refusal == "time_over"
    assert worker.arrive("b").row == {"n": 2}
    assert worker.arrive("c").refusal == "all_done"


def test_time_ends_only_what_is_due(operator: ManualOperator, clock: MovableClock) -> None:
    gateway = operator.launch_rows(ROWS)
    x, y = GatewayWorker(gateway, "x"), GatewayWorker(gateway, "y")
    x.arrive("a")
    clock.advance(1000)
    y.arrive("a")
    clock.advance(800)
    operator.turn()

    assert x.arrive("a").refusal == "time_over"
    assert y.arrive("a").row == {"n": 2}


def test_many_attempts_time_out_at_once(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = operator.launch_rows([{"n": n} for n in range(230)])
    worker = GatewayWorker(gateway, "x")
    for _ in range(230):
        worker.arrive()

    clock.advance(1800)
    operator.turn()

    with database.read() as tx:
        assert {row.status for row in tx.rows(AgentTable.select(AgentTable.status))} == {
            AgentStatus.TIMEOUT
        }
    other = GatewayWorker(gateway, "y")
    assert {other.arrive().row["n"] for _ in range(230)} == set(range(230))  # type: ignore[index]


@pytest.mark.parametrize(
    ("provider", "status"),
    [("crowd", VisitStatus.EXPIRED), ("reporting_crowd", VisitStatus.ACCEPTED)],
)
def test_a_reporting_platform_decides_the_status_of_a_visit(
    operator: ManualOperator,
    database: Database,
    clock: MovableClock,
    provider: str,
    status: VisitStatus,
) -> None:
    GatewayWorker(operator.launch_rows(ROWS, provider=provider), "x").arrive()

    clock.advance(1800)
    operator.turn()

    with database.read() as tx:
        assert [row.status for row in tx.rows(VisitTable.select(VisitTable.status))] == [status]


def test_a_submission_the_platform_never_reports_is_doubted(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = operator.launch_rows(ROWS, provider="reporting_crowd", submission_timeout=60)
    GatewayWorker(gateway, "x").work()

    def status() -> VisitStatus:
        operator.turn()
        with database.read() as tx:
            row = tx.row(VisitTable.select(VisitTable.status))
        assert row is not None
        found: VisitStatus = row.status
        return found

    assert status() is VisitStatus.ACCEPTED
    clock.advance(59)
    assert status() is VisitStatus.ACCEPTED
    clock.advance(1)
    assert status() is VisitStatus.UNKNOWN


def test_a_submission_is_itself_the_report_where_the_platform_has_none(
    operator: ManualOperator, database: Database
) -> None:
    GatewayWorker(operator.launch_rows(ROWS), "x").work()

    with database.read() as tx:
        row = tx.row(VisitTable.select(VisitTable.status, VisitTable.done_at))
    assert row is not None
    assert row.status is VisitStatus.SUBMITTED
    assert row.done_at is not None


def test_without_any_submission_the_run_ends_when_patience_does(
    operator: ManualOperator, clock: MovableClock
) -> None:
    gateway = operator.launch_rows(
        ROWS, no_submission_patience=600, assignment_duration_in_seconds=5000
    )
    GatewayWorker(gateway, "x").arrive()
    clock.advance(599)
    operator.turn()
    assert operator.progress(gateway.run_id).status == "running"

    clock.advance(1)
    operator.turn()

    progress = operator.progress(gateway.run_id)
    assert progress.status == "finished"
    assert progress.units == {"expired": 2}


def test_each_submission_renews_patience(operator: ManualOperator, clock: MovableClock) -> None:
    gateway = operator.launch_rows([{"n": n} for n in range(9)], no_submission_patience=600)
    for _ in range(3):
        clock.advance(500)
        GatewayWorker(gateway, "x").work()
        operator.turn()
        assert operator.progress(gateway.run_id).status == "running"

    clock.advance(600)
    operator.turn()

    assert operator.progress(gateway.run_id).status == "finished"


def test_after_its_lifetime_a_run_waits_for_those_at_work(
    operator: ManualOperator, clock: MovableClock
) -> None:
    gateway = operator.launch_rows(
        ROWS, task_lifetime_in_seconds=100, assignment_duration_in_seconds=500
    )
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    clock.advance(100)
    operator.turn()
    assert operator.progress(gateway.run_id).status == "running"

    worker.submit(page)
    operator.turn()

    progress = operator.progress(gateway.run_id)
    assert progress.status == "finished"
    assert progress.units == {"completed": 1, "expired": 1}
