"""The budget of a run (``task.max_spend``), and how much of it is spent or promised."""

from __future__ import annotations

from typing import NamedTuple

import peewee
from attrs import frozen

from famulus.engine.ledger.recorded_decisions import ActiveDecision, read_decisions_in_force
from famulus.engine.ledger.rewards import (
    NOT_OWED,
    REMAINDER_PREFIX,
    is_owed_outside,
    is_remainder,
    remainder_fee,
)
from famulus.engine.outbox.stored_verdicts import newest_verdict
from famulus.engine.runs import unit_counts
from famulus.model.many_values import AMONG, run_among
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import (
    OutboxStatus,
    PaymentKind,
    PaymentStatus,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import (
    AgentTable,
    PaymentTable,
    TaskRunTable,
    UnitTable,
    VisitTable,
    literal,
    literals,
)
from famulus.model.transaction import Transaction

#: Units that cost something, or may at any moment.
_COSTING = (
    UnitStatus.LAUNCHED,
    UnitStatus.ASSIGNED,
    UnitStatus.COMPLETED,
    UnitStatus.ACCEPTED,
    UnitStatus.SOFT_REJECTED,
)
_EARNING = (UnitStatus.ACCEPTED, UnitStatus.SOFT_REJECTED)


class _LimitRow(NamedTuple):
    max_spend: int
    unit_cost: int
    reward: int


class _SharedRow(NamedTuple):
    visit: int
    status: str
    error: str
    amount: int
    fee: int

    @property
    def is_failed(self) -> bool:
        return self.status == PaymentStatus.FAILED


class _UnitRow(NamedTuple):
    visit: int
    unit: int


class _RemainderRow(NamedTuple):
    visit: int
    key: str
    amount: int
    fee: int
    status: str
    note: str

    @property
    def is_outside(self) -> bool:
        status = PaymentStatus(self.status)
        return is_owed_outside(status=status, fee=self.fee, note=self.note)


_SELECT_LIMIT = TaskRunTable.select(
    TaskRunTable.max_spend, TaskRunTable.unit_cost, TaskRunTable.reward
).where(TaskRunTable.id == Param("run"))
_LIMIT = Statement(_SELECT_LIMIT, _LimitRow)
_LOCKED_LIMIT = Statement(lambda kind: for_update(_SELECT_LIMIT, kind), _LimitRow)
_SCREENED_OUT = VisitTable.select(VisitTable.id).where(
    VisitTable.run == Param("run"), VisitTable.status == literal(VisitStatus.SCREENED_OUT)
)
#: Payments that are made, will be, or are owed: a remainder that has failed is retried.
_COUNTING = (PaymentTable.status != literal(PaymentStatus.FAILED)) | (
    PaymentTable.key.startswith(REMAINDER_PREFIX) & PaymentTable.error.not_in([*NOT_OWED])
)
#: Units whose rewards, where there are any, were paid by the platform against the decision.
_REJECTED = UnitTable.select(UnitTable.id).where(
    UnitTable.run == Param("run"), UnitTable.status == literal(UnitStatus.REJECTED)
)
#: Bonuses and compensations, and what was paid for visits and units that cost nothing else.
_EXTRA = Statement(
    PaymentTable.select(peewee.fn.SUM(PaymentTable.amount + PaymentTable.fee)).where(
        PaymentTable.run == Param("run"),
        (PaymentTable.kind != literal(PaymentKind.REWARD))
        | (PaymentTable.visit << _SCREENED_OUT)
        | (PaymentTable.unit << _REJECTED),
        _COUNTING,
    )
)
#: Units that were completed in visits of which the platform pays only what is in the ledger.
_SCREENED_UNITS = Statement(
    AgentTable.select(peewee.fn.COUNT(AgentTable.id))
    .join(UnitTable, on=(AgentTable.unit == UnitTable.id) & (UnitTable.agent_id == AgentTable.id))
    .where(AgentTable.visit << _SCREENED_OUT, UnitTable.status << literals(*_COSTING))
)
#: How much less units cost than all others, by the reward of a visit with no other unit.
_SAVED = Statement(
    PaymentTable.select(
        peewee.fn.SUM(TaskRunTable.unit_cost - PaymentTable.amount - PaymentTable.fee)
    )
    .join(TaskRunTable, on=(PaymentTable.run == TaskRunTable.id))
    .switch(PaymentTable)
    .join(UnitTable, on=(PaymentTable.unit == UnitTable.id))
    .where(
        PaymentTable.run == Param("run"),
        PaymentTable.kind == literal(PaymentKind.REWARD),
        TaskRunTable.unit_cost != PaymentTable.amount + PaymentTable.fee,
        UnitTable.status << literals(*_COSTING),
        # One that has failed is paid once it is retried, unless it is not owed.
        (PaymentTable.status != literal(PaymentStatus.FAILED))
        | ((UnitTable.status << literals(*_EARNING)) & PaymentTable.error.not_in([*NOT_OWED])),
        PaymentTable.visit.not_in(_SCREENED_OUT),
    )
)
#: Rewards of visits with several units, and of those whose unit another worker has done.
_SHARED = Statement(
    PaymentTable.select(
        PaymentTable.visit.alias("visit"),
        PaymentTable.status,
        PaymentTable.error,
        PaymentTable.amount,
        PaymentTable.fee,
    ).where(
        PaymentTable.run == Param("run"),
        PaymentTable.kind == literal(PaymentKind.REWARD),
        PaymentTable.unit.is_null(),
        PaymentTable.visit.not_in(_SCREENED_OUT),
    ),
    _SharedRow,
)
_UNITS = Statement(
    AgentTable.select(AgentTable.visit.alias("visit"), UnitTable.id.alias("unit"))
    .join(UnitTable, on=(AgentTable.unit == UnitTable.id) & (UnitTable.agent_id == AgentTable.id))
    .where(AgentTable.visit << AMONG, UnitTable.status << literals(*_COSTING)),
    _UnitRow,
)
_REMAINDERS = Statement(
    PaymentTable.select(
        PaymentTable.visit.alias("visit"),
        PaymentTable.key,
        PaymentTable.amount,
        PaymentTable.fee,
        PaymentTable.status,
        PaymentTable.note,
    ).where(
        PaymentTable.visit << AMONG,
        PaymentTable.kind == literal(PaymentKind.BONUS),
        _COUNTING,
    ),
    _RemainderRow,
)


@frozen(kw_only=True)
class Budget:
    """A run's limit and the promises against it, in minor units with fees and taxes."""

    most: int
    unit_cost: int
    #: how many units cost something, or may
    units: int
    #: the sum of bonuses, compensations and what was paid for visits that were screened out and for
    #: rejected work
    extra: int
    #: how much less they cost, because work was accepted for a part of its reward, or was screened
    #: out; negative where work was paid besides that of other workers on the same units
    saved: int

    @property
    def left(self) -> int:
        """The amount that is not promised; negative if the limit was lowered."""
        return self.most - self.units * self.unit_cost + self.saved - self.extra

    @property
    def room(self) -> int | None:
        """How many more units may be offered; None for any number."""
        return max(self.left // self.unit_cost, 0) if self.unit_cost else None

    @property
    def excess(self) -> int:
        """By how many units the offer exceeds the budget, after a lowered limit or a bonus."""
        return -(self.left // self.unit_cost) if self.left < 0 and self.unit_cost else 0


def read_budget(tx: Transaction, run: int, *, lock: bool = True) -> Budget | None:
    """Return a run's budget, or None if it has no limit.

    :param lock: keep other transactions from spending of it until the commit.
    """
    row = tx.one(_LOCKED_LIMIT if lock else _LIMIT, run=run)
    if row is None or not row.max_spend:
        return None
    counts = unit_counts(tx, run)
    units = sum(counts.get(status, 0) for status in _COSTING)
    extra = (tx.one(_EXTRA, run=run) or (0,))[0]
    saved = int((tx.one(_SAVED, run=run) or (0,))[0] or 0)
    screened = int((tx.one(_SCREENED_UNITS, run=run) or (0,))[0])
    saved += screened * row.unit_cost + _saved_by_shared(tx, run, row)
    return Budget(
        most=row.max_spend,
        unit_cost=row.unit_cost,
        units=units,
        extra=int(extra or 0),
        saved=saved,
    )


def _saved_by_shared(tx: Transaction, run: int, limit: _LimitRow) -> int:
    """Return how much less visits cost than if each of their units had a visit of its own."""
    rewards = tx.all(_SHARED, run=run)
    visits = [each.visit for each in rewards]
    units: dict[int, list[int]] = {visit: [] for visit in visits}
    for row in run_among(tx, _UNITS, visits):
        units[row.visit].append(row.unit)
    remainders, outside, fees = (dict.fromkeys(visits, 0) for _ in range(3))
    for extra in run_among(tx, _REMAINDERS, visits):
        if is_remainder(extra.key):
            remainders[extra.visit] += extra.amount
            outside[extra.visit] += extra.amount if extra.is_outside else 0
            fees[extra.visit] += extra.fee
    decisions = read_decisions_in_force(tx, [unit for mine in units.values() for unit in mine])
    saved = 0
    for each in rewards:
        found = [decisions.get(unit) for unit in units[each.visit]]
        is_dropped = each.is_failed and (each.error in NOT_OWED or not found)
        amount, fee = (0, 0) if is_dropped else (each.amount, each.fee)
        rest = sum(_promised(decision, limit) for decision in found)
        rest -= amount + remainders[each.visit]
        if rest > 0 and (not all(map(_is_final, found)) or _is_rest_planned_later(tx, each)):
            fee += remainder_fee(
                amount + remainders[each.visit] - outside[each.visit] + rest,
                covered=amount,
                planned=fees[each.visit],
                reward=limit.reward,
                unit_cost=limit.unit_cost,
            )
            amount += rest
        saved += limit.unit_cost * len(found) - amount - fee
    return saved


def _is_final(decision: ActiveDecision | None) -> bool:
    return decision is not None and decision.is_applied


def _promised(decision: ActiveDecision | None, limit: _LimitRow) -> int:
    """Return what a unit earns by a final decision, or else the most that it may earn."""
    if decision is None or not decision.is_applied or decision.amount is None:
        return limit.reward
    return decision.amount


def _is_rest_planned_later(tx: Transaction, reward: _SharedRow) -> bool:
    """Return whether the pay beyond a visit's reward will be planned automatically.

    It is planned once a verdict that waits has found what an earlier verdict has paid.
    """
    if reward.status != PaymentStatus.CONFIRMED:
        return True
    verdict = newest_verdict(tx, reward.visit)
    return verdict is not None and verdict.status is OutboxStatus.PENDING
