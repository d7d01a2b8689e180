"""A bonus for what a visit has earned beyond its reward, while the visit changes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TypeVar

import pytest
from attrs import define

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import PartialBounds, VisitReport
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.budget import read_budget
from famulus.engine.ledger.decision_rules import PlatformRules, Terms
from famulus.engine.ledger.decisions import decide
from famulus.engine.ledger.retries import plan_again, resolve
from famulus.engine.ledger.topups import read_paid_visits
from famulus.engine.platform.bound_provider import bind_provider, deliver_run
from famulus.engine.platform.visit_sync import sync_run
from famulus.errors import ConflictError
from famulus.model.database import Database
from famulus.model.states import Decision, PaymentKind, PaymentStatus, VisitStatus
from famulus.model.tables import AgentTable, PaymentTable, UnitTable, VisitTable
from famulus.model.transaction import Row, Transaction
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from stored_rows import rows_of

BOUNDS = PartialBounds(smallest=Decimal("0.10"), largest=Decimal("0.90"))
#: A unit costs 1.20: the reward is 1.00, and the platform takes a fifth.
COST, UNITS = 120, 3
FAILED = PaymentStatus.FAILED

Review = Callable[..., None]
Report = Callable[..., None]
T = TypeVar("T")


@define
class BusyPlatform(FakePlatform):
    """A platform at which something else happens during its next payment, before its effect."""

    during_payment: Callable[[], None] | None = None

    def call(self, name: str, act: Callable[[], T]) -> T:
        """Perform a call, after what happens during it."""
        if name == "pay" and self.during_payment is not None:
            happens, self.during_payment = self.during_payment, None
            faults, self.faults = self.faults, []
            happens()
            self.faults = faults
        return FakePlatform.call(self, name, act)


@pytest.fixture
def platform() -> BusyPlatform:
    return BusyPlatform()


@pytest.fixture
def provider(platform: FakePlatform) -> type[Provider]:
    return platform.provider(partial_approvals=BOUNDS)


@pytest.fixture
def plugins(provider: type[Provider]) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(provider))


@pytest.fixture
def run(database: Database, plugins: Plugins) -> Iterator[int]:
    """A run whose units were done in one visit, whose reference is a."""
    with ManualOperator(database, plugins=plugins) as operator:
        rows = [{"n": n} for n in range(UNITS)]
        gateway = operator.launch_rows(
            rows, provider="paying", task_reward="1.00", max_spend="100", submission_timeout=60
        )
        for name in "abc":
            worker = GatewayWorker(gateway, name)
            worker.submit(worker.arrive(name))
        database.write(_join_visits)
        yield gateway.run_id


def _join_visits(tx: Transaction) -> None:
    first = tx.rows(VisitTable.select(VisitTable.id).order_by(VisitTable.id))[0].id
    tx.execute(AgentTable.update(visit=first))


@pytest.fixture
def review(run: int, database: Database, provider: type[Provider]) -> Review:
    """A function that decides on the first units of the visit, and applies that."""
    rules = PlatformRules(provider_type="paying", capabilities=provider.capabilities)

    def reviewed(*decided: str | Decision | None) -> None:
        def job(tx: Transaction) -> None:
            waiting = UnitTable.select().where(UnitTable.status == "completed")
            units = [row.id for row in tx.rows(waiting.order_by(UnitTable.id))]
            for unit, given in zip(units, decided, strict=False):
                decision, amount = Decision.ACCEPTED, None
                if isinstance(given, Decision):
                    decision = given
                elif given is not None:
                    amount = Decimal(given)
                terms = Terms(amount=amount, rules=rules)
                decide(tx, unit, decision, note="why", terms=terms)
            apply_decisions(tx, units, bounds={"paying": BOUNDS})

        database.write(job)

    return reviewed


@pytest.fixture
def report(run: int, database: Database, plugins: Plugins, platform: FakePlatform) -> Report:
    """A function that has the platform report the visit."""

    def reported(status: VisitStatus, amount: str | None = None) -> None:
        paid = None if amount is None else Decimal(amount)
        platform.others = [VisitReport(worker_name="a", reference="a", status=status, amount=paid)]
        bound = bind_provider(database, plugins, run)
        sync_run(database, bound.provider, bound.run_view())
        platform.others = []

    return reported


@pytest.fixture
def deliver(
    run: int, database: Database, plugins: Plugins, platform: FakePlatform, clock: MovableClock
) -> Callable[..., None]:
    """A function that delivers what is due, with faults of the calls."""

    def delivered(*faults: Fault | None) -> None:
        platform.faults = [*faults]
        with contextlib.suppress(Killed):
            deliver_run(database, plugins, run)
        platform.faults = []
        clock.advance(700)

    return delivered


def spent(database: Database, run: int) -> int:
    with database.read() as tx:
        budget = read_budget(tx, run, lock=False)
    assert budget is not None
    return budget.most - budget.left


def remainders(database: Database) -> list[Row]:
    return [row for row in rows_of(database, PaymentTable) if row.kind is PaymentKind.BONUS]


@pytest.mark.parametrize("is_reported", [False, True])
def test_visit_is_not_topped_up_before_its_whole_pay_is_in_the_ledger(
    database: Database,
    platform: FakePlatform,
    run: int,
    review: Review,
    report: Report,
    deliver: Callable[..., None],
    is_reported: bool,
) -> None:
    """The rest of the first unit becomes a bonus when the second verdict is prepared."""
    _separate(database)
    review("0.90")
    deliver(Fault.KILLED_AFTER)
    database.write(_join_visits)
    review(None, None)
    if is_reported:
        report(VisitStatus.PARTIALLY_APPROVED, "0.90")
    with database.read() as tx:
        assert read_paid_visits(tx, run) == {}
    deliver()
    deliver()

    with database.read() as tx:
        [paid] = read_paid_visits(tx, run).values()
    assert paid.earned == 290
    assert sum(amount for _, amount in platform.paid) == Decimal("2.00")


def _separate(database: Database) -> None:
    """Leave the visit with the units that are reviewed, and the next one."""

    def job(tx: Transaction) -> None:
        visits = [row.id for row in tx.rows(VisitTable.select().order_by(VisitTable.id))]
        waiting = UnitTable.select().where(UnitTable.status == "completed")
        agents = [row.agent_id for row in tx.rows(waiting.order_by(UnitTable.id))]
        tx.execute(AgentTable.update(visit=visits[0]).where(AgentTable.id == agents[0]))
        tx.execute(AgentTable.update(visit=visits[1]).where(AgentTable.id << agents[1:]))

    database.write(job)


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.REFUSED, Fault.UNPAYABLE, Fault.BROKEN])
def test_remainder_under_way_is_not_owed_once_its_visit_is_returned(
    database: Database,
    platform: BusyPlatform,
    run: int,
    review: Review,
    report: Report,
    deliver: Callable[..., None],
    fault: Fault,
) -> None:
    """The reward has failed, and so does the bonus in the end."""
    _submit(database)
    review(None, None, Decision.REJECTED)
    platform.during_payment = lambda: report(VisitStatus.RETURNED)
    deliver(Fault.REFUSED, fault)
    for _ in range(3):
        deliver()

    [row] = remainders(database)
    assert row.status is FAILED
    assert spent(database, run) == 0
    for payment in rows_of(database, PaymentTable):
        with pytest.raises(ConflictError, match="is not owed"):
            database.write(lambda tx: plan_again(tx, payment.id))  # noqa: B023
    deliver()
    assert platform.paid == []


@pytest.mark.parametrize("is_paid", [False, True])
def test_person_resolves_a_remainder_whose_visit_is_returned(
    database: Database,
    platform: BusyPlatform,
    run: int,
    review: Review,
    report: Report,
    deliver: Callable[..., None],
    is_paid: bool,
) -> None:
    _submit(database)
    review(None, None, Decision.REJECTED)
    platform.during_payment = lambda: report(VisitStatus.RETURNED)
    deliver(Fault.REFUSED, Fault.LOST)
    [unknown] = remainders(database)
    assert spent(database, run) == COST
    database.write(lambda tx: resolve(tx, unknown.id, paid=is_paid, note="support"))

    assert spent(database, run) == (COST if is_paid else 0)
    with pytest.raises(ConflictError):
        database.write(lambda tx: plan_again(tx, unknown.id))


def test_remainder_of_work_that_counts_again_and_earns_less_is_planned_anew(
    database: Database,
    platform: BusyPlatform,
    review: Review,
    report: Report,
    deliver: Callable[..., None],
) -> None:
    """The visit was returned and submitted again while the first bonus was under way."""
    _submit(database)
    review(None, None, None)

    def earns_less() -> None:
        report(VisitStatus.RETURNED)
        report(VisitStatus.SUBMITTED)
        review(None, "0.30", Decision.REJECTED)

    platform.during_payment = earns_less
    deliver(Fault.REFUSED, Fault.REFUSED)
    for _ in range(3):
        deliver()

    assert [(row.status, row.amount) for row in remainders(database)] == [
        (FAILED, 200),
        (PaymentStatus.CONFIRMED, 30),
    ]


def test_parts_of_a_remainder_have_the_fee_of_the_whole(
    database: Database, run: int, review: Review, deliver: Callable[..., None]
) -> None:
    """Each part is planned when a further unit is reviewed, and rounding counts once."""
    for amount in (None, "0.31", "0.31"):
        _separate(database)
        review(amount)
        deliver()

    rows = rows_of(database, PaymentTable)
    assert [row.amount for row in rows] == [100, 31, 31]
    assert sum(row.fee for row in rows) == 33  # a fifth of 162, rounded up
    assert spent(database, run) == 162 + 33


def _submit(database: Database) -> None:
    database.write(lambda tx: tx.execute(VisitTable.update(status=VisitStatus.SUBMITTED)))
