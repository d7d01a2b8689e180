"""Accepted work is raised to an hourly wage: once, whatever is interrupted or repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest

from famulus.data.payments import list_payments
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.engine.ledger.topups import PlannedTopup, plan_topups
from famulus.engine.qualifications.worker_handle import find_worker
from famulus.errors import ConflictError, NotFoundError, UsageError
from famulus.model.database import Database
from famulus.model.states import Decision, PaymentKind, PaymentStatus
from famulus.model.tables import UnitTable
from famulus.model.transaction import Transaction
from famulus.operate.forget_worker import find_worker_id, forget_worker
from famulus.plugins import Plugins
from famulus.review import topup_actions
from famulus.review.payment_actions import compensate, pay_bonus, settle_payments
from famulus.review.topup_actions import Topup, pay_topup, propose_topup
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from famulus.testing.scripted_worker import at_once

#: A unit pays 0.60 and takes five minutes: 7.20 an hour.
REWARD, SECONDS = "0.60", 300

Propose = Callable[..., Topup]


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(platform.provider()))


@pytest.fixture
def manual(database: Database, plugins: Plugins) -> Iterator[ManualOperator]:
    with ManualOperator(database, plugins=plugins) as operator:
        yield operator


@pytest.fixture
def gateway(manual: ManualOperator, clock: MovableClock) -> Gateway:
    """A run of four units, three of them done by a, b and c."""
    return worked(manual, clock)


@pytest.fixture
def propose(database: Database, gateway: Gateway, plugins: Plugins) -> Propose:
    def proposed(hourly: str = "12") -> Topup:
        return propose_topup(database, gateway.run_id, hourly, plugins=plugins)

    return proposed


def worked(operator: ManualOperator, clock: MovableClock, **task: Any) -> Gateway:
    options = {"task_reward": REWARD, **task}
    gateway = operator.launch_rows([{"n": n} for n in range(4)], provider="paying", **options)
    for name in "abc":
        worker = GatewayWorker(gateway, name)
        page = worker.arrive()
        clock.advance(SECONDS)
        worker.submit(page)
    return gateway


def review(operator: ManualOperator, unit: int, decision: Decision = Decision.ACCEPTED) -> None:
    """Decide on a unit, counted from 0, and let the platform know."""
    with operator.database.read() as tx:
        rows = tx.rows(UnitTable.select(UnitTable.id).order_by(UnitTable.id))
    number = rows[unit].id
    operator.database.write(lambda tx: decide(tx, number, decision, note="why"))
    operator.database.write(lambda tx: apply_decisions(tx, [number]))
    operator.turn()


def shares(topup: Topup) -> list[tuple[str, int, Decimal, Decimal]]:
    return [(each.worker, each.units, each.amount, each.fee) for each in topup.visits]


def bonuses(database: Database) -> list[tuple[str, Decimal]]:
    return [
        (each.worker, each.amount)
        for each in list_payments(database)
        if each.kind is PaymentKind.BONUS
    ]


def test_accepted_work_is_raised_to_the_wage_and_no_other(
    manual: ManualOperator, propose: Propose, database: Database, plugins: Plugins
) -> None:
    review(manual, 0)
    review(manual, 1, Decision.REJECTED)

    topup = propose()
    paid = pay_topup(database, topup, plugins=plugins)

    assert shares(topup) == [("a", 1, Decimal("0.40"), Decimal("0.08"))]
    assert (topup.amount, topup.fees) == (Decimal("0.40"), Decimal("0.08"))
    assert [(each.worker, each.amount, each.status) for each in paid] == [
        ("a", Decimal("0.40"), PaymentStatus.CONFIRMED)
    ]
    assert paid[0].reason == "A top-up to 12.00 USD an hour."


def test_a_worker_who_was_forgotten_is_paid_nothing_more(
    manual: ManualOperator,
    propose: Propose,
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
) -> None:
    review(manual, 0)
    review(manual, 1)
    early = propose()
    worker = find_worker_id(database, plugins, "a")
    forgotten = forget_worker(database, plugins, worker, answers=False).pseudonym

    paid = pay_topup(database, early, plugins=plugins)

    assert [worker for worker, *_ in shares(propose())] == []
    assert [each.worker for each in paid] == ["b"]
    with database.read() as tx:
        unit = tx.rows(UnitTable.select(UnitTable.id).order_by(UnitTable.id))[0].id
    with pytest.raises(ConflictError, match=f"{forgotten} was forgotten, and cannot be paid"):
        pay_bonus(database, unit, "0.10", reason="Thank you.", plugins=plugins)
    again = find_worker(database, "paying", forgotten)
    with pytest.raises(ConflictError, match=f"{forgotten} was forgotten, and cannot be paid"):
        compensate(again, gateway.run_id, "0.10", reason="Sorry.", plugins=plugins)


def test_a_soft_rejected_unit_is_paid_and_topped_up(
    manual: ManualOperator, propose: Propose
) -> None:
    review(manual, 0, Decision.SOFT_REJECTED)

    assert [worker for worker, *_ in shares(propose())] == ["a"]


def test_a_decision_whose_reward_is_not_paid_yet_is_not_topped_up(
    manual: ManualOperator, propose: Propose, database: Database
) -> None:
    with database.read() as tx:
        unit = tx.rows(UnitTable.select(UnitTable.id).order_by(UnitTable.id))[0].id
    database.write(lambda tx: decide(tx, unit, Decision.ACCEPTED))
    assert shares(propose()) == []

    database.write(lambda tx: apply_decisions(tx, [unit]))
    assert shares(propose()) == []

    manual.turn()
    assert len(shares(propose())) == 1


def test_a_second_time_pays_only_what_was_accepted_since(
    manual: ManualOperator,
    propose: Propose,
    database: Database,
    plugins: Plugins,
    clock: MovableClock,
    gateway: Gateway,
) -> None:
    review(manual, 0)
    first = propose()
    pay_topup(database, first, plugins=plugins)

    assert shares(propose()) == []
    assert pay_topup(database, first, plugins=plugins) == []
    # Another median does not pay the same wage again.
    slow = GatewayWorker(gateway, "slow")
    page = slow.arrive()
    clock.advance(1000)
    slow.submit(page)
    review(manual, 1)
    assert [worker for worker, *_ in shares(propose())] == ["b"]
    pay_topup(database, propose(), plugins=plugins)

    assert [worker for worker, _ in bonuses(database)] == ["a", "b"]


def test_a_higher_wage_pays_the_difference_and_a_lower_one_nothing(
    manual: ManualOperator, propose: Propose, database: Database, plugins: Plugins
) -> None:
    review(manual, 0)
    for wage in ("12", "15", "13", "7.20", "7"):
        pay_topup(database, propose(wage), plugins=plugins)

    assert bonuses(database) == [("a", Decimal("0.40")), ("a", Decimal("0.25"))]


def test_racing_topups_are_one_payment(
    manual: ManualOperator,
    propose: Propose,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
) -> None:
    review(manual, 0)
    proposals = [propose("12"), propose("15")]

    at_once(6, lambda n: pay_topup(database, proposals[n % 2], plugins=plugins))

    assert len(platform.paid) == len(bonuses(database)) == 1


@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.KILLED_AFTER, Fault.LOST])
def test_a_kill_while_paying_makes_no_second_payment(
    fault: Fault,
    manual: ManualOperator,
    propose: Propose,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
) -> None:
    for unit in range(3):
        review(manual, unit)
    platform.faults = [None, fault]
    try:
        pay_topup(database, propose(), plugins=plugins)
    except Killed:
        assert fault is not Fault.LOST

    assert shares(propose()) == []
    clock.advance(600)
    for _ in range(2):
        settle_payments(database, plugins=plugins)

    assert sorted(bonuses(database)) == [(name, Decimal("0.40")) for name in "abc"]
    lost = 1 if fault is Fault.KILLED else 0
    assert len({key for key, _ in platform.paid}) == len(platform.paid) == 3 - lost


def test_a_kill_between_two_batches_leaves_the_rest_to_the_next_proposal(
    manual: ManualOperator,
    propose: Propose,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for unit in range(3):
        review(manual, unit)
    monkeypatch.setattr(topup_actions, "_BATCH", 1)
    calls = []

    def killed_at_the_second(tx: Transaction, topups: Sequence[PlannedTopup]) -> list[int]:
        calls.append(topups)
        if len(calls) == 2:
            raise Killed
        return plan_topups(tx, topups)

    monkeypatch.setattr(topup_actions, "plan_topups", killed_at_the_second)
    with pytest.raises(Killed):
        pay_topup(database, propose(), plugins=plugins)

    assert [worker for worker, *_ in shares(propose())] == ["b", "c"]
    pay_topup(database, propose(), plugins=plugins)
    assert bonuses(database) == [(name, Decimal("0.40")) for name in "abc"]
    assert len(platform.paid) == 3


def test_the_whole_has_to_fit_into_the_budget(
    manual: ManualOperator, clock: MovableClock, database: Database, plugins: Plugins
) -> None:
    # Four units for 2.88 with fees leave 0.92; two top-ups cost 0.96, and one costs 0.48.
    gateway = worked(manual, clock, max_spend="3.80")
    review(manual, 0)
    fits = propose_topup(database, gateway.run_id, "12", plugins=plugins)
    review(manual, 1)

    with pytest.raises(UsageError, match=r"of which 0.92 are left, but this costs 0.96"):
        propose_topup(database, gateway.run_id, "12", plugins=plugins)
    with database.read() as tx:
        unit = tx.rows(UnitTable.select(UnitTable.id).order_by(UnitTable.id))[0].id
    pay_bonus(database, unit, "0.50", reason="R", plugins=plugins)
    with pytest.raises(UsageError, match=r"of which 0.32 are left, but this costs 0.48"):
        pay_topup(database, fits, plugins=plugins)

    assert bonuses(database) == [("a", Decimal("0.50"))]


def test_runs_without_a_measured_time_or_a_reward_are_refused(
    manual: ManualOperator, database: Database, plugins: Plugins
) -> None:
    rows = [{"n": 1}]
    unmeasured = manual.launch_rows(rows, provider="paying")
    GatewayWorker(unmeasured, "x").work()
    unpaid = manual.launch_rows(rows, provider="paying", task_reward="0")

    for run, message in ((unmeasured, "no unit whose time was measured"), (unpaid, "is unpaid")):
        with pytest.raises(UsageError, match=message):
            propose_topup(database, run.run_id, "12", plugins=plugins)
    with pytest.raises(NotFoundError, match="there is no run 99"):
        propose_topup(database, 99, "12", plugins=plugins)


@pytest.mark.parametrize(
    ("hourly", "message"),
    [("0", "more than 0"), ("much", "not an hourly wage"), ("12.005", "smallest unit of USD")],
)
def test_a_wage_that_cannot_be_paid_is_refused(propose: Propose, hourly: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        propose(hourly)
