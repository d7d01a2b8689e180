"""The number of a unit among its worker's units, and how many more there can be."""

from __future__ import annotations

from typing import NamedTuple

import peewee

from famulus.engine.worker_progress import UnitNumber, number_unit, units_in_task
from famulus.model.statements import Param, Statement
from famulus.model.states import AgentStatus, LoadingStatus
from famulus.model.tables import AgentTable, ParticipationTable, TaskRunTable, literal
from famulus.model.transaction import Transaction

_IN_TASK = units_in_task(ParticipationTable.worker, ParticipationTable.task)
_RunOfNewer = TaskRunTable.alias()
# Those that are counted as open or done, of the runs that are counted.
_NEWER = (
    AgentTable.select(peewee.fn.COUNT(AgentTable.id))
    .join(_RunOfNewer, on=(AgentTable.run == _RunOfNewer.id))
    .where(
        AgentTable.worker == ParticipationTable.worker,
        _RunOfNewer.task == ParticipationTable.task,
        (AgentTable.run == ParticipationTable.run) | (TaskRunTable.maximum_units_per_worker > 0),
        AgentTable.id > Param("agent"),
        AgentTable.unit.is_null(False),
        (AgentTable.status == literal(AgentStatus.IN_TASK))
        | AgentTable.submission_id.is_null(False),
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
    ParticipationTable.select(
        (ParticipationTable.open_units + ParticipationTable.done_units).alias("in_run"),
        ParticipationTable.assignments,
        _IN_TASK.alias("in_task"),
        _NEWER.alias("newer"),
        TaskRunTable.maximum_units_per_worker.alias("maximum"),
        TaskRunTable.loading,
        TaskRunTable.rows_loaded.alias("rows"),
    )
    .join(TaskRunTable, on=(ParticipationTable.run == TaskRunTable.id))
    .where(ParticipationTable.run == Param("run"), ParticipationTable.worker == Param("worker")),
    _CountersRow,
)


def read_unit_number(tx: Transaction, *, run: int, worker: int, agent: int) -> UnitNumber | None:
    """Return the number of the unit of an earlier attempt."""
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
