"""How far a worker is in a run: the marks of their search for units, and their counters."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import peewee
from attrs import define

from famulus.model.fields import dump_json
from famulus.model.statements import Param, Statement, for_update
from famulus.model.tables import ParticipationTable
from famulus.model.transaction import Transaction


@define
class WorkerProgress:
    """How far a worker is in a run: a row of the table ``participation``."""

    id: int
    #: per lane, the position up to which no free unit is for this worker
    marks: list[int]
    open_units: int = 0
    done_units: int = 0
    #: assignments that the worker has tried
    assignments: int = 0
    #: the lane and the position where ``worker_can_do_unit`` was asked last
    cursor: list[int] | None = None
    #: whether the last search stopped before it had seen every free unit
    is_cut_short: bool = False
    #: units done or open over all runs of the task; None if no maximum needs them
    in_task: int | None = None


@define(kw_only=True)
class UnitNumber:
    """The number of a unit among its worker's units."""

    #: 1 for the first
    number: int
    #: the most that the worker can get, since others may take what is left; None if that is
    #: unknown, while rows are being loaded and no maximum is set
    most: int | None


class _ProgressRow(NamedTuple):
    id: int
    open_units: int
    done_units: int
    assignments: int
    marks: str
    cursor: str | None


_SELECT_PROGRESS = ParticipationTable.select(
    ParticipationTable.id,
    ParticipationTable.open_units,
    ParticipationTable.done_units,
    ParticipationTable.assignments,
    ParticipationTable.marks,
    ParticipationTable.cursor,
).where(ParticipationTable.run == Param("run"), ParticipationTable.worker == Param("worker"))
_PROGRESS = Statement(_SELECT_PROGRESS, _ProgressRow)
# It is saved whole: a concurrent submission that counts itself has to wait.
_LOCK_PROGRESS = Statement(lambda kind: for_update(_SELECT_PROGRESS, kind), _ProgressRow)
_MAKE_PROGRESS = Statement(
    ParticipationTable.insert(
        {
            ParticipationTable.run: Param("run"),
            ParticipationTable.worker: Param("worker"),
            ParticipationTable.task: Param("task"),
            ParticipationTable.open_units: 0,
            ParticipationTable.done_units: 0,
            ParticipationTable.assignments: 0,
            ParticipationTable.marks: Param("marks"),
        }
    ).returning(ParticipationTable.id)
)
_SAVE_PROGRESS = Statement(
    ParticipationTable.update(
        {
            ParticipationTable.open_units: Param("open_units"),
            ParticipationTable.done_units: Param("done_units"),
            ParticipationTable.assignments: Param("assignments"),
            ParticipationTable.marks: Param("marks"),
            ParticipationTable.cursor: Param("cursor"),
        }
    ).where(ParticipationTable.id == Param("id"))
)
_COUNT_DONE = Statement(
    ParticipationTable.update(
        {
            ParticipationTable.open_units: ParticipationTable.open_units - Param("closed"),
            ParticipationTable.done_units: ParticipationTable.done_units + 1,
            ParticipationTable.assignments: ParticipationTable.assignments + Param("again"),
        }
    ).where(ParticipationTable.run == Param("run"), ParticipationTable.worker == Param("worker"))
)
_COUNT_ENDED = Statement(
    ParticipationTable.update(
        {
            ParticipationTable.open_units: ParticipationTable.open_units - 1,
            ParticipationTable.assignments: ParticipationTable.assignments - Param("forgotten"),
        }
    ).where(ParticipationTable.run == Param("run"), ParticipationTable.worker == Param("worker"))
)
_COUNT_WITHDRAWN = Statement(
    ParticipationTable.update(
        {ParticipationTable.done_units: ParticipationTable.done_units - 1}
    ).where(ParticipationTable.run == Param("run"), ParticipationTable.worker == Param("worker"))
)


def units_in_task(worker: Any, task: Any) -> Any:
    """Return the query that counts the units a worker has done or open in all runs of a task."""
    each = ParticipationTable.alias()
    return each.select(peewee.fn.SUM(each.done_units + each.open_units)).where(
        each.worker == worker, each.task == task
    )


_COUNT_IN_TASK = Statement(units_in_task(Param("worker"), Param("task")))


def read_progress(
    tx: Transaction, run: int, worker: int, *, lock: bool = True
) -> WorkerProgress | None:
    """Return a worker's progress in a run, or None before their first unit.

    :param lock: False to read only; the progress cannot be saved then.
    """
    row = tx.one(_LOCK_PROGRESS if lock else _PROGRESS, run=run, worker=worker)
    if row is None:
        return None
    return WorkerProgress(
        id=row.id,
        open_units=row.open_units,
        done_units=row.done_units,
        assignments=row.assignments,
        marks=json.loads(row.marks),
        cursor=None if row.cursor is None else json.loads(row.cursor),
    )


def make_progress(
    tx: Transaction, *, run: int, worker: int, task: int, lanes: int
) -> WorkerProgress:
    """Return a worker's progress in a run, locked; create it if there is none."""
    progress = read_progress(tx, run, worker)
    if progress is not None:
        return progress
    marks = [-1] * lanes
    row = tx.one(_MAKE_PROGRESS, run=run, worker=worker, task=task, marks=dump_json(marks))
    assert row is not None
    return WorkerProgress(id=row[0], marks=marks)


def save_progress(tx: Transaction, progress: WorkerProgress) -> None:
    """Store a worker's progress."""
    tx.run(
        _SAVE_PROGRESS,
        id=progress.id,
        open_units=progress.open_units,
        done_units=progress.done_units,
        assignments=progress.assignments,
        marks=dump_json(progress.marks),
        cursor=None if progress.cursor is None else dump_json(progress.cursor),
    )


def count_in_task(tx: Transaction, *, worker: int, task: int) -> int:
    """Return how many units a worker has done or has open, over all runs of a task."""
    row = tx.one(_COUNT_IN_TASK, worker=worker, task=task)
    return int(row[0] or 0) if row else 0


def number_unit(taken: int, tried: int, *, maximum: int, rows: int | None) -> UnitNumber:
    """Return the number of the unit that a worker has taken last.

    :param taken: number of units that the worker has done or has open, including this one: in the
        task if a maximum is set, otherwise in the run.
    :param tried: number of the run's assignments that the worker cannot get again, including this
        one.
    :param maximum: number of the task's units that one worker may do; 0 for no limit.
    :param rows: number of the run's assignments; None while more may still be added.
    """
    bounds = [maximum] if maximum else []
    if rows is not None:
        bounds.append(taken + rows - tried)
    return UnitNumber(number=taken, most=max(min(bounds), taken) if bounds else None)


def count_done(tx: Transaction, run: int, worker: int, *, was_open: bool, is_tried: bool) -> None:
    """Count a unit as done by a worker.

    :param was_open: whether it was counted as open.
    :param is_tried: whether its assignment was counted as tried.
    """
    tx.run(_COUNT_DONE, run=run, worker=worker, closed=int(was_open), again=int(not is_tried))


def count_ended(tx: Transaction, run: int, worker: int, *, is_forgotten: bool = False) -> None:
    """Count a worker's unit as no longer open.

    :param is_forgotten: whether the worker may get another unit of its assignment.
    """
    tx.run(_COUNT_ENDED, run=run, worker=worker, forgotten=int(is_forgotten))


def count_withdrawn(tx: Transaction, run: int, worker: int) -> None:
    """Count a worker's unit as no longer done; they cannot get its assignment again."""
    tx.run(_COUNT_WITHDRAWN, run=run, worker=worker)
