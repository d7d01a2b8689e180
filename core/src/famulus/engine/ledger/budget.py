"""The budget of a run (``task.max_spend``), and how much of it is spent or promised."""

from __future__ import annotations

from typing import NamedTuple

import peewee
from attrs import frozen

from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import PaymentKind, PaymentStatus, UnitStatus, VisitStatus
from famulus.model.tables import (
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


class _LimitRow(NamedTuple):
    max_spend: int
    unit_cost: int


_SELECT_LIMIT = TaskRunTable.select(TaskRunTable.max_spend, TaskRunTable.unit_cost).where(
    TaskRunTable.id == Param("run")
)
_LIMIT = Statement(_SELECT_LIMIT, _LimitRow)
_LOCKED_LIMIT = Statement(lambda kind: for_update(_SELECT_LIMIT, kind), _LimitRow)
_COSTING_UNITS = Statement(
    UnitTable.select(peewee.fn.COUNT(UnitTable.id)).where(
        UnitTable.run == Param("run"), UnitTable.status << literals(*_COSTING)
    )
)
#: Their units are free again, so what was paid for them is on top.
_SCREENED_OUT = VisitTable.select(VisitTable.id).where(
    VisitTable.run == Param("run"), VisitTable.status == literal(VisitStatus.SCREENED_OUT)
)
_EXTRA = Statement(
    PaymentTable.select(peewee.fn.SUM(PaymentTable.amount + PaymentTable.fee)).where(
        PaymentTable.run == Param("run"),
        (PaymentTable.kind != literal(PaymentKind.REWARD)) | (PaymentTable.visit << _SCREENED_OUT),
        PaymentTable.status != literal(PaymentStatus.FAILED),
    )
)
#: What units whose work was accepted for less cost less than all others.
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
        PaymentTable.status != literal(PaymentStatus.FAILED),
        PaymentTable.amount < TaskRunTable.reward,
        UnitTable.status << literals(*_COSTING),
    )
)


@frozen(kw_only=True)
class Budget:
    """A run's limit and the promises against it, in minor units with fees and taxes."""

    most: int
    unit_cost: int
    #: how many units cost something, or may
    units: int
    #: the sum of bonuses, compensations and what was paid for visits that were screened out
    extra: int
    #: how much less they cost, because work was accepted for a part of its reward
    saved: int

    @property
    def left(self) -> int:
        """The amount that is not promised; negative where the limit was lowered."""
        return self.most - self.units * self.unit_cost + self.saved - self.extra

    @property
    def room(self) -> int | None:
        """How many more units may be offered; None for any number."""
        return max(self.left // self.unit_cost, 0) if self.unit_cost else None

    @property
    def excess(self) -> int:
        """How many units too many are offered, after a lowered limit or a bonus."""
        return -(self.left // self.unit_cost) if self.left < 0 and self.unit_cost else 0


def read_budget(tx: Transaction, run: int, *, lock: bool = True) -> Budget | None:
    """Return a run's budget, or None where it has no limit.

    :param lock: keep other transactions from spending of it until the commit.
    """
    row = tx.one(_LOCKED_LIMIT if lock else _LIMIT, run=run)
    if row is None or not row.max_spend:
        return None
    units = (tx.one(_COSTING_UNITS, run=run) or (0,))[0]
    extra = (tx.one(_EXTRA, run=run) or (0,))[0]
    saved = (tx.one(_SAVED, run=run) or (0,))[0]
    return Budget(
        most=row.max_spend,
        unit_cost=row.unit_cost,
        units=int(units),
        extra=int(extra or 0),
        saved=int(saved or 0),
    )
