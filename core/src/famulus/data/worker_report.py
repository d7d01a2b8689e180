"""Reports about workers: their qualifications, attempts and refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import peewee
from attrs import frozen

from famulus.contracts.qualification_check import PastWork
from famulus.engine.qualifications.history import read_past_work
from famulus.engine.qualifications.worker_handle import Grant, Worker
from famulus.model.database import Database
from famulus.model.states import AgentStatus
from famulus.model.tables import (
    IS_RARE_EVENT,
    IS_REFUSAL,
    AgentTable,
    EventTable,
    TaskRunTable,
    TaskTable,
    WorkerTable,
)
from famulus.model.transaction import Transaction


@frozen(kw_only=True)
class WorkerReport:
    """A worker with their qualifications and their work."""

    worker: Worker
    first_seen: datetime
    blocked: bool
    #: the reason of the block, if one was given
    block_reason: str
    grants: Sequence[Grant]
    #: attempts at units by task name and status
    attempts: Mapping[str, Mapping[AgentStatus, int]]
    #: submissions, the newest first
    newest: Sequence[PastWork]


def read_worker_report(database: Database, worker: Worker, *, most: int | None) -> WorkerReport:
    """Return the report about a worker.

    :param most: the largest number of submissions to return; None for all.
    """
    with database.read() as tx:
        row = tx.row(WorkerTable.select().where(WorkerTable.id == worker.id))
        attempts = _attempts(tx, worker.id)
        newest = read_past_work(tx, worker.id, most=most)
        reason = _block_reason(tx, worker.id) if row is not None and row.blocked else ""
    assert row is not None
    return WorkerReport(
        worker=worker,
        first_seen=row.created_at,
        blocked=bool(row.blocked),
        block_reason=reason,
        grants=worker.granted_qualifications(),
        attempts=attempts,
        newest=newest,
    )


@frozen(kw_only=True)
class RefusedWorker:
    """A worker who was refused by a run."""

    worker_name: str
    at: datetime
    #: the kind of reason, which the worker was shown
    reason: str
    #: the condition, limit or check that refused, which the worker was not shown
    by: str


def refused_from(database: Database, run: int) -> list[RefusedWorker]:
    """Return the workers whom a condition, limit or check of a run has refused, newest first."""
    query = (
        EventTable.select(EventTable.at, EventTable.cause, EventTable.detail, WorkerTable.name)
        .join(WorkerTable, on=(EventTable.subject_id == WorkerTable.id))
        .where(EventTable.run == run, EventTable.subject == "worker", IS_REFUSAL)
        .order_by(EventTable.id.desc())
    )
    with database.read() as tx:
        rows = tx.rows(query)
    return [
        RefusedWorker(
            worker_name=row.name,
            at=row.at,
            reason=row.cause,
            by=str((row.detail or {}).get("by", "")),
        )
        for row in rows
    ]


def _attempts(tx: Transaction, worker: int) -> dict[str, dict[AgentStatus, int]]:
    query = (
        AgentTable.select(
            TaskTable.name.alias("task"),
            AgentTable.status,
            peewee.fn.COUNT(AgentTable.id).alias("n"),
        )
        .join(TaskRunTable, on=(AgentTable.run == TaskRunTable.id))
        .join(TaskTable, on=(TaskRunTable.task == TaskTable.id))
        .where(AgentTable.worker == worker, AgentTable.unit.is_null(False))
        .group_by(TaskTable.name, AgentTable.status)
        .order_by(TaskTable.name)
    )
    found: dict[str, dict[AgentStatus, int]] = {}
    for row in tx.rows(query):
        found.setdefault(row.task, {})[row.status] = int(row.n)
    return found


def _block_reason(tx: Transaction, worker: int) -> str:
    query = EventTable.select(EventTable.detail).where(
        EventTable.run.is_null(),
        IS_RARE_EVENT,
        EventTable.subject == "worker",
        EventTable.subject_id == worker,
        EventTable.cause == "block",
    )
    row = tx.row(query.order_by(EventTable.id.desc()).limit(1))
    return "" if row is None else str((row.detail or {}).get("reason", ""))
