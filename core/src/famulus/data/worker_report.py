"""Reports about workers: their qualifications, attempts and refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import peewee
from attrs import frozen

from famulus.engine.qualifications.history import PastWork, read_past_work
from famulus.engine.qualifications.worker_handle import Grant
from famulus.engine.qualifications.worker_handle import Worker as WorkerHandle
from famulus.model.database import Database
from famulus.model.states import AgentStatus
from famulus.model.tables import REFUSED, Agent, Event, Task, TaskRun, Worker
from famulus.model.transaction import Transaction


@frozen(kw_only=True)
class WorkerReport:
    """A worker with their qualifications and their work."""

    worker: WorkerHandle
    first_seen: datetime
    blocked: bool
    #: the reason of the block, if one was given
    block_reason: str
    grants: Sequence[Grant]
    #: attempts at units by task name and status
    attempts: Mapping[str, Mapping[AgentStatus, int]]
    #: submissions, the newest first
    newest: Sequence[PastWork]


def read_worker_report(
    database: Database, worker: WorkerHandle, *, most: int | None
) -> WorkerReport:
    """Return the report about a worker.

    :param most: the largest number of submissions to return; None for all.
    """
    with database.read() as tx:
        row = tx.row(Worker.select().where(Worker.id == worker.id))
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
        Event.select(Event.at, Event.cause, Event.detail, Worker.name)
        .join(Worker, on=(Event.subject_id == Worker.id))
        .where(Event.run == run, Event.subject == "worker", Event.new == REFUSED)
        .order_by(Event.id.desc())
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
        Agent.select(Task.name.alias("task"), Agent.status, peewee.fn.COUNT(Agent.id).alias("n"))
        .join(TaskRun, on=(Agent.run == TaskRun.id))
        .join(Task, on=(TaskRun.task == Task.id))
        .where(Agent.worker == worker, Agent.unit.is_null(False))
        .group_by(Task.name, Agent.status)
        .order_by(Task.name)
    )
    found: dict[str, dict[AgentStatus, int]] = {}
    for row in tx.rows(query):
        found.setdefault(row.task, {})[row.status] = int(row.n)
    return found


def _block_reason(tx: Transaction, worker: int) -> str:
    query = Event.select(Event.detail).where(
        Event.run.is_null(),
        Event.subject == "worker",
        Event.subject_id == worker,
        Event.cause == "block",
    )
    row = tx.row(query.order_by(Event.id.desc()).limit(1))
    return "" if row is None else str((row.detail or {}).get("reason", ""))
