"""Under any sequence of actions, faults and kills: no work is paid twice, no decision is lost."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from famulus.contracts.provider_views import Capabilities, PartialBounds
from famulus.contracts.visit_verdict import (
    Approve,
    ApprovePartially,
    Reject,
    RequestReturn,
    Verdict,
)
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.bonuses import ExtraPayment, plan_extra, unit_payee
from famulus.engine.ledger.decision_rules import PlatformRules, Terms
from famulus.engine.ledger.decisions import decide, undo
from famulus.engine.ledger.retries import plan_again
from famulus.engine.ledger.rewards import REJECTED_INSTEAD
from famulus.engine.platform.bound_provider import deliver_run
from famulus.engine.platform.redelivery import redeliver_refused
from famulus.errors import ConflictError
from famulus.model.database import Database
from famulus.model.states import Decision, PaymentKind, PaymentStatus, UnitStatus
from famulus.model.tables import PaymentTable, ReviewTable, UnitTable, VisitTable
from famulus.model.transaction import Row, Transaction
from famulus.review.payment_actions import pay_bonus, retry_payment, settle_payments
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from lent_databases import Lend, files_in, on_lent
from machine_limits import machine_limits

#: A unit is paid with 0.10: both parts of it can be approved.
CAPABILITIES = Capabilities(
    pays=True,
    partial_approvals=PartialBounds(smallest=Decimal("0.30"), largest=Decimal("0.90")),
    requests_return=True,
)
RULES = PlatformRules(provider_type="paying", capabilities=CAPABILITIES)
BOUNDS = {"paying": CAPABILITIES.partial_approvals}
AMOUNTS = st.sampled_from([None, Decimal("0.04"), Decimal("0.07")])
EARNS = (Decision.ACCEPTED, Decision.SOFT_REJECTED)
UNITS = st.integers(0, 2)
FAULTS = st.lists(st.sampled_from([None, *Fault]), max_size=3)


class Money(RuleBasedStateMachine):
    """Reviewers, payers and commands that crash, on a platform that fails."""

    def __init__(self, address: AbstractContextManager[str]) -> None:
        super().__init__()
        self.exits = ExitStack()
        self.clock = MovableClock()
        self.database = self.exits.enter_context(
            Database(self.exits.enter_context(address), clock=self.clock)
        )
        self.platform = FakePlatform()
        provider = self.platform.provider(
            partial_approvals=CAPABILITIES.partial_approvals,
            requests_return=CAPABILITIES.requests_return,
        )
        self.plugins = kit_plugins(platform=PlatformPlugin(provider))

    @initialize()
    def three_units_are_submitted(self) -> None:
        with ManualOperator(self.database, plugins=self.plugins) as operator:
            gateway = operator.launch_rows([{"n": n} for n in range(3)], provider="paying")
            for name in "abc":
                GatewayWorker(gateway, name).work()
        self.run = gateway.run_id
        self.units = [row.id for row in self.rows(UnitTable)]

    @rule(unit=UNITS, decision=st.sampled_from(Decision), amount=AMOUNTS, applied=st.booleans())
    def reviewer_decides(
        self, unit: int, decision: Decision, amount: Decimal | None, applied: bool
    ) -> None:
        number = self.units[unit]
        terms = Terms(amount=amount if decision is Decision.ACCEPTED else None, rules=RULES)
        status = self.rows(UnitTable)[unit].status

        def job(tx: Transaction) -> None:
            decide(tx, number, decision, note="why", seen=status, terms=terms)
            if applied:
                apply_decisions(tx, [number], bounds=BOUNDS)

        with contextlib.suppress(ConflictError):
            self.database.write(job)

    @rule(unit=UNITS)
    def rejection_is_applied(self, unit: int) -> None:
        self.reviewer_decides(unit, Decision.REJECTED, None, applied=True)

    @rule(amount=AMOUNTS)
    def applied_rejection_is_corrected(self, amount: Decimal | None) -> None:
        for unit, row in enumerate(self.rows(UnitTable)):
            if row.status is UnitStatus.REJECTED:
                self.reviewer_decides(unit, Decision.ACCEPTED, amount, applied=True)

    @rule(unit=UNITS)
    def reviewer_undoes(self, unit: int) -> None:
        with contextlib.suppress(ConflictError):
            self.database.write(lambda tx: undo(tx, self.units[unit]))

    @rule(crashes=st.booleans())
    def decisions_are_applied(self, crashes: bool) -> None:
        def job(tx: Transaction) -> None:
            apply_decisions(tx, self.units, bounds=BOUNDS)
            if crashes:
                raise Killed

        with contextlib.suppress(Killed):
            self.database.write(job)

    @rule(unit=UNITS, amount=st.sampled_from(["0.50", "1"]), again=st.booleans(), faults=FAULTS)
    def bonus_is_paid(
        self, unit: int, amount: str, again: bool, faults: list[Fault | None]
    ) -> None:
        with self.failing(faults):
            pay_bonus(
                self.database,
                self.units[unit],
                amount,
                reason="R",
                again=again,
                plugins=self.plugins,
            )

    @rule(planned=st.lists(st.tuples(UNITS, st.sampled_from([50, 100])), max_size=4))
    def bonuses_are_planned(self, planned: list[tuple[int, int]]) -> None:
        """Plan bonuses that calls deliver together, later."""
        for unit, amount in planned:
            extra = ExtraPayment(kind=PaymentKind.BONUS, amount=amount, fee=0, reason="R")

            def job(tx: Transaction, unit: int = unit, extra: ExtraPayment = extra) -> None:
                plan_extra(tx, unit_payee(tx, self.units[unit]), extra, again=True)

            self.database.write(job)

    @rule(faults=FAULTS)
    def outbox_is_delivered(self, faults: list[Fault | None]) -> None:
        with self.failing(faults):
            deliver_run(self.database, self.plugins, self.run)

    @rule(faults=FAULTS)
    def payments_are_settled(self, faults: list[Fault | None]) -> None:
        with self.failing(faults):
            settle_payments(self.database, plugins=self.plugins)

    @rule(faults=FAULTS)
    def failed_payment_is_retried(self, faults: list[Fault | None]) -> None:
        failed = [row.id for row in self.rows(PaymentTable) if row.status is PaymentStatus.FAILED]
        if failed:
            with self.failing(faults), contextlib.suppress(ConflictError):
                retry_payment(self.database, failed[0], plugins=self.plugins)

    @rule(seconds=st.sampled_from([1, 120, 600]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def nothing_is_paid_twice(self) -> None:
        keys = [key for key, _ in self.platform.paid]
        assert len(keys) == len(set(keys))
        assert len(self.platform.rewarded) == len(set(self.platform.rewarded))

    @invariant()
    def nothing_is_paid_without_a_decision(self) -> None:
        if not hasattr(self, "units"):
            return
        references = {visit.id: visit.reference for visit in self.rows(VisitTable)}
        earned = {
            references[self.visits[review.agent_id]]
            for review in self.rows(ReviewTable)
            if review.applied_at is not None and review.decision in EARNS
        }
        assert set(self.platform.rewarded) <= earned

    @invariant()
    def ledger_agrees_with_the_platform(self) -> None:
        paid = dict(self.platform.paid)
        for row in self.rows(PaymentTable):
            if row.kind is PaymentKind.REWARD:
                is_paid = self.reference(row) in self.platform.rewarded
                verdict = self.platform.verdicts.get(self.reference(row))
                if is_paid and row.status is PaymentStatus.CONFIRMED:
                    part = verdict.amount if isinstance(verdict, ApprovePartially) else None
                    assert row.amount == (10 if part is None else part * 100)
            else:
                is_paid = self.key(row) in paid
                assert not is_paid or paid[self.key(row)] * 100 == Decimal(row.amount)
            if row.status is PaymentStatus.CONFIRMED:
                assert is_paid
            if row.status in (PaymentStatus.FAILED, PaymentStatus.PLANNED, PaymentStatus.OWED):
                assert not is_paid

    def teardown(self) -> None:
        try:
            if hasattr(self, "units"):
                self.in_the_end()
        finally:
            self.exits.close()

    def in_the_end(self) -> None:
        """Remove all faults, and retry what has failed."""
        self.platform.faults.clear()
        self.database.write(lambda tx: apply_decisions(tx, self.units, bounds=BOUNDS))
        for _ in range(3):
            self.clock.advance(700)
            settle_payments(self.database, plugins=self.plugins)
            for row in self.rows(PaymentTable):
                if row.status is PaymentStatus.FAILED and row.error != REJECTED_INSTEAD:
                    self.database.write(lambda tx: plan_again(tx, row.id))  # noqa: B023
            self.database.write(lambda tx: redeliver_refused(tx, self.run, Capabilities()))
            deliver_run(self.database, self.plugins, self.run)

        verdicts: dict[int, type[Verdict]] = {}
        for review in self.rows(ReviewTable):
            if review.undone_at is None:
                assert review.applied_at is not None
                verdicts[self.visits[review.agent_id]] = _verdict(review)
        references = {visit.id: visit.reference for visit in self.rows(VisitTable)}
        expected = {references[visit]: verdict for visit, verdict in verdicts.items()}
        assert {ref: type(each) for ref, each in self.platform.verdicts.items()} == expected
        paying = (Approve, ApprovePartially)
        approved = {ref for ref, verdict in expected.items() if verdict in paying}
        assert set(self.platform.rewarded) == approved
        bonuses = [
            row
            for row in self.rows(PaymentTable)
            if row.kind is PaymentKind.BONUS and row.status is not PaymentStatus.OWED
        ]
        assert {key for key, _ in self.platform.paid} == {self.key(row) for row in bonuses}
        self.nothing_is_paid_twice()
        self.ledger_agrees_with_the_platform()

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
    def visits(self) -> dict[int, int]:
        """The visit of each agent."""
        with self.database.read() as tx:
            return dict(tx.sql("SELECT id, visit_id FROM agent").fetchall())

    def reference(self, payment: Row) -> str:
        references = {visit.id: visit.reference for visit in self.rows(VisitTable)}
        return str(references[payment.visit_id])

    def key(self, payment: Row) -> str:
        return f"{self.database.identity}-{payment.id}"


def _verdict(review: Row) -> type[Verdict]:
    """Return the kind of the verdict that follows from the last decision on a visit's only unit."""
    if review.decision in EARNS:
        return Approve if review.amount is None else ApprovePartially
    return RequestReturn if review.decision is Decision.RETURN_REQUESTED else Reject


def limits(examples: int) -> settings:
    return settings(machine_limits(examples, steps=20), database=None, derandomize=True)


@pytest.mark.slow
def test_money_on_sqlite(tmp_path: Path) -> None:
    machine = on_lent(Money, files_in(tmp_path))

    run_state_machine_as_test(machine, settings=limits(20))


@pytest.mark.slow
def test_money_on_postgresql(lend_postgres: Lend) -> None:
    run_state_machine_as_test(on_lent(Money, lend_postgres), settings=limits(8))
