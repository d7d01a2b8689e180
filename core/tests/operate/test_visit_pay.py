"""What a platform has paid for a visit is what the ledger has, and ended visits are over."""

from __future__ import annotations

from decimal import Decimal

import pytest

from famulus.contracts.provider_views import VisitReport
from famulus.contracts.views import NotPassed
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.budget import read_budget
from famulus.engine.ledger.decisions import decide, undo
from famulus.engine.runs import read_run
from famulus.model.database import Database
from famulus.model.states import (
    UNSUBMITTED_VISITS,
    Decision,
    OutboxStatus,
    PaymentStatus,
    VisitStatus,
)
from famulus.model.tables import OutboxTable, PaymentTable, UnitTable, VisitTable
from famulus.model.transaction import Transaction
from famulus.operate.doctor import read_differences
from famulus.operate.doctor.work_differences import of_visits
from famulus.operate.forget_worker import find_worker_id, forget_worker
from famulus.operate.manual_sync import sync_now
from famulus.plugins import Plugins
from famulus.review.topup_actions import pay_topup, propose_topup
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

PARTIALLY, SCREENED_OUT = VisitStatus.PARTIALLY_APPROVED, VisitStatus.SCREENED_OUT
TIMED_OUT, APPROVED = VisitStatus.TIMED_OUT, VisitStatus.APPROVED

Ledger = list[tuple[PaymentStatus, int, int]]


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(
        platform=PlatformPlugin(
            platform.provider("reporting", reports_submissions=True),
            platform.provider("unpaid", reports_submissions=True, pays=False),
        )
    )


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return operator.launch_rows(
        [{"n": 1}, {"n": 2}],
        provider="reporting",
        submission_timeout=60,
        task_reward="0.50",
        max_spend="10",
    )


def report(status: VisitStatus, amount: object = None) -> list[VisitReport]:
    """Return the only report of a sync."""
    return [VisitReport(worker_name="a", reference="visit", status=status, amount=amount)]  # type: ignore[arg-type]


def ledger(database: Database) -> Ledger:
    """Return the status, amount and fee of each payment."""
    with database.read() as tx:
        rows = tx.rows(PaymentTable.select().order_by(PaymentTable.id))
    return [(row.status, row.amount, row.fee) for row in rows]


def visits(database: Database) -> list[VisitStatus]:
    """Return the statuses of all visits."""
    with database.read() as tx:
        return [row.status for row in tx.rows(VisitTable.select().order_by(VisitTable.id))]


def work(gateway: Gateway) -> None:
    """Submit the first unit here."""
    worker = GatewayWorker(gateway, "a")
    worker.submit(worker.arrive("visit"))


def accept(database: Database) -> None:
    """Accept the unit that was submitted."""

    [unit] = completed(database)

    def job(tx: Transaction) -> None:
        decide(tx, unit, Decision.ACCEPTED)
        apply_decisions(tx, [unit])

    database.write(job)


def completed(database: Database) -> list[int]:
    """Return the units that were submitted and are not reviewed."""
    query = UnitTable.select().where(UnitTable.status == "completed")
    with database.read() as tx:
        return [row.id for row in tx.rows(query)]


@pytest.mark.parametrize("status", [PARTIALLY, APPROVED])
@pytest.mark.parametrize("is_decided", [False, True])
def test_amount_that_the_platform_has_paid_is_in_the_ledger_once(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    status: VisitStatus,
    is_decided: bool,
) -> None:
    work(gateway)
    if is_decided:
        accept(database)
    platform.others = report(status, Decimal("0.20"))
    for _ in range(2):
        operator.turn()

    assert visits(database) == [status]
    assert ledger(database) == [(PaymentStatus.CONFIRMED, 20, 4)]


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (None, "its amount is missing"),
        (Decimal("0.205"), "finer than the smallest unit"),
        (Decimal(0), "its amount is 0"),
        (Decimal("NaN"), "has to be a Decimal"),
        (0.2, "has to be a Decimal"),
    ],
)
def test_partial_approval_without_an_amount_that_can_be_paid_changes_nothing(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    caplog: pytest.LogCaptureFixture,
    amount: object,
    words: str,
) -> None:
    work(gateway)
    platform.others = report(PARTIALLY, amount)
    operator.turn()

    assert (visits(database), ledger(database)) == ([VisitStatus.ACCEPTED], [])
    assert f"reports visit visit as {PARTIALLY}: " in caplog.text
    assert words in caplog.text


@pytest.mark.parametrize("is_decided", [False, True])
def test_visit_that_was_screened_out_is_paid_what_the_platform_says(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    is_decided: bool,
) -> None:
    if is_decided:
        work(gateway)
        accept(database)
    else:
        GatewayWorker(gateway, "a").arrive("visit")
    platform.others = report(SCREENED_OUT, Decimal("0.10"))
    for _ in range(2):
        operator.turn()

    assert visits(database) == [SCREENED_OUT]
    assert ledger(database) == [(PaymentStatus.CONFIRMED, 10, 2)]
    with database.read() as tx:
        budget = read_budget(tx, gateway.run_id, lock=False)
    assert budget is not None
    assert budget.extra == 12


