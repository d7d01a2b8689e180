"""Bonuses and compensations: paid once, under repetition, failures and kills."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from attrs import evolve

from famulus.contracts.provider import Provider
from famulus.data.owed import list_owed
from famulus.data.payments import PaymentRecord, list_payments, payment_totals
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.retries import plan_again
from famulus.engine.qualifications.worker_handle import find_worker
from famulus.engine.workers import make_worker
from famulus.errors import ConflictError, NotFoundError, PluginError, UsageError
from famulus.model.database import Database
from famulus.model.states import PaymentKind, PaymentStatus
from famulus.model.tables import EventTable, OutboxTable, UnitTable
from famulus.operate.manual_sync import sync_now
from famulus.plugins import Plugins
from famulus.process import ProcessIdentity
from famulus.review.outside_payments import mark_paid
from famulus.review.payment_actions import (
    compensate,
    pay_bonus,
    resolve_payment,
    retry_payment,
    settle_payments,
)
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from famulus.testing.scripted_worker import at_once

THREADS = 6


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(platform.provider()))


@pytest.fixture
def gateway(database: Database, plugins: Plugins) -> Iterator[Gateway]:
    with ManualOperator(database, plugins=plugins) as operator:
        opened = operator.launch_rows([{"n": n} for n in range(2)], provider="paying")
        GatewayWorker(opened, "x").work()
        yield opened


@pytest.fixture
def unit(gateway: Gateway, database: Database) -> int:
    """A unit that x has submitted; the next one is free."""
    with database.read() as tx:
        row = tx.row(UnitTable.select(UnitTable.id).order_by(UnitTable.id))
    assert row is not None
    return int(row.id)


@pytest.fixture
def pay(database: Database, plugins: Plugins, unit: int) -> partial[PaymentRecord]:
    return partial(pay_bonus, database, unit, "0.50", reason="Thank you.", plugins=plugins)


def test_bonus_is_paid_and_listed_with_its_fee(
    pay: partial[PaymentRecord], database: Database, platform: FakePlatform, unit: int
) -> None:
    paid = pay()

    assert (paid.kind, paid.status, paid.unit) == (PaymentKind.BONUS, PaymentStatus.CONFIRMED, unit)
    assert (paid.amount, paid.fee, paid.worker) == (Decimal("0.50"), Decimal("0.10"), "x")
    assert [amount for _, amount in platform.paid] == [Decimal("0.50")]
    assert list_payments(database) == [paid]


def test_same_bonus_again_is_the_same_payment_unless_requested(
    pay: partial[PaymentRecord], platform: FakePlatform
) -> None:
    assert pay() == pay() == pay(reason="  Thank you. ")
    assert len(platform.paid) == 1

    pay(again=True)
    assert len(platform.paid) == len({key for key, _ in platform.paid}) == 2


@pytest.mark.parametrize("more", [{"reason": "Another one."}, {"amount": "0.51"}])
def test_another_reason_or_amount_is_another_bonus(
    pay: partial[PaymentRecord],
    database: Database,
    plugins: Plugins,
    unit: int,
    platform: FakePlatform,
    more: dict[str, str],
) -> None:
    pay()
    given = {"amount": "0.50", "reason": "Thank you.", **more}
    pay_bonus(database, unit, given["amount"], reason=given["reason"], plugins=plugins)

    assert len(platform.paid) == 2


def test_racing_bonuses_are_one_payment(
    pay: partial[PaymentRecord], platform: FakePlatform
) -> None:
    at_once(THREADS, lambda _: pay())

    assert len(platform.paid) == 1


@pytest.mark.parametrize("paid", [True, False])
def test_an_unknown_payment_is_what_a_person_says_and_retried_only_if_it_was_not_paid(
    pay: partial[PaymentRecord],
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    paid: bool,
) -> None:
    platform.faults = [Fault.LOST]
    unknown = pay()

    for _ in range(2):
        found = resolve_payment(database, unknown.id, paid=paid, note=" ticket 7 ")

    assert found.status is (PaymentStatus.CONFIRMED if paid else PaymentStatus.FAILED)
    assert "ticket 7" in (found.note if paid else found.error)
    with pytest.raises(ConflictError, match="only a payment whose outcome is unknown"):
        resolve_payment(database, unknown.id, paid=not paid, note="ticket 8")
    assert settle_payments(database, plugins=plugins) == []
    assert platform.calls == ["pay"]
    if paid:
        with pytest.raises(ConflictError):
            retry_payment(database, unknown.id, plugins=plugins)
    else:
        retried = retry_payment(database, unknown.id, plugins=plugins)
        assert retried.status is PaymentStatus.CONFIRMED


def test_what_cannot_be_resolved_is_an_error(
    pay: partial[PaymentRecord], database: Database, platform: FakePlatform
) -> None:
    platform.faults = [Fault.LOST]
    unknown = pay()

    with pytest.raises(UsageError, match="note"):
        resolve_payment(database, unknown.id, paid=True, note=" ")
    with pytest.raises(NotFoundError):
        resolve_payment(database, unknown.id + 1, paid=True, note="x")
    assert list_payments(database) == [unknown]


def test_payment_with_a_lost_reply_is_settled_and_not_repeated(
    pay: partial[PaymentRecord], database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    platform.faults = [Fault.LOST]
    assert pay().status is PaymentStatus.UNKNOWN

    (settled,) = settle_payments(database, plugins=plugins)

    assert settled.status is PaymentStatus.CONFIRMED
    assert platform.calls == ["pay", "settle"]
    assert len(platform.paid) == 1


def test_each_run_whose_payments_cannot_be_settled_is_named(
    database: Database, plugins: Plugins, platform: FakePlatform, caplog: pytest.LogCaptureFixture
) -> None:
    with ManualOperator(database, plugins=plugins) as operator:
        runs = [operator.launch_rows([{"n": 1}], provider="paying") for _ in range(3)]
        for run in runs:
            GatewayWorker(run, "x").work()
    with database.read() as tx:
        units = [row.id for row in tx.rows(UnitTable.select(UnitTable.id))]
    platform.faults = [Fault.LOST] * 3
    for unit in units:
        pay_bonus(database, unit, "0.50", reason="R", plugins=plugins)

    with pytest.raises(UsageError, match="no provider 'paying'"):
        settle_payments(database, plugins=Plugins())

    logged = [each.getMessage() for each in caplog.records if "cannot be settled" in each.msg]
    assert [message.partition(":")[0] for message in logged] == [
        f"run {run.run_id}" for run in runs[1:]
    ]


def test_failed_payment_can_be_retried_with_the_same_key(
    pay: partial[PaymentRecord], database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    platform.faults = [Fault.BROKEN]
    unknown = pay()
    (failed,) = settle_payments(database, plugins=plugins)
    assert failed.status is PaymentStatus.FAILED
    assert platform.paid == []

    assert retry_payment(database, unknown.id, plugins=plugins).status is PaymentStatus.CONFIRMED
    assert [key for key, _ in platform.paid] == [f"{database.identity}-{unknown.id}"]


def test_failed_payment_is_planned_again_by_one_of_several_requests(
    pay: partial[PaymentRecord], database: Database, platform: FakePlatform
) -> None:
    platform.faults = [Fault.REFUSED]
    failed = pay().id

    def plan(_: int) -> bool:
        try:
            database.write(lambda tx: plan_again(tx, failed))
        except ConflictError:
            return False
        return True

    assert sum(at_once(THREADS, plan)) == 1


def test_refusal_is_reported_and_not_retried(
    pay: partial[PaymentRecord], database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    platform.faults = [Fault.REFUSED]

    refused = pay()
    assert (refused.status, refused.error) == (PaymentStatus.FAILED, "the balance is too low")
    assert settle_payments(database, plugins=plugins) == []
    assert pay().status is PaymentStatus.FAILED
    assert platform.calls == ["pay"]


def test_throttled_bonus_is_paid_by_a_later_delivery(
    pay: partial[PaymentRecord], database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    platform.faults = [Fault.THROTTLED]
    assert pay().status is PaymentStatus.PLANNED

    (paid,) = settle_payments(database, plugins=plugins)
    assert paid.status is PaymentStatus.CONFIRMED
    assert platform.calls == ["pay", "pay"]
    assert len(platform.paid) == 1


@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.KILLED_AFTER])
def test_process_killed_before_or_after_the_call_pays_at_most_once(
    pay: partial[PaymentRecord],
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
    fault: Fault,
) -> None:
    platform.faults = [fault]
    with pytest.raises(Killed):
        pay()
    assert list_payments(database)[0].status is PaymentStatus.SENT

    settle_payments(database, plugins=plugins)
    assert list_payments(database)[0].status is PaymentStatus.SENT
    clock.advance(600)
    settle_payments(database, plugins=plugins)

    expected = PaymentStatus.FAILED if fault is Fault.KILLED else PaymentStatus.CONFIRMED
    assert list_payments(database)[0].status is expected
    assert platform.calls == ["pay", "settle"]


def claim_as(database: Database, payer: ProcessIdentity) -> None:
    query = OutboxTable.update(claimed_by=str(payer)).where(
        OutboxTable.claimed_until.is_null(False)
    )
    assert database.write(lambda tx: tx.execute(query).rowcount) == 1


@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.KILLED_AFTER])
def test_payment_of_a_dead_process_is_settled_at_once(
    pay: partial[PaymentRecord],
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    fault: Fault,
) -> None:
    platform.faults = [fault]
    with pytest.raises(Killed):
        pay()
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    claim_as(database, evolve(ProcessIdentity.current(), pid=gone.pid))

    (settled,) = settle_payments(database, plugins=plugins)

    expected = PaymentStatus.FAILED if fault is Fault.KILLED else PaymentStatus.CONFIRMED
    assert settled.status is expected
    assert platform.calls == ["pay", "settle"]


def test_process_that_may_be_paying_is_named_with_the_end_of_its_claim(
    pay: partial[PaymentRecord],
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
) -> None:
    platform.faults = [Fault.KILLED_AFTER]
    with pytest.raises(Killed):
        pay()
    elsewhere = evolve(ProcessIdentity.current(), boot="another", pid=7, host="elsewhere")
    claim_as(database, elsewhere)

    (waiting,) = settle_payments(database, plugins=plugins)
    assert waiting.status is PaymentStatus.SENT
    assert waiting.payer == "process 7 on elsewhere"
    assert waiting.payer_until == clock() + timedelta(minutes=10)

    clock.advance(600)
    (settled,) = settle_payments(database, plugins=plugins)
    assert settled.status is PaymentStatus.CONFIRMED
    assert (settled.payer, settled.payer_until) == ("", None)


def test_payment_stays_unknown_while_the_platform_does_not_answer(
    pay: partial[PaymentRecord], database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    platform.faults = [Fault.LOST, Fault.REFUSED, Fault.THROTTLED, Fault.BROKEN]
    pay()
    for _ in range(3):
        (unknown,) = settle_payments(database, plugins=plugins)
        assert unknown.status is PaymentStatus.UNKNOWN

    assert platform.calls == ["pay", "settle", "settle", "settle"]


def test_every_step_of_a_payment_leaves_an_event(
    pay: partial[PaymentRecord], database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    platform.faults = [Fault.LOST]
    pay()
    settle_payments(database, plugins=plugins)

    query = EventTable.select(EventTable.old, EventTable.new).where(EventTable.subject == "payment")
    with database.read() as tx:
        steps = [(row.old, row.new) for row in tx.rows(query.order_by(EventTable.id))]
    assert steps == [("planned", "sent"), ("sent", "unknown"), ("unknown", "confirmed")]


def test_unit_without_a_submission_is_not_paid(
    pay: partial[PaymentRecord], database: Database, plugins: Plugins, unit: int
) -> None:
    with pytest.raises(ConflictError, match="it has not been submitted"):
        pay_bonus(database, unit + 1, "0.50", reason="R", plugins=plugins)
    with pytest.raises(NotFoundError, match="there is no unit 99"):
        pay_bonus(database, 99, "0.50", reason="R", plugins=plugins)


@pytest.mark.parametrize(
    ("amount", "reason", "message"),
    [
        ("0", "R", "more than 0"),
        ("-1", "R", "more than 0"),
        ("nan", "R", "more than 0"),
        ("0.005", "R", "smallest unit of USD"),
        ("much", "R", "not an amount"),
        ("1000001", "R", "too large"),
        ("1", "  ", "needs a reason"),
    ],
)
def test_invalid_payment_is_refused(
    database: Database, plugins: Plugins, unit: int, amount: str, reason: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        pay_bonus(database, unit, amount, reason=reason, plugins=plugins)
    assert list_payments(database) == []


def test_worker_is_compensated_once(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    GatewayWorker(gateway, "unlucky").arrive()
    worker = find_worker(database, "paying", "unlucky")
    for _ in range(2):
        paid = compensate(worker, gateway.run_id, "0.10", reason="Sorry.", plugins=plugins)

    assert (paid.kind, paid.unit, paid.worker) == (PaymentKind.COMPENSATION, None, "unlucky")
    assert len(platform.paid) == 1
    with pytest.raises(NotFoundError, match="there is no run 99"):
        compensate(worker, 99, "1", reason="Sorry.", plugins=plugins)
    database.write(lambda tx: make_worker(tx, "paying", "elsewhere"))
    other = find_worker(database, "paying", "elsewhere")
    with pytest.raises(NotFoundError, match="has no visit of the worker 'elsewhere'"):
        compensate(other, gateway.run_id, "1", reason="Sorry.", plugins=plugins)


def test_what_the_platform_can_never_pay_is_owed_by_the_requester(
    pay: partial[PaymentRecord],
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    caplog: pytest.LogCaptureFixture,
) -> None:
    platform.faults = [Fault.UNPAYABLE]
    owed = pay()

    assert (owed.status, owed.error) == (
        PaymentStatus.OWED,
        "the worker has no account any more",
    )
    # The platform charges nothing for what it does not pay.
    assert owed.fee == 0
    (logged,) = [each for each in caplog.records if "the platform has refused" in each.message]
    assert logged.levelname == "WARNING"
    assert f"`famulus payments owed {owed.run}`" in logged.message
    assert settle_payments(database, plugins=plugins) == []
    with pytest.raises(ConflictError, match="only a failed payment"):
        retry_payment(database, owed.id, plugins=plugins)
    assert [each.payments for each in list_owed(database)] == [[owed.id]]
    assert sync_now(database, plugins, owed.run).undelivered == []
    (paid,) = mark_paid(database, [owed.id], note="in cash")
    assert paid.status is PaymentStatus.CONFIRMED
    assert sync_now(database, plugins, owed.run).undelivered == []
    assert platform.paid == []


def test_totals_add_up_by_currency_and_status(
    pay: partial[PaymentRecord], database: Database, platform: FakePlatform
) -> None:
    platform.faults = [None, Fault.LOST]
    for _ in range(3):
        pay(again=True)

    totals = [
        (total.status.value, total.number, total.amount, total.fees)
        for total in payment_totals(list_payments(database))
    ]
    assert totals == [
        ("confirmed", 2, Decimal("1.00"), Decimal("0.20")),
        ("unknown", 1, Decimal("0.50"), Decimal("0.10")),
    ]


def test_bonuses_count_against_the_budget(
    database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    with ManualOperator(database, plugins=plugins) as operator:
        gateway = operator.launch_rows([{"n": 1}], provider="paying", max_spend="0.72")
        GatewayWorker(gateway, "x").work()
        with database.read() as tx:
            (unit,) = [row.id for row in tx.rows(UnitTable.select(UnitTable.id))]

        with pytest.raises(UsageError, match=r"a budget of 0.72 USD, of which 0.60 are left"):
            pay_bonus(database, unit, "0.51", reason="R", plugins=plugins)
        pay_bonus(database, unit, "0.50", reason="R", plugins=plugins)

    assert len(platform.paid) == 1


def test_provider_that_cannot_state_its_fee_is_an_error_that_names_it(
    pay: partial[PaymentRecord],
    database: Database,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(self: Provider, kind: PaymentKind, amount: Decimal) -> Decimal:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(plugins.provider("paying"), "fee", broken)

    with pytest.raises(PluginError, match="'paying' failed to state its fee: ZeroDivisionError"):
        pay()
    assert list_payments(database) == []
