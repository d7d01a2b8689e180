"""The units that a visit has completed, what reviewers decided on them, and what they can earn."""

from __future__ import annotations

from collections.abc import Sequence

import peewee
from attrs import frozen

from famulus.engine.ledger.decision_rules import Worth
from famulus.engine.ledger.recorded_decisions import UNAPPLIED
from famulus.model.states import OPEN_AGENTS, AgentStatus, UnitStatus
from famulus.model.tables import AgentTable, ReviewTable, TaskRunTable, UnitTable, literals
from famulus.model.transaction import Transaction

_EARNING = (UnitStatus.ACCEPTED, UnitStatus.SOFT_REJECTED)


@frozen(kw_only=True)
class VisitWork:
    """The units that a visit has completed."""

    units: Sequence[int]
    #: the attempts that have completed them
    agents: Sequence[int]
    statuses: Sequence[UnitStatus]
    #: whether a unit is not reviewed yet, or an attempt is still under way
    is_open: bool

    @property
    def earning(self) -> Sequence[int]:
        """The units that are to be paid for."""
        found = zip(self.units, self.statuses, strict=True)
        return [unit for unit, status in found if status in _EARNING]

    @property
    def payable(self) -> Sequence[int]:
        """The units that are to be paid for, unless they are rejected later."""
        found = zip(self.units, self.statuses, strict=True)
        return [unit for unit, status in found if status is not UnitStatus.REJECTED]

    @property
    def only_unit(self) -> int | None:
        """The unit, if there is exactly one."""
        return self.units[0] if len(self.units) == 1 else None


def read_visit_work(tx: Transaction, visit: int) -> VisitWork:
    """Return the units that a visit has completed, in the order of its attempts."""
    rows = tx.rows(
        AgentTable.select(
            AgentTable.status.alias("agent_status"),
            AgentTable.id,
            UnitTable.id.alias("unit"),
            UnitTable.status.alias("status"),
            UnitTable.agent_id.alias("holder"),
        )
        .join(UnitTable, on=(AgentTable.unit == UnitTable.id))
        .where(AgentTable.visit == visit, AgentTable.status != AgentStatus.RETURNED)
        .order_by(AgentTable.id)
    )
    completed = [row for row in rows if row.holder == row.id]
    is_unreviewed = any(row.status not in (*_EARNING, UnitStatus.REJECTED) for row in completed)
    return VisitWork(
        units=[row.unit for row in completed],
        agents=[row.id for row in completed],
        statuses=[row.status for row in completed],
        is_open=is_unreviewed or any(row.agent_status in OPEN_AGENTS for row in rows),
    )


def count_earning(tx: Transaction, run: int, visits: Sequence[int] | None = None) -> dict[int, int]:
    """Return, by visit of a run, how many units are to be paid for; only visits with any.

    Only decisions that can no longer be undone count.

    :param visits: only these.
    """
    can_be_undone = ReviewTable.select(ReviewTable.id).where(
        ReviewTable.unit == UnitTable.id, ReviewTable.agent == AgentTable.id, UNAPPLIED
    )
    query = (
        AgentTable.select(
            AgentTable.visit.alias("visit"), peewee.fn.COUNT(AgentTable.id).alias("units")
        )
        .join(
            UnitTable, on=(AgentTable.unit == UnitTable.id) & (UnitTable.agent_id == AgentTable.id)
        )
        .where(
            AgentTable.run == run,
            AgentTable.status != AgentStatus.RETURNED,
            UnitTable.status << literals(*_EARNING),
            ~peewee.fn.EXISTS(can_be_undone),
        )
        .group_by(AgentTable.visit)
    )
    if visits is not None:
        query = query.where(AgentTable.visit << list(visits))
    return {row.visit: row.units for row in tx.rows(query)}


def read_worth(tx: Transaction, unit: int, visit: int) -> Worth:
    """Return what a unit of a visit can earn."""
    row = tx.row(
        TaskRunTable.select(TaskRunTable.reward, TaskRunTable.currency)
        .join(UnitTable, on=(UnitTable.run == TaskRunTable.id))
        .where(UnitTable.id == unit)
    )
    assert row is not None
    return Worth(
        reward=row.reward,
        currency=row.currency,
        is_whole_visit=read_visit_work(tx, visit).only_unit == unit,
    )