def test_visit_that_was_screened_out_without_pay_has_no_reward(
    gateway: Gateway, operator: ManualOperator, platform: FakePlatform, database: Database
) -> None:
    work(gateway)
    accept(database)
    platform.others = report(SCREENED_OUT)
    operator.turn()

    assert visits(database) == [SCREENED_OUT]
    assert [status for status, *_ in ledger(database)] == [PaymentStatus.FAILED]


@pytest.mark.parametrize(("amount", "stored"), [(Decimal("0.10"), [SCREENED_OUT]), (None, [])])
def test_worker_who_was_screened_out_before_an_arrival_is_stored_if_they_were_paid(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    amount: Decimal | None,
    stored: list[VisitStatus],
) -> None:
    platform.others = report(SCREENED_OUT, amount)
    operator.turn()

    assert visits(database) == stored
    assert len(ledger(database)) == len(stored)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(TIMED_OUT, "time_over"), (SCREENED_OUT, "not_qualified"), (PARTIALLY, "time_over")],
)
def test_visit_that_is_over_on_the_platform_gets_no_more_work(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    status: VisitStatus,
    reason: str,
) -> None:
    page = GatewayWorker(gateway, "a").arrive("visit")
    if status is PARTIALLY:
        GatewayWorker(gateway, "a").give_back(page)
    platform.others = report(status, Decimal("0.10"))
    operator.turn()

    over = GatewayWorker(gateway, "a").arrive("visit")
    assert over.refusal == reason
    assert ("You have done nothing wrong" in over.text) is (status is SCREENED_OUT)
    assert visits(database) == [status]
    assert GatewayWorker(gateway, "a").arrive("another").refusal is None


@pytest.mark.parametrize("status", [TIMED_OUT, SCREENED_OUT, VisitStatus.SUBMITTED])
def test_worker_who_failed_the_onboarding_reads_so_once_the_visit_is_over(
    operator: ManualOperator, platform: FakePlatform, status: VisitStatus
) -> None:
    gateway = operator.launch_rows(
        [{"n": 1}],
        provider="reporting",
        blueprint={"onboarding_qualification": "trained"},
        shared={"validate_onboarding": lambda _: NotPassed("Number 3 was wrong.")},
    )
    worker = GatewayWorker(gateway, "a")
    worker.submit(worker.arrive("visit"), "wrong")
    platform.others = report(status)
    operator.turn()

    over = worker.arrive("visit")

    assert over.refusal == "not_qualified"
    assert "Number 3 was wrong." in over.text
    assert "not submitted in time" not in over.text


@pytest.mark.parametrize("status", [TIMED_OUT, SCREENED_OUT, PARTIALLY])
def test_no_verdict_is_sent_about_a_visit_whose_pay_is_settled(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    clock: MovableClock,
    status: VisitStatus,
) -> None:
    work(gateway)
    platform.others = report(status, Decimal("0.10"))
    operator.turn()
    before = ledger(database)
    accept(database)
    clock.advance(60)
    operator.turn()

    assert "decide" not in platform.calls
    with database.read() as tx:
        [row] = tx.rows(OutboxTable.select().where(OutboxTable.kind == "decide"))
    assert (row.status, f"visit visit as {status}" in row.error) == (OutboxStatus.FAILED, True)
    failed = [(PaymentStatus.FAILED, 50, 10)] if status is TIMED_OUT else []
    assert ledger(database) == before + failed


@pytest.mark.parametrize("status", UNSUBMITTED_VISITS)
def test_work_whose_visit_ended_without_a_submission_is_a_difference(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    status: VisitStatus,
) -> None:
    work(gateway)
    platform.others = report(status)
    operator.turn()

    with database.read() as tx:
        [difference] = of_visits(tx, read_run(tx, gateway.run_id))
    assert "ended without a submission on the platform: visits visit of a" in difference.what


@pytest.mark.parametrize("decision", [None, Decision.REJECTED, Decision.ACCEPTED])
@pytest.mark.parametrize("amount", [None, Decimal("0.30")])
def test_nothing_is_owed_for_approved_visits_without_work_where_the_provider_does_not_pay(
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    decision: Decision | None,
    amount: Decimal | None,
) -> None:
    """One has no work, and the work of another one is owed unless it was rejected."""
    gateway = operator.launch_rows([{"n": 1}], provider="unpaid", task_reward="0.50")
    work(gateway)
    [unit] = completed(database)

    def job(tx: Transaction) -> None:
        if decision is not None:
            decide(tx, unit, decision, note="why")
            apply_decisions(tx, [unit])

    database.write(job)
    platform.others = [
        *report(APPROVED, amount),
        VisitReport(worker_name="left", reference="l", status=APPROVED, amount=amount),
        VisitReport(worker_name="out", reference="o", status=SCREENED_OUT, amount=amount),
    ]
    operator.turn()

    owed = [] if decision is Decision.REJECTED else [(PaymentStatus.OWED, 50, 10)]
    assert ledger(database) == owed


