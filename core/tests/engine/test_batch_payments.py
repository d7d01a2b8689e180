"""Payments in batches: each is made once at most, and a kill inside of a call loses none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from attrs import define, field

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Capabilities,
    Keep,
    Outcome,
    PaymentView,
    Result,
    VisitView,
)
from famulus.data.payments import list_payments
from famulus.engine.ledger.bonuses import ExtraPayment, plan_extra, unit_payee
from famulus.engine.ledger.retries import plan_again
from famulus.engine.outbox.outbox_rows import pay_key
from famulus.engine.platform.bound_provider import deliver_run
from famulus.errors import PluginError, RefusedError, UnavailableError
from famulus.model.database import Database
from famulus.model.states import PaymentKind, PaymentStatus
from famulus.model.tables import OutboxTable, PaymentTable, UnitTable
from famulus.model.transaction import Row, Transaction
from famulus.operate.doctor import read_differences, read_remarks
from famulus.plugins import Plugins
from famulus.testing.fake_platform import Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import CrowdProvider
from famulus.testing.movable_clock import MovableClock

PLANNED, CONFIRMED = PaymentStatus.PLANNED, PaymentStatus.CONFIRMED
UNKNOWN, FAILED = PaymentStatus.UNKNOWN, PaymentStatus.FAILED
LEASE = 600


@define
class Till:
    """A platform that pays all payments of an order in one step, and is asked by the order."""

    #: what happens once when the provider gets to a point of a call
    at: dict[str, Callable[[], None]] = field(factory=dict)
    orders: dict[str, Sequence[str]] = field(factory=dict)
    #: the reasons of the payments of each call
    calls: list[list[str]] = field(factory=list)
    #: for each question: the visit or worker, the reasons of the unsettled and of the confirmed
    asked: list[tuple[str, list[str], list[str]]] = field(factory=list)
    #: whether questions get no answer
    is_silent: bool = False
    #: results that replace those of the next call, in order
    results: list[Result] = field(factory=list)

    @property
    def paid(self) -> list[str]:
        return [key for order in self.orders.values() for key in order]

    def reach(self, point: str) -> None:
        self.at.pop(point, lambda: None)()

    def pay(self, payments: Sequence[PaymentView], keep: Keep) -> Iterator[tuple[str, Result]]:
        assert all(each.kept is None and each.sent_at is not None for each in payments)
        self.calls.append([each.reason for each in payments])
        self.reach("claimed")
        order = f"order {len(self.calls)}"
        for each in payments:
            keep(each.key, order)
            self.reach("keeping")
        self.reach("kept")
        if self.results:
            for each, result in zip(payments, self.results, strict=False):
                yield each.key, result
            return
        self.orders[order] = [each.key for each in payments]
        self.reach("ordered")
        for each in payments:
            yield each.key, Outcome.CONFIRMED
            self.reach("reported")

    def settle(
        self,
        visit: VisitView | None,
        unsettled: Sequence[PaymentView],
        confirmed: Sequence[PaymentView],
    ) -> Iterator[tuple[str, Result]]:
        assert len({each.worker_name for each in (*unsettled, *confirmed)}) == 1
        assert visit is None or visit.worker_name == unsettled[0].worker_name
        unknown, sure = ([each.reason for each in some] for some in (unsettled, confirmed))
        asked_for = unsettled[0].worker_name if visit is None else f"visit of {visit.worker_name}"
        self.asked.append((asked_for, unknown, sure))
        self.reach("asked")
        if self.is_silent:
            return
        for each in unsettled:
            assert each.sent_at is not None
            is_paid = each.key in self.orders.get(each.kept, ())
            yield each.key, Outcome.CONFIRMED if is_paid else Outcome.FAILED

    def provider(self) -> type[Provider]:
        till = self

        class TillProvider(CrowdProvider):
            type = "till"
            batch_size = 3
            capabilities = Capabilities(pays=True)

            def pay(
                self, payments: Sequence[PaymentView], keep: Keep
            ) -> Iterator[tuple[str, Result]]:
                return till.pay(payments, keep)

            def settle(
                self,
                visit: VisitView | None,
                unsettled: Sequence[PaymentView],
                confirmed: Sequence[PaymentView],
            ) -> Iterator[tuple[str, Result]]:
                return till.settle(visit, unsettled, confirmed)

        return TillProvider


@define
class Study:
    """A run of two units that ``a`` and ``b`` have done; bonuses are planned and not delivered."""

    database: Database
    till: Till
    plugins: Plugins
    run: int
    units: Sequence[int]

    def plan(self, worker: str, reason: str) -> int:
        extra = ExtraPayment(kind=PaymentKind.BONUS, amount=50, fee=0, reason=reason)
        unit = self.units["ab".index(worker)]
        return self.database.write(
            lambda tx: plan_extra(tx, unit_payee(tx, unit), extra, again=False)
        )

    def deliver(self) -> None:
        deliver_run(self.database, self.plugins, self.run)

    def retry_failed(self) -> None:
        for row in self.payments():
            if row.status is FAILED:
                self.database.write(lambda tx: plan_again(tx, row.id))  # noqa: B023
        self.deliver()

    def payments(self) -> list[Row]:
        with self.database.read() as tx:
            return tx.rows(PaymentTable.select().order_by(PaymentTable.id))

    def statuses(self) -> list[PaymentStatus]:
        return [row.status for row in self.payments()]


@pytest.fixture
def study(database: Database) -> Study:
    till = Till()
    plugins = kit_plugins(till=PlatformPlugin(till.provider()))
    with ManualOperator(database, plugins=plugins) as operator:
        gateway = operator.launch_rows([{"n": n} for n in range(2)], provider="till")
        for name in "ab":
            GatewayWorker(gateway, name).work()
    with database.read() as tx:
        units = [row.id for row in tx.rows(UnitTable.select(UnitTable.id).order_by(UnitTable.id))]
    return Study(database, till, plugins, gateway.run_id, units)


def kill() -> None:
    raise Killed


def test_each_payment_of_a_call_has_its_own_result(study: Study) -> None:
    for number in range(4):
        study.plan("ab"[number % 2], f"{number}")
    study.till.results = [UnavailableError("throttled"), RefusedError("no balance")]

    study.deliver()

    assert study.till.calls == [["0", "1", "2"], ["3"]]
    assert study.statuses() == [PLANNED, FAILED, UNKNOWN, PLANNED]
    assert [row.error for row in study.payments()] == [
        "throttled",
        "no balance",
        "the provider has returned no result",
        "throttled",
    ]


def test_a_payment_that_is_not_confirmed_is_logged_as_one_that_is_asked_about(
    study: Study, caplog: pytest.LogCaptureFixture
) -> None:
    study.plan("a", "one")
    study.till.results = [Outcome.UNKNOWN]

    study.deliver()

    (line,) = [each for each in caplog.messages if "payment" in each]
    assert line.startswith(f"run {study.run}: the platform has not confirmed a payment: ")
    assert line.endswith(
        f"it is asked again automatically, `famulus sync {study.run}` asks it now, and nothing "
        "is paid twice"
    )


def test_an_accepted_payment_is_unknown_and_marked_until_it_is_settled(
    study: Study, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    """It may fail after all: what the last call has found counts."""
    study.plan("a", "one")
    study.till.results = [Outcome.ACCEPTED]
    study.deliver()
    [accepted] = list_payments(study.database)
    warned = [each for each in caplog.messages if "payment" in each]
    plugins = study.plugins
    assert not [each.what for each in read_differences(study.database, plugins, study.run)]
    (said,) = read_remarks(study.database, plugins, study.run)
    assert said.startswith(f"Run {study.run} has 1 payment accepted by the platform")
    clock.advance(60)

    study.deliver()

    [settled] = list_payments(study.database)
    assert (accepted.status, accepted.accepted, warned) == (UNKNOWN, True, [])
    assert (settled.status, settled.accepted) == (FAILED, False)


@pytest.mark.parametrize(
    ("point", "is_paid"),
    [
        ("claimed", False),
        ("keeping", False),
        ("kept", False),
        ("ordered", True),
        ("reported", True),
    ],
)
def test_a_kill_anywhere_inside_of_a_call_loses_nothing_and_pays_nothing_twice(
    study: Study, clock: MovableClock, point: str, is_paid: bool
) -> None:
    for worker, reason in (("a", "one"), ("a", "two"), ("b", "three")):
        study.plan(worker, reason)
    study.till.at = {point: kill}
    with pytest.raises(Killed):
        study.deliver()

    study.deliver()
    assert study.till.asked == []
    clock.advance(LEASE)
    study.deliver()

    assert study.statuses() == [CONFIRMED if is_paid else FAILED] * 3
    study.retry_failed()
    assert study.statuses() == [CONFIRMED] * 3
    assert len(study.till.paid) == len(set(study.till.paid)) == 3


def test_all_unsettled_payments_for_a_visit_are_asked_for_together(
    study: Study, clock: MovableClock
) -> None:
    study.plan("a", "sure")
    study.deliver()
    waiting = [study.plan("a", reason) for reason in ("one", "two")]
    study.plan("b", "other")
    study.till.results = [Outcome.UNKNOWN] * 3
    study.deliver()
    study.till.results = []

    def postpone(tx: Transaction) -> None:
        later = OutboxTable.update(next_attempt_at=clock() + timedelta(minutes=3))
        tx.execute(later.where(OutboxTable.key == pay_key(waiting[1])))

    study.database.write(postpone)
    clock.advance(2)
    study.deliver()

    assert sorted(study.till.asked) == [
        ("visit of a", ["one", "two"], ["sure"]),
        ("visit of b", ["other"], []),
    ]
    assert study.statuses() == [CONFIRMED, FAILED, FAILED, FAILED]


def test_payments_without_a_visit_are_asked_for_by_worker(
    study: Study, clock: MovableClock
) -> None:
    for worker, reason in (("a", "one"), ("b", "two"), ("a", "three")):
        study.plan(worker, reason)
    study.database.write(lambda tx: tx.execute(PaymentTable.update(visit=None)))
    study.plan("a", "with a visit")
    study.till.at = {"ordered": kill}
    with pytest.raises(Killed):
        study.deliver()

    clock.advance(LEASE)
    study.deliver()

    assert sorted(study.till.asked) == [("a", ["one", "three"], []), ("b", ["two"], [])]
    assert study.statuses() == [CONFIRMED] * 4


def test_no_other_process_pays_for_a_visit_during_a_call(study: Study, clock: MovableClock) -> None:
    def deliver_elsewhere() -> None:
        study.plan("a", "waits")
        study.plan("b", "goes")
        study.deliver()

    study.plan("a", "first")
    study.till.at = {"kept": deliver_elsewhere}
    study.deliver()
    assert study.till.calls == [["first"], ["goes"]]
    assert sorted(study.statuses()) == [CONFIRMED, CONFIRMED, PLANNED]

    clock.advance(1)
    study.deliver()
    assert study.till.calls[2:] == [["waits"]]
    assert study.statuses() == [CONFIRMED] * 3


def test_what_another_process_has_taken_over_is_not_paid(study: Study, clock: MovableClock) -> None:
    """A process that was halted between its claim and ``keep`` has lost the payment."""

    def halted() -> None:
        clock.advance(LEASE)
        study.deliver()
        assert study.statuses() == [FAILED]

    study.plan("a", "one")
    study.till.at = {"claimed": halted}
    study.deliver()

    assert study.till.paid == []
    assert study.statuses() == [FAILED]


@pytest.mark.parametrize("answers", [True, False])
def test_what_was_taken_over_during_a_question_is_not_paid_again(
    study: Study, clock: MovableClock, answers: bool
) -> None:
    def halted() -> None:
        clock.advance(LEASE)
        study.deliver()
        study.retry_failed()
        assert len(study.till.paid) == 2
        study.till.is_silent = not answers

    study.plan("a", "one")
    study.till.results = [Outcome.UNKNOWN]
    study.deliver()
    study.till.results = []
    clock.advance(1)
    study.plan("b", "two")
    study.till.at = {"asked": halted}

    study.deliver()

    assert study.statuses() == [CONFIRMED] * 2
    assert len(study.till.paid) == 2


def test_a_late_refusal_does_not_end_a_payment_that_is_planned_again(
    study: Study, clock: MovableClock
) -> None:
    def halted() -> None:
        clock.advance(LEASE)
        study.deliver()
        study.database.write(lambda tx: plan_again(tx, payment))
        study.till.results.append(RefusedError("too late"))

    payment = study.plan("a", "one")
    study.till.at = {"kept": halted}
    study.deliver()
    assert study.statuses() == [PLANNED]

    study.till.results = []
    clock.advance(1)
    study.deliver()
    assert study.statuses() == [CONFIRMED]
    assert len(study.till.paid) == 1


@pytest.mark.parametrize(
    ("key", "data", "error"),
    [("another", {}, PluginError), (None, object(), TypeError)],
)
def test_what_cannot_be_kept_is_not_paid(
    study: Study, monkeypatch: pytest.MonkeyPatch, key: str | None, data: Any, error: type
) -> None:
    def pay(
        _: Provider, payments: Sequence[PaymentView], keep: Keep
    ) -> Iterator[tuple[str, Result]]:
        keep(key or payments[0].key, data)
        yield payments[0].key, Outcome.CONFIRMED

    study.plan("a", "one")
    monkeypatch.setattr(study.plugins.provider("till"), "pay", pay)
    study.deliver()

    (row,) = study.payments()
    assert row.status is UNKNOWN
    assert row.error.startswith(error.__name__)
