"""Which runs of a task, and which of its workers, a review or an export is about."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from famulus.errors import NotFoundError
from famulus.model.database import Database
from famulus.model.tables import ParticipationTable, TaskRunTable, TaskTable, WorkerTable
from famulus.model.transaction import Transaction
from famulus.names import read_name
from famulus.options.suggest import did_you_mean

#: An error about an unknown worker suggests names unless the task has more workers than this.
_MOST_NAMES = 20
#: What the databases can compare with the number of a run.
_RUN_NUMBER = re.compile("[1-9][0-9]{0,17}")


@frozen(kw_only=True)
class Scope:
    """The units of a task's runs, or of one of them."""

    task_id: int
    task_name: str
    runs: Sequence[int]
    #: only this worker's, by the provider's id
    worker: str | None = None


def find_scope(
    database: Database, task: str, *, run: int | None = None, worker: str | None = None
) -> Scope:
    """Return the scope of a task's runs.

    :param run: only this run.
    :param worker: only the units of this worker, by the provider's id.
    :raises famulus.NotFoundError: when there is no such task, or no such run or worker in it.
    :raises famulus.UsageError: for an invalid name of a task or worker.
    """
    task = read_name(task, "task")
    worker = None if worker is None else read_name(worker, "worker")
    if not database.exists:
        raise NotFoundError(
            f"there is no task {task!r}: the database {database.location.shown} does not exist yet"
        )
    with database.read() as tx:
        found = tx.row(TaskTable.select(TaskTable.id).where(TaskTable.name == task))
        if found is None:
            names = {row.name for row in tx.rows(TaskTable.select(TaskTable.name))}
            hint = _task_of_run(tx, task) or did_you_mean(task, names)
            raise NotFoundError(f"there is no task {task!r} in {database.location.shown}{hint}")
        query = (
            TaskRunTable.select(TaskRunTable.id)
            .where(TaskRunTable.task == found.id)
            .order_by(TaskRunTable.id)
        )
        runs = [row.id for row in tx.rows(query)]
        if run is not None and run not in runs:
            known = f"; its runs are {', '.join(map(str, runs))}" if runs else ""
            raise NotFoundError(f"run {run} does not belong to the task {task!r}{known}")
        scope = Scope(
            task_id=found.id, task_name=task, runs=runs if run is None else [run], worker=worker
        )
        if worker is not None:
            check_worker(tx, scope, worker)
    return scope


def _task_of_run(tx: Transaction, word: str) -> str:
    """Return a hint if a run's number was given instead of a task's name; else an empty text."""
    if _RUN_NUMBER.fullmatch(word) is None:
        return ""
    query = TaskTable.select(TaskTable.name).join(TaskRunTable).where(TaskRunTable.id == int(word))
    found = tx.row(query)
    return "" if found is None else f"; run {word} is of the task {found.name!r}"


def check_worker(tx: Transaction, scope: Scope, name: str) -> None:
    """Check that a worker has taken part.

    :raises famulus.NotFoundError: otherwise.
    """
    query = (
        ParticipationTable.select(WorkerTable.name)
        .join(WorkerTable, on=(ParticipationTable.worker == WorkerTable.id))
        .where(ParticipationTable.task == scope.task_id, ParticipationTable.run << list(scope.runs))
    )
    if tx.row(query.where(WorkerTable.name == name).limit(1)) is None:
        names = {row.name for row in tx.rows(query.distinct().limit(_MOST_NAMES))}
        hint = did_you_mean(name, names, otherwise="there are") if len(names) < _MOST_NAMES else ""
        raise NotFoundError(f"no worker {name!r} has worked on {scope.task_name!r}{hint}")
