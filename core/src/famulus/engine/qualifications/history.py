"""The answers that a worker has submitted so far."""

from __future__ import annotations

from datetime import datetime

from famulus.contracts.qualification_check import PastWork
from famulus.model.database import Database
from famulus.model.tables import AgentTable, TaskRunTable, TaskTable
from famulus.model.transaction import Transaction
from famulus.names import stripped


def past_work(
    database: Database,
    worker_id: int,
    *,
    task: str | None = None,
    since: datetime | None = None,
    most: int | None = None,
) -> list[PastWork]:
    """Return the answers of a worker, the newest first, by one indexed query.

    :param task: only answers to runs of the task with this name.
    :param since: only answers submitted at this aware time or later.
    :param most: the largest number of answers to return.
    """
    if not database.exists:
        return []
    with database.read() as tx:
        return read_past_work(tx, worker_id, task=task, since=since, most=most)


def read_past_work(
    tx: Transaction,
    worker: int,
    *,
    task: str | None = None,
    since: datetime | None = None,
    most: int | None = None,
) -> list[PastWork]:
    """Return the answers of a worker; see :func:`past_work`."""
    query = (
        AgentTable.select(
            AgentTable.run.alias("run_id"),
            TaskTable.name.alias("task_name"),
            AgentTable.unit.alias("unit_id"),
            AgentTable.id.alias("agent_id"),
            AgentTable.status,
            AgentTable.late,
            AgentTable.submitted_at,
        )
        .join(TaskRunTable, on=(AgentTable.run == TaskRunTable.id))
        .join(TaskTable, on=(TaskRunTable.task == TaskTable.id))
        .where(
            AgentTable.worker == worker,
            AgentTable.unit.is_null(False),
            AgentTable.submitted_at.is_null(False),
        )
        .order_by(AgentTable.submitted_at.desc(), AgentTable.id.desc())
        .limit(most)
    )
    if task is not None:
        query = query.where(TaskTable.name == stripped(task))
    if since is not None:
        query = query.where(AgentTable.submitted_at >= since)
    return [PastWork(**{**vars(row), "late": bool(row.late)}) for row in tx.rows(query)]
