"""Decisions as they are recorded, and which of them are in force."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from attrs import frozen

from famulus.model.fields import from_micros
from famulus.model.many_values import AMONG, run_among
from famulus.model.statements import Param, Statement
from famulus.model.states import Decision
from famulus.model.tables import AgentTable, ReviewTable, UnitTable, literal
from famulus.model.transaction import Transaction

#: Condition on decisions: they are in force, and can still be undone.
UNAPPLIED = ReviewTable.applied_at.is_null() & ReviewTable.undone_at.is_null()


@frozen(kw_only=True)
class ActiveDecision:
    """A decision that is in force."""

    review: int
    unit: int
    decision: Decision
    note: str
    #: what accepted work earns where that is a part of the reward, in minor units
    amount: int | None
    category: str
    decided_at: datetime
    #: when it has led to ledger and outbox rows, so that it cannot be undone; None before
    applied_at: datetime | None

    @property
    def is_applied(self) -> bool:
        """Whether the decision is applied to the ledger, and can no longer be undone."""
        return self.applied_at is not None


class _ReviewRow(NamedTuple):
    id: int
    unit: int
    decision: str
    note: str
    amount: int | None
    category: str
    decided_at: int
    applied_at: int | None
    undone_at: int | None

    @property
    def active(self) -> ActiveDecision:
        return ActiveDecision(
            review=self.id,
            unit=self.unit,
            decision=Decision(self.decision),
            note=self.note,
            amount=self.amount,
            category=self.category,
            decided_at=from_micros(self.decided_at),
            applied_at=None if self.applied_at is None else from_micros(self.applied_at),
        )


_SELECT_REVIEWS = ReviewTable.select(
    ReviewTable.id,
    ReviewTable.unit.alias("unit"),
    ReviewTable.decision,
    ReviewTable.note,
    ReviewTable.amount,
    ReviewTable.category,
    ReviewTable.decided_at,
    ReviewTable.applied_at,
    ReviewTable.undone_at,
).order_by(ReviewTable.id.desc())
#: Without those about an attempt whose visit was returned: another worker has done the unit since.
_REVIEWS = Statement(
    _SELECT_REVIEWS.where(
        ReviewTable.unit == Param("unit"),
        ReviewTable.agent == Param("agent"),
    ),
    _ReviewRow,
)
_IN_FORCE = Statement(
    _SELECT_REVIEWS.join(UnitTable, on=(ReviewTable.unit == UnitTable.id)).where(
        ReviewTable.unit << AMONG,
        ReviewTable.agent == UnitTable.agent_id,
        ReviewTable.undone_at.is_null(),
    ),
    _ReviewRow,
)
_REQUEST = Statement(
    _SELECT_REVIEWS.join(
        AgentTable,
        on=(ReviewTable.unit == AgentTable.unit) & (ReviewTable.agent == AgentTable.id),
    )
    .where(
        AgentTable.visit == Param("visit"),
        ReviewTable.decision == literal(Decision.RETURN_REQUESTED),
        ReviewTable.undone_at.is_null(),
    )
    .limit(1),
    _ReviewRow,
)


def read_decisions(
    tx: Transaction, unit: int, agent: int
) -> tuple[tuple[ActiveDecision, ...], datetime | None]:
    """Return the decisions on an attempt that are in force, and when the newest one was undone.

    The newest comes first. The time is None if the newest decision is in force or none exists.
    """
    rows = tx.all(_REVIEWS, unit=unit, agent=agent)
    undone_at = rows[0].undone_at if rows else None
    return (
        tuple(each.active for each in rows if each.undone_at is None),
        None if undone_at is None else from_micros(undone_at),
    )


def read_decisions_in_force(tx: Transaction, units: Sequence[int]) -> dict[int, ActiveDecision]:
    """Return the decision in force by unit, leaving out units without one."""
    found: dict[int, ActiveDecision] = {}
    for row in run_among(tx, _IN_FORCE, units):
        found.setdefault(row.unit, row.active)
    return found


def read_return_request(tx: Transaction, visit: int) -> ActiveDecision | None:
    """Return the newest request for the return of a visit; None if there is none."""
    row = tx.one(_REQUEST, visit=visit)
    return None if row is None else row.active


def unapplied_units(
    tx: Transaction, runs: Sequence[int], *, after: int = 0, most: int = 500
) -> list[int]:
    """Return the ids of those units of runs that have an unapplied decision, in ascending order.

    :param after: the last unit of the previous page.
    """
    query = (
        ReviewTable.select(ReviewTable.unit.alias("unit"))
        .join(UnitTable, on=(ReviewTable.unit == UnitTable.id))
        .where(
            UNAPPLIED,
            ReviewTable.unit > after,
            UnitTable.run << list(runs),
        )
        .order_by(ReviewTable.unit)
        .distinct()
        .limit(most)
    )
    return [row.unit for row in tx.rows(query)]
