"""The budget counts what each visit has cost, or may still cost, once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import PartialBounds, VisitReport
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.budget import read_budget
from famulus.engine.ledger.decision_rules import PlatformRules, Terms
from famulus.engine.ledger.decisions import decide
from famulus.engine.platform.bound_provider import bind_provider, deliver_run
from famulus.engine.platform.visit_sync import sync_run
from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.states import Decision, PaymentStatus, UnitStatus, VisitStatus
from famulus.model.tables import AgentTable, PaymentTable, UnitTable, VisitTable
from famulus.model.transaction import Transaction
from famulus.plugins import Plugins
from famulus.review.payment_actions import pay_bonus, retry_payment
from famulus.testing.fake_platform import FakePlatform, Fault, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from stored_rows import rows_of

BOUNDS = PartialBounds(smallest=Decimal("0.10"), largest=Decimal("0.90"))
#: A unit costs 1.20: the reward is 1.00, and the platform takes a fifth. Three units are promised.
COST, UNITS = 120, 3
PROMISED = COST * UNITS

APPROVED, SCREENED_OUT = VisitStatus.APPROVED, VisitStatus.SCREENED_OUT
RETURNED, SUBMITTED = VisitStatus.RETURNED, VisitStatus.SUBMITTED


@pytest.fixture
def provider(platform: FakePlatform) -> type[Provider]:
    return platform.provider(partial_approvals=BOUNDS, reports_submissions=True)


@pytest.fixture
def plugins(provider: type[Provider]) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(provider))


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    rows = [{"n": n} for n in range(UNITS)]
    return operator.launch_rows(
        rows, provider="paying", task_reward="1.00", max_spend="100", submission_timeout=60
    )


@pytest.fixture
def spent(gateway: Gateway, database: Database) -> Callable[[], int]:
    """A function that returns how much of the budget is spent or promised."""

    def read() -> int:
        with database.read() as tx:
            budget = read_budget(tx, gateway.run_id, lock=False)
        assert budget is not None
        return budget.most - budget.left

    return read


@pytest.fixture
def report(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> Callable[..., None]:
    """A function that has the platform report a worker's visit."""

    def reported(worker: str, status: VisitStatus, amount: str | None = None) -> None:
        paid = None if amount is None else Decimal(amount)
        platform.others = [
            VisitReport(worker_name=worker, reference=worker, status=status, amount=paid)
        ]
        bound = bind_provider(database, plugins, gateway.run_id)
        sync_run(database, bound.provider, bound.run_view())
        platform.others = []

    return reported


@pytest.fixture
def accept(database: Database, provider: type[Provider]) -> Callable[..., None]:
    """A function that accepts the units that are up for review, and applies that."""
    rules = PlatformRules(provider_type="paying", capabilities=provider.capabilities)

    def accepted(*amounts: str | None, applied: bool = True) -> None:
        def job(tx: Transaction) -> None:
            waiting = UnitTable.select().where(UnitTable.status == "completed")
            units = [row.id for row in tx.rows(waiting.order_by(UnitTable.id))]
            for unit, amount in zip(units, amounts, strict=True):
                terms = Terms(amount=None if amount is None else Decimal(amount), rules=rules)
                decide(tx, unit, Decision.ACCEPTED, terms=terms)
            if applied:
                apply_decisions(tx, units, bounds={"paying": BOUNDS})

        database.write(job)

    return accepted


def work(gateway: Gateway, name: str) -> None:
    """Submit a unit in a visit whose reference is the worker's name."""
    worker = GatewayWorker(gateway, name)
    worker.submit(worker.arrive(name))


def join_visits(database: Database) -> None:
    """Move all attempts to the first visit, as a late answer may bring about."""

    def job(tx: Transaction) -> None:
        first = tx.rows(VisitTable.select(VisitTable.id).order_by(VisitTable.id))[0].id
        tx.execute(AgentTable.update(visit=first))

    database.write(job)


def statuses(database: Database) -> list[Any]:
    return [row.status for row in rows_of(database, PaymentTable)]


@pytest.mark.parametrize("is_accepted", [False, True])
@pytest.mark.parametrize("amount", [None, "1.00", "0.40"])
def test_visit_that_was_returned_redone_and_approved_after_all_costs_its_pay_besides(
    gateway: Gateway,
    operator: ManualOperator,
    spent: Callable[[], int],
    report: Callable[..., None],
    accept: Callable[..., None],
    is_accepted: bool,
    amount: str | None,
) -> None:
    work(gateway, "a")
    report("a", SUBMITTED)
    if is_accepted:
        accept(None)
    report("a", RETURNED)
    assert spent() == PROMISED - COST
    operator.turn()
    assert spent() == PROMISED
    for name in "bcd":  # The unit that is free again comes last.
        work(gateway, name)
        report(name, SUBMITTED)
    accept(None, None, None)
    assert spent() == PROMISED

    report("a", APPROVED, amount)

    paid = 100 if amount is None else int(Decimal(amount) * 100)
    assert spent() == PROMISED + paid + paid // 5


def test_visit_that_was_returned_and_approved_after_all_has_its_unit_again(
    gateway: Gateway, spent: Callable[[], int], report: Callable[..., None]
) -> None:
    work(gateway, "a")
    report("a", SUBMITTED)
    report("a", RETURNED)
    report("a", APPROVED)

    assert spent() == PROMISED


@pytest.mark.parametrize("amount", [None, "0.10", "1.00", "1.50"])
@pytest.mark.parametrize("is_accepted", [False, True])
def test_visit_that_was_screened_out_with_its_work_costs_what_the_platform_has_paid(
    gateway: Gateway,
    spent: Callable[[], int],
    report: Callable[..., None],
    accept: Callable[..., None],
    is_accepted: bool,
    amount: str | None,
) -> None:
    work(gateway, "a")
    report("a", SUBMITTED)
    if is_accepted:
        accept(None)
    report("a", SCREENED_OUT, amount)

    paid = 0 if amount is None else int(Decimal(amount) * 120)
    assert spent() == PROMISED - COST + paid


