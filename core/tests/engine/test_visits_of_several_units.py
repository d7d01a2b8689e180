"""A visit of several units earns what was decided on each, and the ledger has what is paid."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TypeVar

import pytest
from attrs import define

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import PartialBounds, VisitReport
from famulus.contracts.visit_verdict import Approve, ApprovePartially
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.budget import read_budget
from famulus.engine.ledger.decision_rules import PlatformRules, Terms
from famulus.engine.ledger.decisions import decide
from famulus.engine.ledger.retries import plan_again
from famulus.engine.ledger.topups import read_paid_visits
from famulus.engine.platform.bound_provider import bind_provider, deliver_run
from famulus.engine.platform.visit_sync import sync_run
from famulus.errors import ConflictError
from famulus.model.database import Database
from famulus.model.states import (
    Decision,
    OutboxStatus,
    PaymentKind,
    PaymentStatus,
    VisitStatus,
)
from famulus.model.tables import (
    AgentTable,
    OutboxTable,
    PaymentTable,
    TaskRunTable,
    UnitTable,
    VisitTable,
)
from famulus.model.transaction import Transaction
from famulus.plugins import Plugins
from famulus.review.outside_payments import mark_paid
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from stored_rows import rows_of

T = TypeVar("T")

BOUNDS = PartialBounds(smallest=Decimal("0.10"), largest=Decimal("0.90"))
CONFIRMED = PaymentStatus.CONFIRMED
#: A reward is 1.00, and the platform takes a fifth of each payment.
REWARD = 100

Review = Callable[..., None]
Ledger = list[tuple[PaymentKind, PaymentStatus, int, int]]


@define
class BusyPlatform(FakePlatform):
    """A platform at which something else happens during its next verdict."""

    during_verdict: Callable[[], None] | None = None

    def call(self, name: str, act: Callable[[], T]) -> T:
        """Perform a call, after what happens during it."""
        if name == "decide" and self.during_verdict is not None:
            happens, self.during_verdict = self.during_verdict, None
            happens()
        return FakePlatform.call(self, name, act)

    @property
    def paid_in_all(self) -> Decimal:
        """What the worker has got, in rewards and bonuses."""
        rewards = [self.verdicts[reference] for reference in self.rewarded]
        whole = [Decimal(1) for each in rewards if isinstance(each, Approve)]
        parts = [each.amount for each in rewards if isinstance(each, ApprovePartially)]
        bonuses = [amount for _, amount in self.paid]
        return sum([*whole, *parts, *bonuses], Decimal(0))


@pytest.fixture
def platform() -> BusyPlatform:
    return BusyPlatform()


@pytest.fixture(params=[True])
def provider(platform: BusyPlatform, request: pytest.FixtureRequest) -> type[Provider]:
    return platform.provider(partial_approvals=BOUNDS, pays=request.param)


@pytest.fixture
def plugins(provider: type[Provider]) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(provider))


@pytest.fixture
def run(database: Database, plugins: Plugins) -> Iterator[int]:
    """A run of three units that are done by three workers."""
    with ManualOperator(database, plugins=plugins) as operator:
        rows = [{"n": n} for n in range(3)]
        gateway = operator.launch_rows(rows, provider="paying", task_reward="1.00")
        for name in ("a", "b", "c"):
            GatewayWorker(gateway, name).work()
        yield gateway.run_id


@pytest.fixture
def units(run: int, database: Database) -> list[int]:
    return [row.id for row in rows_of(database, UnitTable)]


@pytest.fixture
def review(database: Database, provider: type[Provider], units: list[int]) -> Review:
    """A function that accepts a unit, by its index, as one of the first visit, and applies that."""
    rules = PlatformRules(provider_type="paying", capabilities=provider.capabilities)
    visit = rows_of(database, VisitTable)[0].id

    def accept(unit: int, amount: str | None = None, *, applied: bool = True) -> None:
        number = units[unit]
        terms = Terms(amount=None if amount is None else Decimal(amount), rules=rules)

        def job(tx: Transaction) -> None:
            tx.execute(AgentTable.update(visit=visit).where(AgentTable.unit == number))
            decide(tx, number, Decision.ACCEPTED, terms=terms)
            if applied:
                apply_decisions(tx, [number], bounds={"paying": BOUNDS})

        database.write(job)

    return accept


@pytest.fixture
def deliver(
    database: Database, plugins: Plugins, run: int, clock: MovableClock
) -> Callable[[], None]:
    """A function that delivers what is due several times, whatever process was killed before."""

    def delivered() -> None:
        for _ in range(4):
            with contextlib.suppress(Killed):
                deliver_run(database, plugins, run)
            clock.advance(700)

    return delivered


def ledger(database: Database) -> Ledger:
    return [(row.kind, row.status, row.amount, row.fee) for row in rows_of(database, PaymentTable)]


def spent_or_promised(database: Database, run: int) -> int:
    with database.read() as tx:
        budget = read_budget(tx, run, lock=False)
    assert budget is not None
    return budget.most - budget.left


def sum_of(payments: Ledger) -> Decimal:
    assert {status for _, status, *_ in payments} == {CONFIRMED}
    return Decimal(sum(amount for *_, amount, _ in payments)) / 100


def sync(database: Database, plugins: Plugins, run: int) -> None:
    bound = bind_provider(database, plugins, run)
    sync_run(database, bound.provider, bound.run_view())


@pytest.mark.parametrize(
    ("amounts", "bonus"), [((None, None), 100), (("0.40", None), 40), (("0.60", "0.70"), 30)]
)
def test_reward_is_paid_once_and_the_remainder_as_a_bonus(
    database: Database,
    platform: BusyPlatform,
    review: Review,
    deliver: Callable[[], None],
    units: list[int],
    amounts: tuple[str | None, str | None],
    bonus: int,
) -> None:
    for unit, amount in enumerate(amounts):
        review(unit, amount, applied=False)
    for _ in range(2):
        database.write(lambda tx: apply_decisions(tx, units, bounds={"paying": BOUNDS}))
        deliver()

    assert ledger(database) == [
        (PaymentKind.REWARD, CONFIRMED, REWARD, 20),
        (PaymentKind.BONUS, CONFIRMED, bonus, bonus // 5),
    ]
    assert platform.paid_in_all == Decimal(REWARD + bonus) / 100
    with database.read() as tx:
        [paid] = read_paid_visits(tx, rows_of(database, PaymentTable)[0].run_id).values()
    assert paid.earned == REWARD + bonus


@pytest.mark.parametrize("fault", [None, *Fault])
@pytest.mark.parametrize(
    ("amounts", "earned"),
    [(("0.40", None), 140), (("0.40", "0.30"), 70), ((None, "0.30"), 130), ((None, None), 200)],
)
def test_unit_that_is_reviewed_while_an_approval_is_under_way_is_paid_exactly(
    database: Database,
    platform: BusyPlatform,
    review: Review,
    deliver: Callable[[], None],
    fault: Fault | None,
    amounts: tuple[str | None, str | None],
    earned: int,
) -> None:
    """Whether the first approval has an effect, has none, or its outcome is unknown."""
    review(0, amounts[0])
    platform.during_verdict = lambda: review(1, amounts[1])
    platform.faults = [fault]
    deliver()
    for payment in rows_of(database, PaymentTable):
        if payment.status is PaymentStatus.FAILED:  # A person retries what was refused.
            database.write(lambda tx: plan_again(tx, payment.id))  # noqa: B023
    deliver()

    assert platform.paid_in_all == sum_of(ledger(database)) == Decimal(earned) / 100
    assert len(platform.rewarded) == 1


@pytest.mark.parametrize("first", ["0.40", None])
def test_units_that_are_reviewed_later_are_paid_once_each(
    database: Database,
    platform: BusyPlatform,
    review: Review,
    deliver: Callable[[], None],
    first: str | None,
) -> None:
    review(0, first)
    deliver()
    review(1)
    deliver()
    review(2)
    deliver()

    expected = Decimal(3) if first is None else Decimal("2.40")
    assert platform.paid_in_all == sum_of(ledger(database)) == expected
    statuses = {row.status for row in rows_of(database, OutboxTable)}
    assert statuses == {OutboxStatus.DONE}


@pytest.mark.parametrize("is_marked", [False, True])
def test_remainder_that_the_platform_cannot_pay_has_no_fee_of_it(
    database: Database,
    platform: BusyPlatform,
    review: Review,
    deliver: Callable[[], None],
    run: int,
    is_marked: bool,
) -> None:
    database.write(lambda tx: tx.execute(TaskRunTable.update(max_spend=10 * REWARD)))
    review(0)
    deliver()
    platform.faults = [Fault.UNPAYABLE]
    review(1)
    deliver()
    if is_marked:
        owed = rows_of(database, PaymentTable)[-1].id
        mark_paid(database, [owed], note="a transfer")
    spent = [spent_or_promised(database, run)]
    review(2, applied=False)
    spent.append(spent_or_promised(database, run))
    review(2)
    deliver()

    assert ledger(database) == [
        (PaymentKind.REWARD, CONFIRMED, REWARD, 20),
        (PaymentKind.BONUS, CONFIRMED if is_marked else PaymentStatus.OWED, REWARD, 0),
        (PaymentKind.BONUS, CONFIRMED, REWARD, 20),
    ]
    # The third unit is to be paid for, whether it is reviewed or not.
    assert [*spent, spent_or_promised(database, run)] == [3 * REWARD + 40] * 3


@pytest.mark.parametrize("database_address", ["postgresql"], indirect=True)
def test_verdict_waits_for_a_review_of_the_same_visit(
    database: Database,
    platform: BusyPlatform,
    units: list[int],
    review: Review,
    deliver: Callable[[], None],
) -> None:
    review(0, "0.40")
    deliver()
    review(1)
    review(2, applied=False)
    is_applied, may_commit = threading.Event(), threading.Event()

    def apply(tx: Transaction) -> None:
        apply_decisions(tx, [units[2]], bounds={"paying": BOUNDS})
        is_applied.set()
        assert may_commit.wait(60)

    with ThreadPoolExecutor(2) as pool:
        applied = pool.submit(database.write, apply)
        assert is_applied.wait(60)
        delivered = pool.submit(deliver)
        while not delivered.done() and not _is_blocked(database):
            pass
        may_commit.set()
        applied.result()
        delivered.result()
    deliver()

    assert platform.paid_in_all == sum_of(ledger(database)) == Decimal("2.40")


def _is_blocked(database: Database) -> bool:
    """Return whether a transaction waits for a lock."""
    with database.read() as tx:
        return bool(tx.sql("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall())


@pytest.mark.parametrize("amounts", [("0.40",), ("0.40", None), (None, None)])
def test_report_of_an_approval_is_about_one_reward(
    database: Database,
    platform: BusyPlatform,
    plugins: Plugins,
    review: Review,
    run: int,
    amounts: tuple[str | None, ...],
) -> None:
    """Whatever verdict waits, and however many units the visit has."""
    for unit, amount in enumerate(amounts):
        review(unit, amount)
    visit = rows_of(database, VisitTable)[0]
    platform.others = [
        VisitReport(worker_name="a", reference=visit.reference, status=VisitStatus.APPROVED)
    ]
    sync(database, plugins, run)

    assert ledger(database)[0] == (PaymentKind.REWARD, CONFIRMED, REWARD, 20)


def test_remainder_of_a_visit_that_is_returned_is_not_owed(
    database: Database, plugins: Plugins, platform: BusyPlatform, review: Review, run: int
) -> None:
    review(0)
    review(1)
    visit = rows_of(database, VisitTable)[0]
    database.write(lambda tx: tx.execute(VisitTable.update(status=VisitStatus.SUBMITTED)))
    platform.others = [
        VisitReport(worker_name="a", reference=visit.reference, status=VisitStatus.RETURNED)
    ]
    sync(database, plugins, run)
    deliver_run(database, plugins, run)

    assert [status for _, status, *_ in ledger(database)] == [PaymentStatus.FAILED] * 2
    for payment in rows_of(database, PaymentTable):
        with pytest.raises(ConflictError, match="is not owed"):
            database.write(lambda tx: plan_again(tx, payment.id))  # noqa: B023


@pytest.mark.parametrize("provider", [False], indirect=True)
@pytest.mark.parametrize("is_marked", [False, True])
def test_requester_who_pays_outside_owes_the_whole_once(
    database: Database, review: Review, is_marked: bool
) -> None:
    review(0)
    if is_marked:
        mark_paid(database, [rows_of(database, PaymentTable)[0].id], note="N")
    review(1, "0.30")

    owed = (PaymentKind.BONUS, PaymentStatus.OWED, 30, 6)
    whole = (PaymentKind.REWARD, PaymentStatus.OWED, 130, 26)
    paid = (PaymentKind.REWARD, CONFIRMED, REWARD, 20)
    assert ledger(database) == ([paid, owed] if is_marked else [whole])


@pytest.mark.parametrize("first", [None, "0.40"])
def test_late_unit_of_a_visit_that_is_paid_is_accepted_for_less(
    database: Database,
    platform: BusyPlatform,
    review: Review,
    deliver: Callable[[], None],
    first: str | None,
) -> None:
    review(0, first)
    deliver()
    for _ in range(2):
        review(1, "0.30")
        deliver()

    expected = Decimal(first or 1) + Decimal("0.30")
    assert platform.paid_in_all == sum_of(ledger(database)) == expected
    assert {row.status for row in rows_of(database, OutboxTable)} == {OutboxStatus.DONE}


@pytest.mark.parametrize("is_planned", [False, True])
def test_unit_is_not_accepted_for_less_than_the_platform_has_paid_for_its_visit(
    database: Database, plugins: Plugins, platform: BusyPlatform, review: Review, is_planned: bool
) -> None:
    """The platform has paid the whole reward, and the visit has earned less with both units."""
    if is_planned:
        review(0, "0.40")
    visit = rows_of(database, VisitTable)[0]
    platform.others = [
        VisitReport(worker_name="a", reference=visit.reference, status=VisitStatus.APPROVED)
    ]
    sync(database, plugins, visit.run_id)

    with pytest.raises(ConflictError, match="cannot be accepted for less"):
        review(1, "0.30")


def test_remainder_that_has_failed_is_not_topped_up(
    database: Database,
    platform: BusyPlatform,
    review: Review,
    deliver: Callable[[], None],
    run: int,
) -> None:
    """It is retried, and what a top-up had paid instead would be paid twice."""
    review(0, applied=False)
    review(1)
    platform.faults = [None, Fault.REFUSED]
    deliver()

    assert [status for _, status, *_ in ledger(database)] == [CONFIRMED, PaymentStatus.FAILED]
    with database.read() as tx:
        [paid] = read_paid_visits(tx, run).values()
    assert paid.earned == 2 * REWARD
