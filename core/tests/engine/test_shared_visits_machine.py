"""Under any sequence of actions and faults, visits of several units are paid exactly, and once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from famulus.contracts.provider_views import Outcome, PartialBounds, VisitReport, VisitVerdict
from famulus.contracts.visit_verdict import Approve, ApprovePartially
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.budget import read_budget
from famulus.engine.ledger.decision_rules import PlatformRules, Terms
from famulus.engine.ledger.decisions import decide, undo
from famulus.engine.ledger.retries import plan_again
from famulus.engine.ledger.rewards import NOT_OWED, is_remainder, is_topup
from famulus.engine.platform.bound_provider import bind_provider, deliver_run
from famulus.engine.platform.visit_sync import sync_run
from famulus.errors import ConflictError, RefusedError, UsageError
from famulus.model.database import Database
from famulus.model.states import (
    Decision,
    PaymentKind,
    PaymentStatus,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import AgentTable, PaymentTable, ReviewTable, UnitTable, VisitTable
from famulus.model.transaction import Row, Transaction
from famulus.review.outside_payments import mark_paid
from famulus.review.payment_actions import pay_bonus, retry_payment, settle_payments
from famulus.review.topup_actions import pay_topup, propose_topup
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from lent_databases import Lend, files_in, on_lent
from machine_limits import machine_limits

BOUNDS = PartialBounds(smallest=Decimal("0.10"), largest=Decimal("0.90"))
#: A unit costs 1.20: the reward is 1.00, and the platform takes a fifth.
REWARD = 100
NAMES = "abcde"
#: Those who leave without work: one finds no unit left, the other gives it back.
VISITORS = "xy"
EARNS = (Decision.ACCEPTED, Decision.SOFT_REJECTED)
UNDECIDED = (PaymentStatus.SENT, PaymentStatus.UNKNOWN)
AMOUNTS = st.sampled_from([None, Decimal("0.07"), Decimal("0.31"), Decimal("0.9")])
DECISIONS = st.sampled_from([Decision.ACCEPTED, Decision.ACCEPTED, *Decision])
UNITS = st.integers(0, len(NAMES) - 1)
#: The visits that get several units.
VISITS = st.integers(0, 1)
#: What the platform pays by itself, and says of it: nothing, the reward, or that of two units. A
#: visitor without work may get a part.
PAID_BY_ITSELF = st.tuples(
    st.sampled_from(NAMES + VISITORS),
    st.just(VisitStatus.APPROVED),
    st.sampled_from([None, Decimal(1), Decimal(2)]),
) | st.tuples(
    st.sampled_from(VISITORS),
    st.sampled_from([VisitStatus.PARTIALLY_APPROVED, VisitStatus.SCREENED_OUT]),
    st.just(Decimal("0.40")),
)
FAULTS: st.SearchStrategy[list[Fault | None]] = st.just([]) | st.lists(
    st.sampled_from([None, *Fault]), max_size=4
)


@define
class ReturningPlatform(FakePlatform):
    """A platform where a submission can be returned until there is a verdict on it."""

    returned: set[str] = field(factory=set)
    #: what it has paid for visits without a verdict from here, in minor units, by reference
    paid_by_itself: dict[str, int] = field(factory=dict)

    def decide(self, given: VisitVerdict) -> Outcome:
        """Decide on a visit, unless it is returned."""
        if given.visit.reference in self.returned:
            raise RefusedError("the worker has returned the submission")
        return FakePlatform.decide(self, given)

    def pay_by_itself(self, reference: str, amount: Decimal | None) -> None:
        """Approve and pay a submission without a verdict."""
        self.verdicts[reference] = Approve()
        self.rewarded.append(reference)
        self.paid_by_itself[reference] = REWARD if amount is None else int(amount * 100)


class SharedVisits(RuleBasedStateMachine):
    """Reviewers and payers of visits that late answers join, on a platform that fails."""

    def __init__(self, address: AbstractContextManager[str]) -> None:
        super().__init__()
        self.exits = ExitStack()
        self.clock = MovableClock()
        self.database = self.exits.enter_context(
            Database(self.exits.enter_context(address), clock=self.clock)
        )
        self.platform = ReturningPlatform()
        #: visits that were returned after a payment for them was made, or may have been
        self.overpaid: set[int] = set()

    @initialize(pays=st.booleans())
    def units_are_submitted(self, pays: bool) -> None:
        self.pays = pays
        provider = self.platform.provider(partial_approvals=BOUNDS, pays=pays, requests_return=True)
        self.platform_rules = PlatformRules(
            provider_type="paying", capabilities=provider.capabilities
        )
        self.plugins = kit_plugins(platform=PlatformPlugin(provider))
        with ManualOperator(self.database, plugins=self.plugins) as operator:
            gateway = operator.launch_rows(
                [{"n": n} for n in range(len(NAMES))],
                provider="paying",
                task_reward="1.00",
                max_spend="1000",
                submission_timeout=60,
            )
            returning = GatewayWorker(gateway, VISITORS[1])
            returning.give_back(returning.arrive(returning.name))
            for name in NAMES:
                worker = GatewayWorker(gateway, name)
                page = worker.arrive(name)
                self.clock.advance(60)
                worker.submit(page)
            assert GatewayWorker(gateway, VISITORS[0]).arrive().refusal == "run_complete"
        self.run = gateway.run_id
        self.units = [row.id for row in self.rows(UnitTable)]
        visits = {row.reference: row.id for row in self.rows(VisitTable)}
        self.visits = [visits[name] for name in NAMES]
        submitted = VisitTable.update(status=VisitStatus.SUBMITTED)
        self.database.write(lambda tx: tx.execute(submitted))

    @rule(unit=UNITS, visit=VISITS)
    def late_answer_joins_a_visit(self, unit: int, visit: int) -> None:
        number = self.visits[visit]
        row = self.rows(UnitTable)[unit]
        if row.status is not UnitStatus.COMPLETED:
            return
        is_decided = any(
            each.agent_id == row.agent_id and each.undone_at is None
            for each in self.rows(ReviewTable)
        )
        is_returned = NAMES[visit] in self.platform.returned
        was_in_time = self.reference_of(row.agent_id) in self.platform.paid_by_itself
        if not (is_decided or is_returned or was_in_time):
            query = AgentTable.update(visit=number).where(AgentTable.id == row.agent_id)
            self.database.write(lambda tx: tx.execute(query))

    @rule(unit=UNITS, decision=DECISIONS, amount=AMOUNTS, applied=st.booleans())
    def reviewer_decides(
        self, unit: int, decision: Decision, amount: Decimal | None, applied: bool
    ) -> None:
        number = self.units[unit]
        part = amount if decision is Decision.ACCEPTED else None
        terms = Terms(amount=part, rules=self.platform_rules)
        status = self.rows(UnitTable)[unit].status

        def job(tx: Transaction) -> None:
            decide(tx, number, decision, note="why", seen=status, terms=terms)
            if applied:
                apply_decisions(tx, [number], bounds={"paying": BOUNDS})

        # A single unit is accepted within the platform's bounds.
        with contextlib.suppress(ConflictError, UsageError):
            self.database.write(job)

    @rule(unit=UNITS, visit=VISITS, amount=AMOUNTS, faults=FAULTS)
    def late_answer_is_accepted(
        self, unit: int, visit: int, amount: Decimal | None, faults: list[Fault | None]
    ) -> None:
        self.late_answer_joins_a_visit(unit, visit)
        self.reviewer_decides(unit, Decision.ACCEPTED, amount, applied=True)
        self.outbox_is_delivered(faults)

    @rule(unit=UNITS)
    def reviewer_undoes(self, unit: int) -> None:
        with contextlib.suppress(ConflictError):
            self.database.write(lambda tx: undo(tx, self.units[unit]))

    @rule()
    def decisions_are_applied(self) -> None:
        self.database.write(lambda tx: apply_decisions(tx, self.units, bounds={"paying": BOUNDS}))

    @rule(visit=VISITS, comes_back=st.booleans())
    def visit_is_returned(self, visit: int, comes_back: bool) -> None:
        name = NAMES[visit]
        if name in self.platform.verdicts or name in self.platform.returned:
            return
        number = self.visits[visit]
        mine = [row for row in self.payments if row.visit_id == number]
        if any(row.status in UNDECIDED or row.note for row in mine):
            self.overpaid.add(number)
        self.report(name, VisitStatus.RETURNED)
        if comes_back:
            self.report(name, VisitStatus.SUBMITTED)
        else:
            self.platform.returned.add(name)

    @rule(given=PAID_BY_ITSELF)
    def platform_pays_by_itself(self, given: tuple[str, VisitStatus, Decimal | None]) -> None:
        name, status, amount = given
        if name not in self.platform.verdicts and name not in self.platform.returned:
            self.platform.pay_by_itself(name, amount)
            self.report(name, status, amount)

    @rule(unit=UNITS, amount=st.sampled_from(["0.50", "1"]), again=st.booleans(), faults=FAULTS)
    def bonus_is_paid(
        self, unit: int, amount: str, again: bool, faults: list[Fault | None]
    ) -> None:
        with self.failing(faults), contextlib.suppress(ConflictError):
            number = self.units[unit]
            pay_bonus(self.database, number, amount, reason="R", again=again, plugins=self.plugins)

    @rule(unit=UNITS, hourly=st.sampled_from(["90", "120"]), faults=FAULTS)
    def work_is_paid_and_topped_up(
        self, unit: int, hourly: str, faults: list[Fault | None]
    ) -> None:
        self.reviewer_decides(unit, Decision.ACCEPTED, None, applied=True)
        self.platform_works()
        self.pay_is_topped_up(hourly, faults)

    @rule(hourly=st.sampled_from(["90", "120"]), faults=FAULTS)
    def pay_is_topped_up(self, hourly: str, faults: list[Fault | None]) -> None:
        topup = propose_topup(self.database, self.run, hourly, plugins=self.plugins)
        earned = self.earned()
        for each in topup.visits:
            paid = each._planned.visit
            reward = self.reward(paid.payee.visit)
            assert each.units <= len(self.final_reviews(paid.payee.visit))
            assert paid.earned >= earned[paid.payee.visit]
            assert reward is not None
            assert paid.earned == max(reward.amount, earned[paid.payee.visit])
        with self.failing(faults):
            pay_topup(self.database, topup, plugins=self.plugins)

    @rule(faults=FAULTS)
    def outbox_is_delivered(self, faults: list[Fault | None]) -> None:
        with self.failing(faults):
            deliver_run(self.database, self.plugins, self.run)

    @rule()
    def platform_works(self) -> None:
        self.clock.advance(700)
        self.outbox_is_delivered([])

    @rule(faults=FAULTS)
    def payments_are_settled(self, faults: list[Fault | None]) -> None:
        with self.failing(faults):
            settle_payments(self.database, plugins=self.plugins)

    @rule(which=st.integers(0, 9), faults=FAULTS)
    def failed_payment_is_retried(self, which: int, faults: list[Fault | None]) -> None:
        failed = [row.id for row in self.payments if row.status is PaymentStatus.FAILED]
        if failed:
            with self.failing(faults), contextlib.suppress(ConflictError):
                retry_payment(self.database, failed[which % len(failed)], plugins=self.plugins)

    @rule(which=st.integers(0, 9))
    def owed_payment_is_marked_as_paid(self, which: int) -> None:
        owed = [row.id for row in self.payments if row.status is PaymentStatus.OWED]
        if owed:
            mark_paid(self.database, [owed[which % len(owed)]], note="by hand")

    @rule(seconds=st.sampled_from([1, 120, 700]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def nothing_is_paid_twice(self) -> None:
        keys = [key for key, _ in self.platform.paid]
        assert len(keys) == len(set(keys))
        assert len(self.platform.rewarded) == len(set(self.platform.rewarded))
        marked = {self.key(row) for row in self.payments if row.note}
        assert not marked & set(keys)

    @invariant()
    def no_visit_is_paid_more_than_it_has_earned(self) -> None:
        if not hasattr(self, "units"):
            return
        earned = self.earned()
        for visit, paid in self.paid().items():
            reward = self.reward(visit)
            if visit not in self.overpaid and reward is not None:
                assert paid <= max(reward.amount, earned[visit]), f"visit {visit}"

    @invariant()
    def only_work_is_paid_from_here(self) -> None:
        if not hasattr(self, "units"):
            return
        visits = {row.id: row.reference for row in self.rows(VisitTable)}
        by_itself = self.platform.paid_by_itself
        for row in self.payments:
            name = visits[row.visit_id]
            if name in VISITORS:
                paid = (PaymentKind.REWARD, PaymentStatus.CONFIRMED, by_itself[name])
                assert (row.kind, row.status, row.amount) == paid
                assert self.pays
            elif (is_remainder(row.key) or is_topup(row.key)) and not _is_dropped(row):
                is_returned = row.visit_id in self.overpaid
                assert is_returned or self.final_reviews(row.visit_id), f"payment {row.id}"

    def teardown(self) -> None:
        try:
            if hasattr(self, "units"):
                self.in_the_end()
        finally:
            self.exits.close()

    def in_the_end(self) -> None:
        """Accept what is up for review, remove all faults, and retry what has failed."""
        self.platform.faults.clear()
        self.decisions_are_applied()  # also requests, after which units are still up for review
        for unit, row in enumerate(self.rows(UnitTable)):
            if row.status is UnitStatus.COMPLETED:
                self.reviewer_decides(unit, Decision.ACCEPTED, None, applied=False)
        self.decisions_are_applied()
        assert UnitStatus.COMPLETED not in {row.status for row in self.rows(UnitTable)}
        for _ in range(4):
            self.clock.advance(700)
            settle_payments(self.database, plugins=self.plugins)
            for row in self.payments:
                if row.status is PaymentStatus.FAILED:
                    with contextlib.suppress(ConflictError):
                        self.database.write(lambda tx: plan_again(tx, row.id))  # noqa: B023
            deliver_run(self.database, self.plugins, self.run)

        self.nothing_is_paid_twice()
        self.no_visit_is_paid_more_than_it_has_earned()
        self.only_work_is_paid_from_here()
        counting = [row for row in self.payments if not _is_dropped(row)]
        final = (PaymentStatus.CONFIRMED, PaymentStatus.OWED)
        assert {row.status for row in counting} <= set(final)
        earned = self.earned()
        for visit in self.visits:
            rows = [row for row in counting if row.visit_id == visit and _is_pay(row)]
            listed = sum(row.amount for row in rows)
            reward = self.reward(visit)
            if earned[visit]:
                assert reward is not None
                covered = reward.amount if reward in rows else 0
                assert listed >= max(covered, earned[visit]), f"visit {visit}"
                if visit not in self.overpaid:
                    assert listed == max(covered, earned[visit]), f"visit {visit}"
            elif visit not in self.overpaid:
                assert listed == self.paid()[visit], f"visit {visit}"
        owed = [row for row in counting if row.status is PaymentStatus.OWED]
        assert all(earned[row.visit_id] for row in owed if is_topup(row.key))
        made = {self.key(row) for row in counting if _is_made_there(row)}
        assert {key for key, _ in self.platform.paid} == made
        with self.database.read() as tx:
            budget = read_budget(tx, self.run, lock=False)
        assert budget is not None
        assert budget.most - budget.left == sum(row.amount + row.fee for row in counting)

    def reference_of(self, agent: int) -> str:
        """Return the reference of an attempt's visit."""
        visits = {row.id: row.visit_id for row in self.rows(AgentTable)}
        return next(str(row.reference) for row in self.rows(VisitTable) if row.id == visits[agent])

    def final_reviews(self, visit: int) -> list[Row]:
        """Return the decisions by which a visit has earned something for good."""
        units = {row.id: row.agent_id for row in self.rows(UnitTable)}
        mine = {row.id for row in self.rows(AgentTable) if row.visit_id == visit}
        newest = {
            row.unit_id: row
            for row in self.rows(ReviewTable)
            if row.undone_at is None and units[row.unit_id] == row.agent_id in mine
        }
        return [
            row for row in newest.values() if row.applied_at is not None and row.decision in EARNS
        ]

    def earned(self) -> Mapping[int, int]:
        """Return what each visit has earned by decisions that are final."""
        return {
            visit: sum(
                REWARD if row.amount is None else row.amount for row in self.final_reviews(visit)
            )
            for visit in self.visits
        }

    def paid(self) -> Mapping[int, int]:
        """Return what was paid for the work of each visit, there or outside, without extras."""
        paid = dict.fromkeys(self.visits, 0)
        for visit, name in zip(self.visits, NAMES, strict=True):
            if not self.pays or name not in self.platform.rewarded:
                continue
            if name in self.platform.paid_by_itself:
                paid[visit] += self.platform.paid_by_itself[name]
            else:
                verdict = self.platform.verdicts[name]
                assert isinstance(verdict, Approve | ApprovePartially)
                part = verdict.amount if isinstance(verdict, ApprovePartially) else None
                paid[visit] += REWARD if part is None else int(part * 100)
        amounts = {key: int(amount * 100) for key, amount in self.platform.paid}
        for row in self.payments:
            if row.note and _is_pay(row):
                paid[row.visit_id] += row.amount
            elif is_remainder(row.key):
                paid[row.visit_id] += amounts.get(self.key(row), 0)
        return paid

    def report(self, name: str, status: VisitStatus, amount: Decimal | None = None) -> None:
        self.platform.others = [
            VisitReport(worker_name=name, reference=name, status=status, amount=amount)
        ]
        bound = bind_provider(self.database, self.plugins, self.run)
        sync_run(self.database, bound.provider, bound.run_view())
        self.platform.others = []

    @contextlib.contextmanager
    def failing(self, faults: list[Fault | None]) -> Iterator[None]:
        """Let calls fail, or kill their caller."""
        self.platform.faults = list(faults)
        with contextlib.suppress(Killed):
            yield
        self.platform.faults = []

    def rows(self, table: Any) -> list[Row]:
        with self.database.read() as tx:
            return tx.rows(table.select().order_by(table.id))

    @property
    def payments(self) -> list[Row]:
        return self.rows(PaymentTable)

    def reward(self, visit: int) -> Row | None:
        found = [
            row for row in self.payments if row.kind is PaymentKind.REWARD and row.visit_id == visit
        ]
        return found[0] if found else None

    def key(self, payment: Row) -> str:
        return f"{self.database.identity}-{payment.id}"


def _is_dropped(payment: Row) -> bool:
    return payment.status is PaymentStatus.FAILED and payment.error in NOT_OWED


def _is_pay(payment: Row) -> bool:
    """Return whether a payment is one for the work of its visit, and no extra."""
    return payment.kind is PaymentKind.REWARD or is_remainder(payment.key)


def _is_made_there(payment: Row) -> bool:
    """Return whether the platform has made a payment by a call of its own."""
    return (
        payment.kind is not PaymentKind.REWARD
        and payment.status is PaymentStatus.CONFIRMED
        and not payment.note
    )


def limits(examples: int) -> settings:
    return settings(machine_limits(examples, steps=25), database=None, derandomize=True)


@pytest.mark.slow
def test_visits_of_several_units_on_sqlite(tmp_path: Path) -> None:
    machine = on_lent(SharedVisits, files_in(tmp_path))

    run_state_machine_as_test(machine, settings=limits(20))


@pytest.mark.slow
def test_visits_of_several_units_on_postgresql(lend_postgres: Lend) -> None:
    run_state_machine_as_test(on_lent(SharedVisits, lend_postgres), settings=limits(8))
