"""What a run may cost, and what it costs already: ``task.max_spend``."""

from __future__ import annotations

import peewee
from attrs import frozen

from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import PaymentKind, PaymentStatus, UnitStatus
from famulus.model.tables import Payment, TaskRun, Unit, literal, literals
from famulus.model.transaction import Transaction

#: Units that cost something or may at any moment: a rejected or expired one does not.
_COSTING = (
    UnitStatus.LAUNCHED,
    UnitStatus.ASSIGNED,
    UnitStatus.COMPLETED,
    UnitStatus.ACCEPTED,
    UnitStatus.SOFT_REJECTED,
)


_SELECT_LIMIT = TaskRun.select(TaskRun.max_spend, TaskRun.unit_cost).where(
    TaskRun.id == Param("run")
)
_LIMIT = Statement(_SELECT_LIMIT)
_HELD_LIMIT = Statement(lambda kind: for_update(_SELECT_LIMIT, kind))
_COSTING_UNITS = Statement(
    Unit.select(peewee.fn.COUNT(Unit.id)).where(
        Unit.run == Param("run"), Unit.status << literals(*_COSTING)
    )
)
_EXTRA = Statement(
    Payment.select(peewee.fn.SUM(Payment.amount + Payment.fee)).where(
        Payment.run == Param("run"),
        Payment.kind != literal(PaymentKind.REWARD),
        Payment.status != literal(PaymentStatus.FAILED),
    )
)


@frozen(kw_only=True)
class Budget:
    """A run's limit and what is promised of it, in minor units with fees."""

    most: int
    unit_cost: int
    #: units that are out, at work or done
    units: int
    #: bonuses and compensations
    extra: int

    @property
    def left(self) -> int:
        """What nobody has been promised; less than nothing where the limit was lowered."""
        return self.most - self.units * self.unit_cost - self.extra

    @property
    def room(self) -> int | None:
        """How many more units may be let out; None for any number."""
        return max(self.left // self.unit_cost, 0) if self.unit_cost else None

    @property
    def excess(self) -> int:
        """How many units too many are out, where the limit was lowered or a bonus came."""
        return -(self.left // self.unit_cost) if self.left < 0 and self.unit_cost else 0


def read_budget(tx: Transaction, run: int, *, hold: bool = True) -> Budget | None:
    """Return a run's budget, or None where it has no limit.

    :param hold: let nobody else spend of it until the commit.
    """
    row = tx.one(_HELD_LIMIT if hold else _LIMIT, run=run)
    if row is None or not row[0]:
        return None
    units = (tx.one(_COSTING_UNITS, run=run) or (0,))[0]
    extra = (tx.one(_EXTRA, run=run) or (0,))[0]
    return Budget(most=row[0], unit_cost=row[1], units=int(units), extra=int(extra or 0))
