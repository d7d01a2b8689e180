"""Where the provider does not pay, accepted work is owed until a person marks it as paid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from famulus.contracts.provider_views import (
    Capabilities,
    VisitReport,
)
from famulus.data.owed import OwedSum, list_owed
from famulus.data.payments import PaymentRecord, list_payments
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.engine.ledger.outside import Transfer
from famulus.engine.ledger.rewards import drop_reward, plan_reward
from famulus.engine.ledger.topups import plan_topups
from famulus.engine.platform.bound_provider import bind_provider, deliver_run
from famulus.engine.platform.visit_sync import sync_run
from famulus.engine.qualifications.worker_handle import find_worker
from famulus.errors import ConflictError, UsageError
from famulus.model.database import Database
from famulus.model.states import Decision, PaymentKind, PaymentStatus, UnitStatus, VisitStatus
from famulus.model.tables import OutboxTable, UnitTable, VisitTable
from famulus.model.transaction import Transaction
from famulus.operate.doctor import read_differences
from famulus.operate.forget_worker import find_worker_id, forget_worker
from famulus.plugins import Plugins
from famulus.review.outside_payments import mark_paid, mark_transfers
from famulus.review.payment_actions import compensate, pay_bonus, retry_payment, settle_payments
from famulus.review.topup_actions import pay_topup, propose_topup
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from famulus.testing.scripted_worker import at_once

OWED, CONFIRMED, FAILED = PaymentStatus.OWED, PaymentStatus.CONFIRMED, PaymentStatus.FAILED


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(
        platform=PlatformPlugin(platform.provider("free", pays=False, reports_submissions=True))
    )


@pytest.fixture
def manual(database: Database, plugins: Plugins) -> Iterator[ManualOperator]:
    operator = ManualOperator(database, plugins=plugins)
    with operator:
        yield operator


@pytest.fixture
def gateway(
    manual: ManualOperator, database: Database, platform: FakePlatform, clock: MovableClock
) -> Gateway:
    """A run of four units, of which x has done two and y one, in a minute each."""
    opened = manual.launch_rows([{"n": n} for n in range(4)], provider="free")
    for name in ("x", "x", "y"):
        page = GatewayWorker(opened, name).arrive()
        clock.advance(60)
        GatewayWorker(opened, name).submit(page)
    platform.visits.update(dict.fromkeys(references(database), VisitStatus.SUBMITTED))
    manual.turn()
    return opened


def references(database: Database) -> list[str]:
    with database.read() as tx:
        return [row.reference for row in tx.rows(VisitTable.select().order_by(VisitTable.id))]


def units(database: Database) -> list[int]:
    with database.read() as tx:
        return [row.id for row in tx.rows(UnitTable.select().order_by(UnitTable.id))]


def review(database: Database, decision: Decision, *numbers: int) -> None:
    """Apply a decision on units, counted from 0."""
    chosen = [units(database)[number] for number in numbers]

    def job(tx: Transaction) -> None:
        for unit in chosen:
            row = tx.row(UnitTable.select(UnitTable.status).where(UnitTable.id == unit))
            assert row is not None
            decide(tx, unit, decision, note="why", seen=UnitStatus(row.status))
        apply_decisions(tx, chosen)

    database.write(job)


def accept(database: Database, plugins: Plugins, run: int) -> None:
    review(database, Decision.ACCEPTED, 0, 1, 2)
    deliver_run(database, plugins, run)


def statuses(database: Database) -> list[PaymentStatus]:
    return [payment.status for payment in list_payments(database)]


def numbers(payments: Sequence[PaymentRecord]) -> list[int]:
    return [payment.id for payment in payments]


def test_accepted_work_is_owed_and_the_platform_gets_the_verdict_alone(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    accept(database, plugins, gateway.run_id)
    settle_payments(database, plugins=plugins)

    first, second, third = list_payments(database)
    assert statuses(database) == [OWED] * 3
    assert platform.calls.count("decide") == 3
    assert {"pay", "settle"}.isdisjoint(platform.calls)
    assert list_owed(database) == [
        OwedSum(
            provider_type="free",
            worker="x",
            currency="USD",
            amount=Decimal("0.20"),
            payments=[first.id, second.id],
        ),
        OwedSum(
            provider_type="free",
            worker="y",
            currency="USD",
            amount=Decimal("0.10"),
            payments=[third.id],
        ),
    ]
    # What is to be paid is no fault: a lab that pays once a month has it all month.
    assert not [each for each in read_differences(database, plugins) if "payment" in each.what]


def test_what_is_paid_on_top_is_owed_without_a_call(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    accept(database, plugins, gateway.run_id)
    worker = find_worker(database, "free", "y")

    bonus = pay_bonus(database, units(database)[2], "0.50", reason="R", plugins=plugins)
    lost = compensate(worker, gateway.run_id, "0.30", reason="R", plugins=plugins)
    topup = propose_topup(database, gateway.run_id, "9", plugins=plugins)
    paid = pay_topup(database, topup, plugins=plugins)

    assert {each.status for each in (bonus, lost, *paid)} == {OWED}
    assert [each.amount for each in paid] == [Decimal("0.05")] * 3
    assert [each.amount for each in list_owed(database)] == [Decimal("0.30"), Decimal("0.95")]
    assert "pay" not in platform.calls
    with database.read() as tx:
        assert tx.rows(OutboxTable.select().where(OutboxTable.kind == "pay")) == []


def test_a_topup_is_not_owed_once_its_visit_is_returned(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    manual: ManualOperator,
    platform: FakePlatform,
) -> None:
    """It is owed again once the work is submitted again and accepted."""
    first, *_ = references(database)

    def work_is_accepted_and_topped_up() -> None:
        review(database, Decision.ACCEPTED, 0)
        proposal = propose_topup(database, gateway.run_id, "9", plugins=plugins)
        planned = [each._planned for each in proposal.visits]
        assert len(database.write(lambda tx: plan_topups(tx, planned))) == 1

    work_is_accepted_and_topped_up()
    for status in (VisitStatus.RETURNED, VisitStatus.SUBMITTED):
        platform.others = [VisitReport(worker_name="x", reference=first, status=status)]
        bound = bind_provider(database, plugins, gateway.run_id)
        sync_run(database, bound.provider, bound.run_view())
        if status is VisitStatus.RETURNED:
            assert statuses(database) == [FAILED, FAILED]
            assert list_owed(database) == []
    work_is_accepted_and_topped_up()

    assert statuses(database) == [OWED, FAILED, OWED]
    assert propose_topup(database, gateway.run_id, "9", plugins=plugins).visits == []


def test_a_report_of_the_platform_pays_nothing_that_is_owed(
    gateway: Gateway, database: Database, manual: ManualOperator, platform: FakePlatform
) -> None:
    first, *_ = references(database)
    platform.others = [VisitReport(worker_name="x", reference=first, status=VisitStatus.APPROVED)]

    manual.turn()

    assert statuses(database) == [OWED]


def test_a_rejection_that_is_corrected_is_owed(
    gateway: Gateway, database: Database, plugins: Plugins
) -> None:
    review(database, Decision.REJECTED, 0)
    assert statuses(database) == []

    review(database, Decision.SOFT_REJECTED, 0)

    assert statuses(database) == [OWED]


def test_what_is_not_owed_any_more_is_neither_retried_nor_marked(
    gateway: Gateway, database: Database, plugins: Plugins
) -> None:
    accept(database, plugins, gateway.run_id)
    first = list_payments(database)[0].id
    with database.read() as tx:
        visit = tx.row(VisitTable.select(VisitTable.id).order_by(VisitTable.id))
    assert visit is not None
    database.write(lambda tx: drop_reward(tx, gateway.run_id, visit.id))

    assert statuses(database) == [FAILED, OWED, OWED]
    with pytest.raises(ConflictError, match=f"payment {first} is not owed"):
        retry_payment(database, first, plugins=plugins)
    with pytest.raises(UsageError, match=f"payment {first} is not owed: the visit was rejected"):
        mark_paid(database, [first], note="N")


def test_payments_are_marked_once_with_their_note(
    gateway: Gateway, database: Database, plugins: Plugins
) -> None:
    accept(database, plugins, gateway.run_id)
    first, second, third = numbers(list_payments(database))

    marked = mark_paid(database, [first, second], note=" transfer 7 ")
    again = mark_paid(database, [second, first, third], note="transfer 7")

    assert [(each.id, each.status, each.note) for each in marked] == [
        (first, CONFIRMED, "transfer 7"),
        (second, CONFIRMED, "transfer 7"),
    ]
    assert numbers(again) == [third]
    assert mark_paid(database, [first, second, third], note="transfer 7") == []
    assert list_owed(database) == []


def test_all_are_marked_or_none(gateway: Gateway, database: Database, plugins: Plugins) -> None:
    accept(database, plugins, gateway.run_id)
    first, second, _ = numbers(list_payments(database))
    mark_paid(database, [first], note="transfer 7")

    with pytest.raises(UsageError) as caught:
        mark_paid(database, [first, second, 999], note="transfer 8")

    assert [each.message for each in caught.value.problems] == [
        f"payment {first} was marked as paid before, with the note 'transfer 7'",
        "there is no payment 999; `famulus payments owed` lists what is owed",
    ]
    assert statuses(database) == [CONFIRMED, OWED, OWED]
    for wrong in ("", " ", "x" * 5000):
        with pytest.raises(UsageError, match="note"):
            mark_paid(database, [second], note=wrong)
    with pytest.raises(UsageError, match="name the payments that were paid"):
        mark_paid(database, [], note="transfer 8")


def test_of_two_who_mark_the_same_payment_one_is_refused(
    gateway: Gateway, database: Database, plugins: Plugins
) -> None:
    accept(database, plugins, gateway.run_id)
    payments = numbers(list_payments(database))

    def mark(number: int) -> int:
        try:
            return len(mark_paid(database, payments, note=f"transfer {number}"))
        except UsageError:
            return 0

    assert sorted(at_once(4, mark)) == [0, 0, 0, 3]
    assert len({each.note for each in list_payments(database)}) == 1


def test_what_the_platform_pays_is_not_marked(
    database: Database, manual: ManualOperator, plugins: Plugins, platform: FakePlatform
) -> None:
    plugins.add("paying", PlatformPlugin(platform.provider("paying")))
    gateway = manual.launch_rows([{"n": 1}], provider="paying")
    GatewayWorker(gateway, "x").work()
    review(database, Decision.ACCEPTED, 0)
    (planned,) = list_payments(database)

    with pytest.raises(UsageError, match=f"payment {planned.id} is planned: its platform pays it"):
        mark_paid(database, [planned.id], note="N")
    deliver_run(database, plugins, gateway.run_id)
    with pytest.raises(UsageError, match="is confirmed: its platform pays it"):
        mark_paid(database, [planned.id], note="N")


@pytest.mark.parametrize(
    ("amount", "currency", "sentence"),
    [
        (Decimal("0.30"), "USD", r"0\.30 USD were listed, and these payments are 0\.20 USD now"),
        (Decimal("0.20"), "EUR", r"0\.20 EUR were listed"),
    ],
)
def test_a_transfer_of_another_amount_is_refused(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    amount: Decimal,
    currency: str,
    sentence: str,
) -> None:
    accept(database, plugins, gateway.run_id)
    payments = numbers(list_payments(database))[:2]
    listed = Transfer(
        payments=payments, amount=amount, currency=currency, file=Path("owed.csv"), line=2
    )

    with pytest.raises(UsageError, match=f"^owed.csv:2: {sentence}"):
        mark_transfers(database, [listed], note="N")

    assert statuses(database) == [OWED] * 3


def test_more_work_of_a_visit_raises_what_is_owed_and_not_what_was_paid(
    gateway: Gateway, database: Database, plugins: Plugins
) -> None:
    accept(database, plugins, gateway.run_id)
    first = list_payments(database)[0]
    mark_paid(database, [first.id], note="N")
    with database.read() as tx:
        visits = [row.id for row in tx.rows(VisitTable.select().order_by(VisitTable.id))]

    for visit in visits[:2]:
        database.write(partial(plan_reward, visit=visit, amount=999))

    assert [each.amount for each in list_payments(database)][:2] == [first.amount, Decimal("9.99")]


def test_a_run_is_not_resumed_by_a_provider_that_pays_now(
    gateway: Gateway,
    database: Database,
    manual: ManualOperator,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manual.stop(gateway.run_id, now=True)
    monkeypatch.setattr(plugins.provider("free"), "capabilities", Capabilities(pays=True))

    with pytest.raises(ConflictError, match=r"launched when free did not pay workers, and .* does"):
        manual.resume(gateway.run_id)


def test_bonuses_that_are_owed_count_against_the_budget(
    database: Database, manual: ManualOperator, plugins: Plugins
) -> None:
    gateway = manual.launch_rows([{"n": 1}], provider="free", max_spend="0.50")
    GatewayWorker(gateway, "x").work()

    with pytest.raises(UsageError, match=r"has a budget of 0\.50 USD"):
        pay_bonus(database, units(database)[0], "0.50", reason="R", plugins=plugins)

    assert PaymentKind.BONUS not in [each.kind for each in list_payments(database)]


def test_a_worker_is_forgotten_once_they_are_paid_and_not_before(
    gateway: Gateway, database: Database, plugins: Plugins
) -> None:
    accept(database, plugins, gateway.run_id)
    worker = find_worker_id(database, plugins, "y")
    (owed,) = [each.payments for each in list_owed(database) if each.worker == "y"]

    with pytest.raises(ConflictError, match=f"y cannot be forgotten yet: .* payment {owed[0]}"):
        forget_worker(database, plugins, worker, answers=False)
    mark_paid(database, owed, note="in cash, to y")
    forgotten = forget_worker(database, plugins, worker, answers=False)

    assert [each.note for each in list_payments(database) if each.id in owed] == [
        f"in cash, to {forgotten.pseudonym}"
    ]
