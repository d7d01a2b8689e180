"""Reading the number of a unit among those of its worker."""

from __future__ import annotations

from typing import NamedTuple

import peewee

from famulus.engine.units import UnitNumber, number_unit
from famulus.model.statements import Param, Statement
from famulus.model.states import AgentStatus, LoadingStatus
from famulus.model.tables import Agent, Participation, TaskRun, literal
from famulus.model.transaction import Transaction

_Other = Participation.alias()
_IN_TASK = _Other.select(peewee.fn.SUM(_Other.done_units + _Other.open_units)).where(
    _Other.worker == Participation.worker, _Other.task == Participation.task
)
_RunOfNewer = TaskRun.alias()
# Those that are counted as open or done, of the runs that are counted.
_NEWER = (
    Agent.select(peewee.fn.COUNT(Agent.id))
    .join(_RunOfNewer, on=(Agent.run == _RunOfNewer.id))
    .where(
        Agent.worker == Participation.worker,
        _RunOfNewer.task == Participation.task,
        (Agent.run == Participation.run) | (TaskRun.maximum_units_per_worker > 0),
        Agent.id > Param("agent"),
        Agent.unit.is_null(False),
        (Agent.status == literal(AgentStatus.IN_TASK)) | Agent.submission_id.is_null(False),
    )
)


class _CountersRow(NamedTuple):
    in_run: int
    assignments: int
    in_task: int
    newer: int
    maximum: int
    loading: LoadingStatus
    rows: int


_COUNTERS = Statement(
    Participation.select(
        (Participation.open_units + Participation.done_units).alias("in_run"),
        Participation.assignments,
        _IN_TASK.alias("in_task"),
        _NEWER.alias("newer"),
        TaskRun.maximum_units_per_worker.alias("maximum"),
        TaskRun.loading,
        TaskRun.rows_loaded.alias("rows"),
    )
    .join(TaskRun, on=(Participation.run == TaskRun.id))
    .where(Participation.run == Param("run"), Participation.worker == Param("worker")),
    _CountersRow,
)


def read_unit_number(tx: Transaction, *, run: int, worker: int, agent: int) -> UnitNumber | None:
    """Return the number of the unit of an attempt that was made before."""
    row = tx.one(_COUNTERS, run=run, worker=worker, agent=agent)
    if row is None:
        return None
    found = number_unit(
        int(row.in_task) if row.maximum else row.in_run,
        row.assignments,
        maximum=row.maximum,
        rows=row.rows if row.loading is LoadingStatus.COMPLETE else None,
    )
    return UnitNumber(number=max(found.number - row.newer, 1), most=found.most)