@pytest.mark.parametrize("is_reviewed", [False, True])
@pytest.mark.parametrize("amount", [None, Decimal("1.00")])
def test_only_accepted_work_of_what_the_platform_has_paid_by_itself_is_topped_up(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    database: Database,
    clock: MovableClock,
    is_reviewed: bool,
    amount: Decimal | None,
) -> None:
    """Others are paid without any work, which the amount of two rewards does not replace."""
    worker = GatewayWorker(gateway, "a")
    page = worker.arrive("visit")
    clock.advance(300)
    worker.submit(page)
    platform.others = [
        *report(APPROVED, amount),
        VisitReport(worker_name="left", reference="l", status=APPROVED, amount=amount),
        VisitReport(worker_name="out", reference="o", status=SCREENED_OUT, amount=Decimal("0.50")),
    ]
    operator.turn()
    if is_reviewed:
        accept(database)
        operator.turn()

    topup = propose_topup(database, gateway.run_id, "18", plugins=plugins)
    paid = pay_topup(database, topup, plugins=plugins)

    due = Decimal("1.50") - (amount or Decimal("0.50"))
    raised = [("a", 1, due)] if is_reviewed else []
    assert len(ledger(database)) == 3 + len(raised)
    assert [(each.worker, each.units, each.amount) for each in topup.visits] == raised
    assert [(each.worker, each.amount) for each in paid] == [(name, due) for name, *_ in raised]


def test_rejected_work_that_the_platform_pays_by_itself_counts_against_the_budget(
    gateway: Gateway, operator: ManualOperator, platform: FakePlatform, database: Database
) -> None:
    work(gateway)
    [unit] = completed(database)

    def job(tx: Transaction) -> None:
        decide(tx, unit, Decision.REJECTED, note="why")
        apply_decisions(tx, [unit])

    with database.read() as tx:
        before = read_budget(tx, gateway.run_id, lock=False)
    database.write(job)
    platform.others = report(APPROVED)
    operator.turn()

    with database.read() as tx:
        after = read_budget(tx, gateway.run_id, lock=False)
    assert ledger(database) == [(PaymentStatus.CONFIRMED, 50, 10)]
    assert before is not None
    assert after is not None
    assert after.left == before.left


@pytest.mark.parametrize("is_undone", [False, True])
def test_a_decision_that_can_be_undone_tops_nothing_up(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    database: Database,
    clock: MovableClock,
    is_undone: bool,
) -> None:
    worker = GatewayWorker(gateway, "a")
    page = worker.arrive("visit")
    clock.advance(300)
    worker.submit(page)
    platform.others = report(APPROVED)
    operator.turn()
    [unit] = completed(database)
    database.write(lambda tx: decide(tx, unit, Decision.ACCEPTED))

    before = propose_topup(database, gateway.run_id, "18", plugins=plugins)
    if is_undone:
        database.write(lambda tx: undo(tx, unit))
    database.write(lambda tx: apply_decisions(tx, [unit]))
    operator.turn()
    after = propose_topup(database, gateway.run_id, "18", plugins=plugins)

    assert (len(before.visits), len(after.visits)) == (0, 0 if is_undone else 1)


def test_what_the_platform_has_paid_is_a_difference_until_it_is_in_the_ledger(
    gateway: Gateway,
    operator: ManualOperator,
    platform: FakePlatform,
    plugins: Plugins,
    database: Database,
) -> None:
    GatewayWorker(gateway, "a").arrive("visit")
    operator.finish(gateway.run_id)
    platform.others = [
        *report(APPROVED),
        VisitReport(worker_name="left", reference="l", status=PARTIALLY, amount=Decimal("0.20")),
        VisitReport(worker_name="out", reference="o", status=SCREENED_OUT, amount=Decimal("0.10")),
        VisitReport(worker_name="unpaid", reference="u", status=SCREENED_OUT),
    ]

    [found] = read_differences(database, plugins)
    sync_now(database, plugins, gateway.run_id)
    silent = read_differences(database, plugins)
    forget_worker(database, plugins, find_worker_id(database, plugins, "left"), answers=False)

    assert found.what == (
        "paid on the platform, but not in the ledger: visits visit of a, l of left, o of out"
    )
    assert found.command == ("sync", gateway.run_id)
    assert len(ledger(database)) == 3
    assert silent == read_differences(database, plugins) == []
