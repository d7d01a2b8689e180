"""The units that are up for review, worker by worker.

Reviewers get a few units at a time, so memory does not grow with the number of units.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peewee
from attrs import frozen

from famulus.contracts.views import WorkerView
from famulus.data.scope import Scope
from famulus.engine.answers import COUNTS, StoredAnswer, read_answers, select_attempts
from famulus.model.states import AgentStatus, UnitStatus
from famulus.model.tables import (
    AgentTable,
    ParticipationTable,
    ReviewTable,
    TaskRunTable,
    UnitTable,
    WorkerTable,
    literal,
)
from famulus.model.transaction import Transaction

#: An attempt that is up for review, joined with its unit.
_WAITS = (
    COUNTS
    & (AgentTable.status == AgentStatus.COMPLETED)
    & (UnitTable.status == UnitStatus.COMPLETED)
)

_InForce = ReviewTable.alias()
#: Whether the decision on an attempt that is in force names an amount.
_IS_FOR_LESS = peewee.fn.EXISTS(
    ReviewTable.select(peewee.SQL("1")).where(
        ReviewTable.id
        == _InForce.select(peewee.fn.MAX(_InForce.id)).where(
            _InForce.unit == AgentTable.unit,
            _InForce.agent == AgentTable.id,
            _InForce.undone_at.is_null(),
        ),
        ReviewTable.amount.is_null(False),
    )
)


@frozen(kw_only=True)
class Statistics:
    """Counts of earlier decisions on a worker's units."""

    accepted: int
    #: of those that were accepted, for less than the reward
    accepted_for_less: int
    soft_rejected: int
    rejected: int

    def __str__(self) -> str:
        rejected = self.rejected + self.soft_rejected
        total = self.accepted + rejected
        if not total:
            return "(First time worker!)"
        less = f", {self.accepted_for_less} for less" if self.accepted_for_less else ""
        return f"({self.accepted}{less} | {rejected}({self.soft_rejected}) / {total})"


def count_waiting(tx: Transaction, scope: Scope) -> int:
    """Return how many units are up for review."""
    count = peewee.fn.COUNT(UnitTable.id).alias("n")
    if scope.worker is None:
        query: Any = UnitTable.select(count).where(
            UnitTable.run << list(scope.runs), UnitTable.status == literal(UnitStatus.COMPLETED)
        )
    else:
        query = (
            _waiting(AgentTable.select(count), scope)
            .join(WorkerTable, on=(AgentTable.worker == WorkerTable.id))
            .where(WorkerTable.name == scope.worker)
        )
    row = tx.row(query)
    return int(row.n) if row else 0


def next_worker(tx: Transaction, scope: Scope, *, after: int = 0) -> WorkerView | None:
    """Return the next worker who has units up for review.

    :param after: the number of the previous worker.
    """
    waiting = _waiting(AgentTable.select(peewee.SQL("1")), scope).where(
        AgentTable.worker == ParticipationTable.worker, AgentTable.run == ParticipationTable.run
    )
    query = (
        ParticipationTable.select(
            WorkerTable.id.alias("id"), WorkerTable.name, WorkerTable.provider_type
        )
        .join(WorkerTable, on=(ParticipationTable.worker == WorkerTable.id))
        .where(
            ParticipationTable.task == scope.task_id,
            ParticipationTable.run << list(scope.runs),
            ParticipationTable.worker > after,
            ParticipationTable.done_units > 0,
            peewee.fn.EXISTS(waiting),
        )
        .order_by(ParticipationTable.worker)
        .limit(1)
    )
    if scope.worker is not None:
        query = query.where(WorkerTable.name == scope.worker)
    row = tx.row(query)
    return None if row is None else WorkerView(**vars(row))


def count_of_worker(tx: Transaction, scope: Scope, worker: int) -> int:
    """Return how many units of a worker are up for review."""
    query = _waiting(AgentTable.select(peewee.fn.COUNT(AgentTable.id).alias("n")), scope)
    row = tx.row(query.where(AgentTable.worker == worker))
    return int(row.n) if row else 0


def next_units(
    tx: Transaction, scope: Scope, worker: int, files_root: Path, *, after: int = 0, most: int = 1
) -> list[StoredAnswer]:
    """Return a worker's next units that are up for review, run by run, in the order of the data.

    :param files_root: the database's folder of files.
    :param after: the number of the last attempt of the previous page.
    """
    before = tx.row(
        AgentTable.select(
            AgentTable.run.alias("run"), AgentTable.assignment.alias("assignment")
        ).where(AgentTable.id == after)
    )
    found: list[StoredAnswer] = []
    for run in sorted(scope.runs):
        if before is not None and run < before.run:
            continue
        last = before.assignment if before is not None and run == before.run else 0
        # By the index of what a worker has tried, so that nothing is sorted.
        query = (
            select_attempts()
            .where(
                AgentTable.worker == worker,
                AgentTable.run == run,
                AgentTable.assignment > last,
                _WAITS,
            )
            .order_by(AgentTable.assignment)
            .limit(most - len(found))
        )
        found += read_answers(tx, query, files_root)
        if len(found) >= most:
            break
    return found


def read_statistics(tx: Transaction, scope: Scope, worker: int) -> Statistics:
    """Return the counts of earlier decisions on a worker's units, in all runs of the task."""
    query = (
        AgentTable.select(
            AgentTable.status,
            peewee.fn.COUNT(AgentTable.id).alias("n"),
            peewee.fn.COUNT(peewee.Case(None, [(_IS_FOR_LESS, 1)])).alias("for_less"),
        )
        .join(TaskRunTable, on=(AgentTable.run == TaskRunTable.id))
        .where(
            AgentTable.worker == worker,
            TaskRunTable.task == scope.task_id,
            AgentTable.unit.is_null(False),
        )
        .group_by(AgentTable.status)
    )
    rows = {row.status: row for row in tx.rows(query)}
    counts = {status: int(row.n) for status, row in rows.items()}
    accepted = rows.get(AgentStatus.APPROVED)
    return Statistics(
        accepted=counts.get(AgentStatus.APPROVED, 0),
        accepted_for_less=0 if accepted is None else int(accepted.for_less),
        soft_rejected=counts.get(AgentStatus.SOFT_REJECTED, 0),
        rejected=counts.get(AgentStatus.REJECTED, 0),
    )


def _waiting(query: Any, scope: Scope) -> Any:
    return (
        query.join(UnitTable, on=(AgentTable.unit == UnitTable.id))
        .where(AgentTable.run << list(scope.runs), _WAITS)
        .switch(AgentTable)
    )
