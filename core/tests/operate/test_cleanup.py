"""The platform of a finished run is cleaned up, or the doctor names the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from famulus.contracts.provider_views import VisitReport
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.engine.platform.bound_provider import deliver_run
from famulus.model.database import Database
from famulus.model.states import Decision, VisitStatus
from famulus.model.tables import OutboxTable, UnitTable
from famulus.model.transaction import Transaction
from famulus.operate.doctor import read_differences
from famulus.operate.manual_sync import sync_now
from famulus.plugins import Plugins
from famulus.review.deliver_changes import deliver_changes
from famulus.review.payment_actions import pay_bonus, retry_payment, settle_payments
from famulus.testing.fake_platform import FakePlatform, Fault, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    provider = platform.provider("selling", sells_places=True, reports_submissions=True)
    return kit_plugins(platform=PlatformPlugin(provider))


@pytest.fixture
def finished(database: Database, plugins: Plugins, platform: FakePlatform) -> Iterator[Gateway]:
    """A finished run whose one unit was submitted."""
    with ManualOperator(database, plugins=plugins) as operator:
        assert isinstance(operator, ManualOperator)
        gateway = operator.launch_rows([{"n": 1}], provider="selling")
        worker = GatewayWorker(gateway, "x")
        worker.submit(worker.arrive("visit"))
        platform.visits["visit"] = VisitStatus.SUBMITTED
        operator.turn()
        assert not operator.holds(gateway.run_id)
        yield gateway


@pytest.fixture
def amiss(
    database: Database, plugins: Plugins, finished: Gateway
) -> Callable[[], list[tuple[str, object]]]:
    def look() -> list[tuple[str, object]]:
        found = read_differences(database, plugins, finished.run_id)
        return [(each.what, each.command) for each in found]

    return look


def unit_of(database: Database) -> int:
    with database.read() as tx:
        row = tx.row(UnitTable.select(UnitTable.id))
    assert row is not None
    return int(row.id)


def accept(database: Database) -> None:
    review(database, Decision.ACCEPTED)


def reject(database: Database) -> None:
    review(database, Decision.REJECTED, note="Nothing is answered.")


def review(database: Database, decision: Decision, note: str = "") -> None:
    def job(tx: Transaction) -> None:
        unit = tx.row(UnitTable.select(UnitTable.id, UnitTable.status))
        assert unit is not None
        decide(tx, unit.id, decision, note=note, seen=unit.status)
        apply_decisions(tx, [unit.id])

    database.write(job)


def test_doctor_finds_nothing_while_work_is_reviewed(
    amiss: Callable[[], list[tuple[str, object]]], platform: FakePlatform
) -> None:
    assert amiss() == []
    assert platform.disposed == 0


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.REFUSED])
def test_payment_that_blocks_the_clean_up_is_named(
    fault: Fault,
    amiss: Callable[[], list[tuple[str, object]]],
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    finished: Gateway,
) -> None:
    accept(database)
    platform.faults = [None, None, fault]
    paid = pay_bonus(database, unit_of(database), "0.50", reason="R", plugins=plugins)

    assert platform.disposed == 0
    assert (
        "what remains of the run on the platform is not cleaned up: payments are not completed",
        ("payments", "settle", "--run", finished.run_id),
    ) in amiss()

    if fault is Fault.LOST:
        settle_payments(database, plugins=plugins)
    else:
        retry_payment(database, paid.id, plugins=plugins)
    assert platform.disposed == 1
    assert amiss() == []


def test_failed_clean_up_is_named_and_retried(
    amiss: Callable[[], list[tuple[str, object]]],
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    finished: Gateway,
    clock: MovableClock,
) -> None:
    accept(database)
    platform.faults = [None, None, Fault.THROTTLED]
    deliver_run(database, plugins, finished.run_id)

    assert platform.disposed == 0
    assert any("clean up" in what and "throttled" in what for what, _ in amiss())
    clock.advance(60)
    deliver_run(database, plugins, finished.run_id)
    assert platform.disposed == 1
    assert amiss() == []


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.REFUSED])
def test_clean_up_that_waits_is_made_although_places_are_closed_again(
    fault: Fault,
    amiss: Callable[[], list[tuple[str, object]]],
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    finished: Gateway,
) -> None:
    accept(database)
    platform.faults = [None, None, fault]
    deliver_run(database, plugins, finished.run_id)
    platform.open.add(0)

    sync_now(database, plugins, finished.run_id)

    assert (platform.open, platform.disposed) == (set(), 1)
    assert amiss() == []


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.REFUSED])
def test_review_does_not_report_a_clean_up_that_is_waiting(
    fault: Fault,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    finished: Gateway,
) -> None:
    accept(database)
    platform.faults = [None, None, fault]
    problems = deliver_changes(database, plugins, [finished.run_id], after=0)

    assert platform.disposed == 0
    assert bool(problems) == (fault is Fault.REFUSED)


@pytest.mark.parametrize("status", [VisitStatus.PARTIALLY_APPROVED, VisitStatus.SCREENED_OUT])
@pytest.mark.parametrize("fault", [None, Fault.REFUSED])
def test_verdict_that_comes_too_late_is_not_waited_for(
    fault: Fault | None,
    status: VisitStatus,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    finished: Gateway,
) -> None:
    """Because the platform was asked, or has reported before that the visit was over."""
    reject(database)
    if fault is not None:
        platform.faults = [None, fault]
        deliver_run(database, plugins, finished.run_id)
        assert platform.disposed == 0
    over = VisitReport(worker_name="x", reference="visit", status=status, amount=Decimal("0.05"))
    platform.visits.clear()
    platform.others = [over]
    for _ in range(2):
        sync_now(database, plugins, finished.run_id)

    assert platform.verdicts == {}
    assert platform.disposed == 1


def test_clean_up_that_was_never_enqueued_is_named(
    amiss: Callable[[], list[tuple[str, object]]],
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    finished: Gateway,
) -> None:
    accept(database)
    deliver_run(database, plugins, finished.run_id)
    row = OutboxTable.delete().where(OutboxTable.kind == OutboxKind.DISPOSE.value)
    database.write(lambda tx: tx.execute(row))

    assert amiss() == [
        (
            "what remains of the run on the platform is not cleaned up: the clean-up has not "
            "started",
            ("sync", finished.run_id),
        )
    ]
    deliver_run(database, plugins, finished.run_id)
    assert amiss() == []
