"""Which units are up for review, worker by worker: memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import peewee
from attrs import frozen

from famulus.contracts.views import WorkerView
from famulus.data.unit_records import UnitRecord, select_records, unit_records
from famulus.errors import NotFoundError
from famulus.model.database import Database
from famulus.model.states import AgentStatus, UnitStatus
from famulus.model.tables import Agent, Participation, Task, TaskRun, Unit, Worker
from famulus.model.transaction import Transaction
from famulus.names import read_name
from famulus.options.suggest import did_you_mean

#: Workers that a message about an unknown one may list, or guess among.
_MOST_NAMES = 20


@frozen(kw_only=True)
class Scope:
    """What is reviewed: the units of a task's runs, or of one of them."""

    task_id: int
    task_name: str
    runs: Sequence[int]
    #: only this worker's, by the provider's id
    worker: str | None = None


@frozen(kw_only=True)
class Statistics:
    """How many units of a worker were decided on before."""

    accepted: int
    soft_rejected: int
    rejected: int

    def __str__(self) -> str:
        rejected = self.rejected + self.soft_rejected
        total = self.accepted + rejected
        if not total:
            return "(First time worker!)"
        return f"({self.accepted} | {rejected}({self.soft_rejected}) / {total})"


def find_scope(
    database: Database, task: str, *, run: int | None = None, worker: str | None = None
) -> Scope:
    """Return what there is to review of a task.

    :param worker: only the units of this one, by the provider's id.
    :raises famulus.NotFoundError: when there is no such task, run of it, or worker in it.
    :raises famulus.UsageError: for a name that no task or worker can have.
    """
    task = read_name(task, "task")
    worker = None if worker is None else read_name(worker, "worker")
    if not database.exists:
        raise NotFoundError(
            f"there is no task {task!r}: the database {database.location.shown} does not exist yet"
        )
    with database.read() as tx:
        found = tx.row(Task.select(Task.id).where(Task.name == task))
        if found is None:
            names = [row.name for row in tx.rows(Task.select(Task.name))]
            hint = did_you_mean(task, names)
            raise NotFoundError(f"there is no task {task!r} in {database.location.shown}{hint}")
        query = TaskRun.select(TaskRun.id).where(TaskRun.task == found.id).order_by(TaskRun.id)
        runs = [row.id for row in tx.rows(query)]
        if run is not None and run not in runs:
            known = f"; its runs are {', '.join(map(str, runs))}" if runs else ""
            raise NotFoundError(f"run {run} is no run of the task {task!r}{known}")
        scope = Scope(
            task_id=found.id, task_name=task, runs=runs if run is None else [run], worker=worker
        )
        if worker is not None:
            check_worker(tx, scope, worker)
    return scope


def count_waiting(tx: Transaction, scope: Scope) -> int:
    """Return how many units are up for review."""
    count = peewee.fn.COUNT(Unit.id).alias("n")
    if scope.worker is None:
        query: Any = Unit.select(count).where(
            Unit.run << list(scope.runs), Unit.status == UnitStatus.COMPLETED
        )
    else:
        query = (
            _waiting(Agent.select(count), scope)
            .join(Worker, on=(Agent.worker == Worker.id))
            .where(Worker.name == scope.worker)
        )
    row = tx.row(query)
    return int(row.n) if row else 0


def next_worker(tx: Transaction, scope: Scope, *, after: int = 0) -> WorkerView | None:
    """Return the first worker after the one of that number who has units up for review."""
    waiting = _waiting(Agent.select(peewee.SQL("1")), scope).where(
        Agent.worker == Participation.worker, Agent.run == Participation.run
    )
    query = (
        Participation.select(Worker.id.alias("id"), Worker.name, Worker.provider_type)
        .join(Worker, on=(Participation.worker == Worker.id))
        .where(
            Participation.task == scope.task_id,
            Participation.run << list(scope.runs),
            Participation.worker > after,
            Participation.done_units > 0,
            peewee.fn.EXISTS(waiting),
        )
        .order_by(Participation.worker)
        .limit(1)
    )
    if scope.worker is not None:
        query = query.where(Worker.name == scope.worker)
    row = tx.row(query)
    return None if row is None else WorkerView(**vars(row))


def count_of_worker(tx: Transaction, scope: Scope, worker: int) -> int:
    """Return how many units of a worker are up for review."""
    query = _waiting(Agent.select(peewee.fn.COUNT(Agent.id).alias("n")), scope)
    row = tx.row(query.where(Agent.worker == worker))
    return int(row.n) if row else 0


def next_units(
    tx: Transaction, scope: Scope, worker: int, folder: Path, *, after: int = 0, most: int = 1
) -> list[UnitRecord]:
    """Return a worker's next units that are up for review, in the order they were begun.

    :param after: the last agent of the page before this one.
    :param folder: the database's folder of files.
    """
    query = (
        select_records()
        .where(
            Agent.worker == worker,
            Agent.run << list(scope.runs),
            Agent.id > after,
            Agent.status == AgentStatus.COMPLETED,
            Unit.status == UnitStatus.COMPLETED,
        )
        .order_by(Agent.id)
        .limit(most)
    )
    return unit_records(tx, tx.rows(query), folder)


def read_statistics(tx: Transaction, scope: Scope, worker: int) -> Statistics:
    """Return what was decided on a worker's units in all runs of the task."""
    query = (
        Agent.select(Agent.status, peewee.fn.COUNT(Agent.id).alias("n"))
        .join(TaskRun, on=(Agent.run == TaskRun.id))
        .where(Agent.worker == worker, TaskRun.task == scope.task_id, Agent.unit.is_null(False))
        .group_by(Agent.status)
    )
    counts = {row.status: int(row.n) for row in tx.rows(query)}
    return Statistics(
        accepted=counts.get(AgentStatus.APPROVED, 0),
        soft_rejected=counts.get(AgentStatus.SOFT_REJECTED, 0),
        rejected=counts.get(AgentStatus.REJECTED, 0),
    )


def check_worker(tx: Transaction, scope: Scope, name: str) -> None:
    """Raise :class:`~famulus.errors.NotFoundError` unless a worker of that name has taken part."""
    query = (
        Participation.select(Worker.name)
        .join(Worker, on=(Participation.worker == Worker.id))
        .where(Participation.task == scope.task_id, Participation.run << list(scope.runs))
    )
    if tx.row(query.where(Worker.name == name).limit(1)) is None:
        names = {row.name for row in tx.rows(query.distinct().limit(_MOST_NAMES))}
        hint = did_you_mean(name, names, otherwise="there are") if len(names) < _MOST_NAMES else ""
        raise NotFoundError(f"no worker {name!r} has worked on {scope.task_name!r}{hint}")


def _waiting(query: Any, scope: Scope) -> Any:
    return (
        query.join(Unit, on=((Agent.unit == Unit.id) & (Unit.agent_id == Agent.id)))
        .where(
            Agent.run << list(scope.runs),
            Agent.status == AgentStatus.COMPLETED,
            Unit.status == UnitStatus.COMPLETED,
        )
        .switch(Agent)
    )
