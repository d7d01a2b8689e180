"""Visits follow the reports of their platform."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import pytest

from famulus.contracts.provider_views import (
    VisitReport,
    VisitView,
)
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.engine.platform.visit_sync import sync_run
from famulus.model.database import Database
from famulus.model.states import (
    AgentStatus,
    Decision,
    PaymentStatus,
    RunStatus,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import AgentTable, PaymentTable, UnitTable, VisitTable
from famulus.model.transaction import Transaction
from famulus.plugins import Plugins
from famulus.review.payment_actions import pay_bonus
from famulus.testing.fake_platform import FakePlatform, Fault, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

T = TypeVar("T")

RETURNED, EXPIRED, SUBMITTED = VisitStatus.RETURNED, VisitStatus.EXPIRED, VisitStatus.SUBMITTED


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    provider = platform.provider("reporting", reports_submissions=True)
    return kit_plugins(platform=PlatformPlugin(provider))


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return operator.launch_rows([{"n": 1}, {"n": 2}], provider="reporting", submission_timeout=60)


def status(
    database: Database, table: type[VisitTable | AgentTable | UnitTable | PaymentTable]
) -> object:
    """Return the status of the first row of a table."""
    with database.read() as tx:
        row = tx.row(table.select(table.status).order_by(table.id).limit(1))
    assert row is not None
    return row.status


def done_unit(database: Database) -> int:
    """Return the submitted unit."""
    with database.read() as tx:
        [row] = tx.rows(
            UnitTable.select(UnitTable.id).where(UnitTable.status == UnitStatus.COMPLETED)
        )
    return int(row.id)


@pytest.mark.parametrize(
    ("reported", "becomes"),
    [
        (RETURNED, AgentStatus.RETURNED),
        (VisitStatus.SCREENED_OUT, AgentStatus.RETURNED),
        (EXPIRED, AgentStatus.TIMEOUT),
        (VisitStatus.TIMED_OUT, AgentStatus.TIMEOUT),
    ],
)
def test_visit_that_ended_on_the_platform_gives_its_unit_back(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    reported: VisitStatus,
    becomes: AgentStatus,
) -> None:
    GatewayWorker(gateway, "a").arrive("visit")
    platform.visits["visit"] = reported
    operator.turn()

    assert (status(database, VisitTable), status(database, AgentTable)) == (reported, becomes)
    assert status(database, UnitTable) is UnitStatus.LAUNCHED


@pytest.mark.parametrize("reported", [RETURNED, EXPIRED, VisitStatus.TIMED_OUT])
def test_visit_whose_worker_came_back_while_the_platform_was_asked_goes_on(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    database: Database,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    reported: VisitStatus,
) -> None:
    """A platform that is asked about many visits answers for a while."""
    GatewayWorker(gateway, "a").arrive("visit", place="H1")

    def sync(
        self: object, run: object, visits: Iterable[VisitView], cursor: object
    ) -> Iterator[VisitReport]:
        assert [visit.reference for visit in visits] == ["visit"]
        clock.advance(200)
        GatewayWorker(gateway, "a").arrive("visit", place="H1")
        yield VisitReport(worker_name="a", reference="visit", status=reported)

    with monkeypatch.context() as patch:
        patch.setattr(plugins.provider("reporting"), "sync", sync)
        operator.turn()
    ended_early = status(database, VisitTable), status(database, AgentTable)
    platform.visits["visit"] = reported
    operator.turn()

    assert ended_early == (VisitStatus.ACCEPTED, AgentStatus.IN_TASK)
    assert status(database, VisitTable) is reported


def test_stored_answers_stay_after_any_report_of_the_platform(
    gateway: Gateway, operator: ManualOperator, platform: FakePlatform, database: Database
) -> None:
    page = GatewayWorker(gateway, "a").arrive("visit")
    GatewayWorker(gateway, "a").submit(page)
    platform.visits["visit"] = EXPIRED
    operator.turn()

    assert status(database, VisitTable) is EXPIRED
    assert status(database, UnitTable) is UnitStatus.COMPLETED


def test_submitted_visit_gets_the_status_that_the_platform_reports(
    gateway: Gateway, operator: ManualOperator, platform: FakePlatform, database: Database
) -> None:
    page = GatewayWorker(gateway, "a").arrive("visit")
    GatewayWorker(gateway, "a").submit(page)
    operator.turn()
    assert status(database, VisitTable) is VisitStatus.ACCEPTED

    platform.visits["visit"] = SUBMITTED
    operator.turn()
    assert status(database, VisitTable) is SUBMITTED


def test_reports_that_nothing_has_changed_write_nothing(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in "ab":
        GatewayWorker(gateway, name).arrive(name)
        platform.visits[name] = VisitStatus.ACCEPTED
    bound, written = operator.managed(gateway.run_id).bound, []
    write = database.write

    def counted(job: Callable[[Transaction], T]) -> T:
        written.append(job)
        return write(job)

    monkeypatch.setattr(database, "write", counted)
    unchanged = sync_run(database, bound.provider, bound.run_view())
    assert (unchanged.asked, unchanged.changed, written) == (2, {}, [])

    platform.visits["b"] = SUBMITTED
    changed = sync_run(database, bound.provider, bound.run_view())
    assert (changed.changed, len(written)) == ({SUBMITTED: 1}, 1)


def test_impossible_report_changes_nothing_and_is_logged(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = GatewayWorker(gateway, "a").arrive("visit")
    GatewayWorker(gateway, "a").submit(page)
    for reported in (SUBMITTED, EXPIRED):
        platform.visits["visit"] = reported
        operator.turn()

    assert status(database, VisitTable) is SUBMITTED
    assert "reports visit visit as expired, but here it is submitted" in caplog.text


def test_approval_by_the_platform_is_written_to_the_ledger(
    gateway: Gateway, operator: ManualOperator, platform: FakePlatform, database: Database
) -> None:
    page = GatewayWorker(gateway, "a").arrive("visit")
    GatewayWorker(gateway, "a").submit(page)
    platform.visits["visit"] = VisitStatus.APPROVED
    operator.turn()

    assert status(database, PaymentTable) is PaymentStatus.CONFIRMED
    assert platform.rewarded == []


def test_failing_platform_changes_nothing_and_marks_no_visit(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = GatewayWorker(gateway, "a").arrive("visit")
    operator.turn()
    GatewayWorker(gateway, "a").submit(page)
    platform.faults = [Fault.THROTTLED] * 3
    for _ in range(3):
        clock.advance(60)
        operator.turn()
    assert status(database, VisitTable) is VisitStatus.ACCEPTED
    assert caplog.text.count("the platform cannot be asked about visits") == 1

    operator.turn()
    assert status(database, VisitTable) is VisitStatus.UNKNOWN
    assert "the platform answers about visits again" in caplog.text


def test_unavailable_platform_is_asked_less_and_less_often(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plugins.provider("reporting"), "sync_seconds", 10)
    GatewayWorker(gateway, "a").arrive("visit")
    platform.faults = [Fault.BROKEN] * 3
    tried = []
    for second in range(80):
        before = len(platform.calls)
        operator.turn()
        tried += [second] * (len(platform.calls) - before)
        clock.advance(1)

    assert tried == [0, 20, 60]


def test_unavailable_platform_is_asked_when_it_says(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    clock: MovableClock,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plugins.provider("reporting"), "sync_seconds", 10)
    GatewayWorker(gateway, "a").arrive("visit")
    platform.faults, platform.retry_after = [Fault.THROTTLED] * 2, 33
    tried = []
    for second in range(80):
        before = len(platform.calls)
        operator.turn()
        tried += [second] * (len(platform.calls) - before)
        clock.advance(1)

    assert tried == [0, 33, 66, 76]


def test_unreported_visit_is_asked_about_until_the_platform_reports_it(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    clock: MovableClock,
) -> None:
    page = GatewayWorker(gateway, "a").arrive("visit")
    GatewayWorker(gateway, "a").submit(page)
    clock.advance(60)
    operator.turn()
    assert status(database, VisitTable) is VisitStatus.UNKNOWN

    platform.visits["visit"] = SUBMITTED
    operator.turn()
    assert status(database, VisitTable) is SUBMITTED


def test_verdict_waits_until_the_platform_has_the_submission(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    clock: MovableClock,
) -> None:
    page = GatewayWorker(gateway, "a").arrive("visit")
    GatewayWorker(gateway, "a").submit(page)
    with database.read() as tx:
        (unit,) = [
            row.id
            for row in tx.rows(UnitTable.select(UnitTable.id).order_by(UnitTable.id).limit(1))
        ]

    def accept(tx: object) -> None:
        decide(tx, unit, Decision.ACCEPTED)  # type: ignore[arg-type]
        apply_decisions(tx, [unit])  # type: ignore[arg-type]

    database.write(accept)
    for _ in range(3):
        operator.turn()
        clock.advance(5)
    assert "decide" not in platform.calls
    assert status(database, PaymentTable) is PaymentStatus.PLANNED

    platform.visits["visit"] = SUBMITTED
    operator.turn()
    assert platform.rewarded == ["visit"]
    assert status(database, PaymentTable) is PaymentStatus.CONFIRMED


def test_run_is_served_until_the_platform_reports_every_submission(
    gateway: Gateway, operator: ManualOperator, platform: FakePlatform
) -> None:
    for name in ("a", "b"):
        worker = GatewayWorker(gateway, name)
        worker.submit(worker.arrive(name))
    operator.turn()
    assert operator.progress(gateway.run_id).status is RunStatus.RUNNING

    platform.visits = dict.fromkeys("ab", SUBMITTED)
    operator.turn()
    assert operator.progress(gateway.run_id).status is RunStatus.FINISHED


def test_only_visits_that_may_change_are_asked_about(
    gateway: Gateway, operator: ManualOperator, platform: FakePlatform
) -> None:
    GatewayWorker(gateway, "a").arrive("visit")
    platform.visits["visit"] = RETURNED
    operator.turn()
    GatewayWorker(gateway, "b").arrive("other")
    operator.turn()

    assert platform.asked == [["visit"], ["other"]]


def test_worker_who_submitted_only_on_the_platform_is_stored(
    gateway: Gateway, operator: ManualOperator, platform: FakePlatform, database: Database
) -> None:
    platform.others = [VisitReport(worker_name="b", reference="never seen", status=SUBMITTED)]
    for _ in range(2):
        operator.turn()

    with database.read() as tx:
        [visit] = tx.rows(
            VisitTable.select(VisitTable.reference, VisitTable.status, VisitTable.done_at)
        )
    assert (visit.reference, visit.status, visit.done_at) == ("never seen", SUBMITTED, None)
    assert GatewayWorker(gateway, "b").arrive("never seen").refusal == "time_over"


def test_worker_who_returned_without_an_arrival_is_not_stored(
    gateway: Gateway, operator: ManualOperator, platform: FakePlatform, database: Database
) -> None:
    platform.others = [VisitReport(worker_name="b", reference="never seen", status=RETURNED)]
    operator.turn()

    with database.read() as tx:
        assert tx.rows(VisitTable.select(VisitTable.id)) == []


def test_late_submission_counts_although_no_visit_was_asked_about(
    gateway: Gateway, operator: ManualOperator, platform: FakePlatform, database: Database
) -> None:
    page = GatewayWorker(gateway, "a").arrive("visit")
    GatewayWorker(gateway, "a").submit(page)
    platform.visits["visit"] = RETURNED
    operator.turn()
    platform.others = [VisitReport(worker_name="a", reference="visit", status=SUBMITTED)]
    operator.turn()

    assert status(database, VisitTable) is SUBMITTED


def test_bonus_waits_until_the_platform_has_the_submission(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    plugins: Plugins,
    clock: MovableClock,
) -> None:
    page = GatewayWorker(gateway, "a").arrive("visit")
    GatewayWorker(gateway, "a").submit(page)
    early = pay_bonus(database, done_unit(database), "0.50", reason="Thank you.", plugins=plugins)
    assert (early.status, platform.paid) == (PaymentStatus.PLANNED, [])

    platform.visits["visit"] = SUBMITTED
    operator.turn()
    clock.advance(60)
    operator.turn()

    assert status(database, PaymentTable) is PaymentStatus.CONFIRMED
    assert len(platform.paid) == 1


def test_bonus_for_a_returned_visit_fails_with_the_reason(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    plugins: Plugins,
) -> None:
    page = GatewayWorker(gateway, "a").arrive("visit")
    GatewayWorker(gateway, "a").submit(page)
    platform.visits["visit"] = RETURNED
    operator.turn()

    paid = pay_bonus(database, done_unit(database), "0.50", reason="Thank you.", plugins=plugins)

    assert paid.status is PaymentStatus.FAILED
    assert "reports visit visit as returned" in paid.error
    assert platform.paid == []
