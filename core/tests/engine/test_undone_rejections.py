"""A rejection that is undone on the platform's own page: the visit awaits a verdict again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import VisitReport
from famulus.contracts.visit_verdict import Approve, Reject
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.engine.platform.bound_provider import bind_provider, deliver_run
from famulus.engine.platform.visit_sync import SyncResult, sync_run
from famulus.model.database import Database
from famulus.model.states import (
    AgentStatus,
    Decision,
    OutboxStatus,
    PaymentStatus,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import AgentTable, OutboxTable, PaymentTable, UnitTable, VisitTable
from famulus.model.transaction import Row, Transaction
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, Fault, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

ACCEPTED, REJECTED = Decision.ACCEPTED, Decision.REJECTED
APPROVED, SUBMITTED = VisitStatus.APPROVED, VisitStatus.SUBMITTED

Report = Callable[[VisitStatus], SyncResult]
Decides = Callable[..., None]


@pytest.fixture(params=[True])
def provider(platform: FakePlatform, request: pytest.FixtureRequest) -> type[Provider]:
    return platform.provider(reports_submissions=True, pays=request.param)


@pytest.fixture
def plugins(provider: type[Provider]) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(provider))


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    """A run whose only unit is submitted here and on the platform."""
    opened = operator.launch_rows(
        [{"n": 1}], provider="paying", task_reward="0.50", submission_timeout=60
    )
    worker = GatewayWorker(opened, "a")
    worker.submit(worker.arrive("visit"))
    return opened


@pytest.fixture
def report(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> Report:
    """A function that has the platform report the visit."""

    def reported(status: VisitStatus) -> SyncResult:
        platform.others = [VisitReport(worker_name="a", reference="visit", status=status)]
        bound = bind_provider(database, plugins, gateway.run_id)
        result = sync_run(database, bound.provider, bound.run_view())
        platform.others = []
        return result

    reported(SUBMITTED)
    return reported


@pytest.fixture
def decides(gateway: Gateway, database: Database, plugins: Plugins) -> Decides:
    """A function that decides on the unit and has that delivered."""

    def decided(decision: Decision, note: str = "why") -> None:
        def job(tx: Transaction) -> None:
            [unit] = tx.rows(UnitTable.select())
            decide(tx, unit.id, decision, note=note, seen=unit.status)
            apply_decisions(tx, [unit.id])

        database.write(job)
        deliver_run(database, plugins, gateway.run_id)

    return decided


def one(database: Database, table: Any) -> Row:
    with database.read() as tx:
        [row] = tx.rows(table.select())
    return row


def verdicts(database: Database) -> list[OutboxStatus]:
    with database.read() as tx:
        return [row.status for row in tx.rows(OutboxTable.select().order_by(OutboxTable.id))]


@pytest.mark.parametrize("again", [ACCEPTED, REJECTED])
def test_work_that_was_rejected_here_is_up_for_review_again(
    database: Database,
    platform: FakePlatform,
    clock: MovableClock,
    report: Report,
    decides: Decides,
    caplog: pytest.LogCaptureFixture,
    again: Decision,
) -> None:
    """The next decision has a verdict of its own, also if it is the same again."""
    decides(REJECTED)
    clock.advance(3600)
    caplog.set_level(logging.WARNING)
    results = [report(SUBMITTED) for _ in range(3)]

    assert [result.contradictions for result in results] == [[], [], []]
    assert caplog.text.count("has undone the rejection of visit visit") == 1
    assert len(caplog.records) == 1
    assert one(database, VisitTable).status is SUBMITTED
    assert one(database, UnitTable).status is UnitStatus.COMPLETED
    assert one(database, AgentTable).status is AgentStatus.COMPLETED
    platform.verdicts.clear()
    decides(again)
    assert platform.verdicts == {"visit": Approve() if again is ACCEPTED else Reject("why")}
    assert verdicts(database) == [OutboxStatus.DONE] * 2
    if again is ACCEPTED:
        assert one(database, PaymentTable).status is PaymentStatus.CONFIRMED


def test_rejected_work_that_the_platform_approves_awaits_a_decision(
    database: Database,
    platform: FakePlatform,
    report: Report,
    decides: Decides,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No list that was read before the rejection shows that, so that it counts at once."""
    decides(REJECTED)
    caplog.set_level(logging.WARNING)

    assert report(APPROVED).contradictions == []

    assert one(database, VisitTable).status is APPROVED
    assert one(database, UnitTable).status is UnitStatus.COMPLETED
    assert one(database, PaymentTable).status is PaymentStatus.CONFIRMED
    assert "it is approved there, and its work awaits a decision here" in caplog.text
    decides(ACCEPTED)
    assert one(database, UnitTable).status is UnitStatus.ACCEPTED
    assert one(database, PaymentTable).status is PaymentStatus.CONFIRMED


def test_second_rejection_has_its_own_reason_where_the_first_was_refused(
    database: Database, platform: FakePlatform, report: Report, decides: Decides
) -> None:
    """The work was rejected on the platform's own page, and that was undone."""
    platform.faults = [None, Fault.REFUSED]  # a sync comes first
    decides(REJECTED, "the old reason")
    report(VisitStatus.REJECTED)
    report(SUBMITTED)
    decides(REJECTED, "another reason")

    assert platform.verdicts == {"visit": Reject("another reason")}
    assert verdicts(database) == [OutboxStatus.DONE] * 2


def test_report_that_may_be_older_than_the_rejection_changes_nothing(
    database: Database,
    clock: MovableClock,
    report: Report,
    decides: Decides,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A list may have been read before the rejection was sent."""
    decides(REJECTED)
    clock.advance(60)

    assert report(SUBMITTED).contradictions == []

    assert one(database, VisitTable).status is VisitStatus.REJECTED
    assert one(database, UnitTable).status is UnitStatus.REJECTED
    assert caplog.records == []


def test_work_that_was_only_rejected_on_the_platform_stays_up_for_review(
    database: Database, platform: FakePlatform, report: Report, decides: Decides
) -> None:
    report(VisitStatus.REJECTED)
    report(SUBMITTED)

    assert one(database, VisitTable).status is SUBMITTED
    assert one(database, UnitTable).status is UnitStatus.COMPLETED
    decides(ACCEPTED)
    assert platform.rewarded == ["visit"]
    assert one(database, PaymentTable).status is PaymentStatus.CONFIRMED


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.REFUSED])
@pytest.mark.parametrize("provider", [True, False], indirect=True)
def test_accepted_work_is_approved_once_its_rejection_on_the_platform_is_undone(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
    report: Report,
    decides: Decides,
    provider: type[Provider],
    fault: Fault,
) -> None:
    """Also where the platform has refused the approval because it was rejected."""
    platform.faults = [None, fault]  # a sync comes first
    decides(ACCEPTED)
    report(VisitStatus.REJECTED)
    assert one(database, PaymentTable).status is PaymentStatus.FAILED
    report(SUBMITTED)
    clock.advance(3600)
    deliver_run(database, plugins, gateway.run_id)

    pays = provider.capabilities.pays
    expected = PaymentStatus.CONFIRMED if pays else PaymentStatus.OWED
    payment = one(database, PaymentTable)
    assert payment.status is expected
    assert payment.amount == 50
    assert platform.rewarded == ["visit"]
    assert one(database, VisitTable).status is APPROVED
    assert one(database, UnitTable).status is UnitStatus.ACCEPTED