def test_visit_that_was_screened_out_during_its_work_costs_what_was_paid_besides(
    gateway: Gateway, spent: Callable[[], int], report: Callable[..., None]
) -> None:
    GatewayWorker(gateway, "a").arrive("a")
    report("a", SCREENED_OUT, "0.10")

    assert spent() == PROMISED + 12


def test_visit_that_is_approved_without_work_here_costs_its_reward_besides(
    gateway: Gateway, spent: Callable[[], int], report: Callable[..., None]
) -> None:
    report("a", APPROVED)

    assert spent() == PROMISED + COST


@pytest.mark.parametrize(
    ("amounts", "cost"),
    [((None, None), 240), (("0.40", None), 168), (("0.40", "0.30"), 84), (("0.05", "0.02"), 12)],
)
def test_units_of_one_visit_cost_what_is_paid_for_them_together(
    gateway: Gateway,
    database: Database,
    spent: Callable[[], int],
    accept: Callable[..., None],
    amounts: tuple[str | None, str | None],
    cost: int,
) -> None:
    """At least a tenth of a reward can be approved."""
    work(gateway, "a")
    work(gateway, "b")
    join_visits(database)
    accept(*amounts, applied=False)
    assert spent() == PROMISED
    database.write(
        lambda tx: apply_decisions(
            tx, [row.id for row in tx.rows(UnitTable.select())], bounds={"paying": BOUNDS}
        )
    )

    assert spent() == PROMISED - 2 * COST + cost


def test_unit_of_a_paid_visit_that_is_not_reviewed_yet_may_cost_its_whole_reward(
    gateway: Gateway,
    database: Database,
    spent: Callable[[], int],
    accept: Callable[..., None],
) -> None:
    """Also a third unit, when the visit has several already."""
    work(gateway, "a")
    accept("0.40")
    work(gateway, "b")
    join_visits(database)
    assert spent() == PROMISED - COST + 48
    accept("0.30")
    work(gateway, "c")
    join_visits(database)

    assert spent() == 48 + 36 + COST


def test_part_of_a_reward_whose_payment_failed_is_promised_still(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    spent: Callable[[], int],
    report: Callable[..., None],
    accept: Callable[..., None],
) -> None:
    work(gateway, "a")
    report("a", SUBMITTED)
    accept("0.40")
    platform.faults = [None, Fault.REFUSED]  # a sync comes first
    deliver_run(database, plugins, gateway.run_id)

    assert statuses(database) == [PaymentStatus.FAILED]
    assert spent() == PROMISED - COST + 48


@pytest.mark.parametrize("first", ["0.40", None])
def test_unit_that_is_accepted_while_an_approval_is_under_way_is_promised(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    spent: Callable[[], int],
    report: Callable[..., None],
    accept: Callable[..., None],
    clock: MovableClock,
    first: str | None,
) -> None:
    """The rest of a reward of which a part is approved becomes a bonus once that is known."""
    work(gateway, "a")
    report("a", SUBMITTED)
    accept(first)
    platform.faults = [None, Fault.LOST]
    deliver_run(database, plugins, gateway.run_id)
    work(gateway, "b")
    join_visits(database)
    accept(None)
    earned = PROMISED - 2 * COST + (COST if first is None else 48) + COST
    assert spent() == earned
    for _ in range(3):
        clock.advance(700)
        deliver_run(database, plugins, gateway.run_id)
        assert spent() == earned


@pytest.mark.parametrize("is_reward", [False, True])
def test_payment_of_a_visit_with_several_units_that_failed_is_promised_still(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    spent: Callable[[], int],
    report: Callable[..., None],
    accept: Callable[..., None],
    is_reward: bool,
) -> None:
    work(gateway, "a")
    work(gateway, "b")
    join_visits(database)
    report("a", SUBMITTED)
    accept(None, None)
    platform.faults = [None, Fault.REFUSED] if is_reward else [None, None, Fault.REFUSED]
    deliver_run(database, plugins, gateway.run_id)

    assert set(statuses(database)) == {PaymentStatus.CONFIRMED, PaymentStatus.FAILED}
    assert spent() == PROMISED


def test_reward_that_is_larger_than_what_was_earned_is_promised_still_when_it_failed(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    spent: Callable[[], int],
    report: Callable[..., None],
    accept: Callable[..., None],
) -> None:
    work(gateway, "a")
    work(gateway, "b")
    join_visits(database)
    report("a", SUBMITTED)
    accept("0.45", "0.46")
    platform.faults = [None, Fault.REFUSED]
    deliver_run(database, plugins, gateway.run_id)

    assert statuses(database) == [PaymentStatus.FAILED]
    assert spent() == PROMISED - COST


def test_failed_bonus_is_retried_within_the_budget(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    report: Callable[..., None],
) -> None:
    """Its part of the budget was free in the meantime."""
    work(gateway, "a")
    report("a", SUBMITTED)
    [unit] = [row.id for row in rows_of(database, UnitTable) if row.status is UnitStatus.COMPLETED]
    platform.faults = [Fault.REFUSED]
    paid = pay_bonus(database, unit, "60", reason="R", plugins=plugins)
    assert paid.status is PaymentStatus.FAILED
    pay_bonus(database, unit, "50", reason="R", plugins=plugins)

    with pytest.raises(UsageError, match="budget"):
        retry_payment(database, paid.id, plugins=plugins)
    assert statuses(database)[0] is PaymentStatus.FAILED
