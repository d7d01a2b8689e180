"""The rows and statements of the everyday requests on SQLite."""

from __future__ import annotations

from typing import NamedTuple

import peewee

from famulus.engine.attempts import open_first
from famulus.engine.free_units import is_tried
from famulus.engine.visits import with_newest_visit
from famulus.engine.worker_progress import units_in_task
from famulus.model.statements import Param, SqliteStatement
from famulus.model.states import OPEN_AGENTS, UnitStatus
from famulus.model.tables import (
    AgentTable,
    AssignmentTable,
    ParticipationTable,
    TaskRunTable,
    UnitTable,
    VisitTable,
    WorkerTable,
    literal,
    literals,
)


class ArrivalRow(NamedTuple):
    """A run, the worker, their newest visit of the reference, and their progress in the run."""

    run_status: str
    closes_at: int
    duration: int
    allowed_concurrent: int
    maximum: int
    in_task: int | None
    loading: str
    rows: int
    worker: int | None
    is_blocked: bool | None
    visit: int | None
    accept: str | None
    progress: int | None
    open_units: int | None
    done_units: int | None
    assignments: int | None
    marks: str | None
    cursor: str | None


class FreeRow(NamedTuple):
    """A free unit, and whether the worker cannot get its assignment again."""

    unit: int
    assignment: int
    lane: int
    is_tried: bool
    data: str


class OpenRow(NamedTuple):
    """The open or newest attempt of a visit, with the values that its page shows."""

    agent: int
    nonce: int | None
    started_at: int
    status: str
    unit: int | None
    assignment: int | None
    deadline: int
    lane: int | None
    data: str | None


class AttemptRow(NamedTuple):
    """An attempt with its visit, and with all that decides on the worker's next unit."""

    nonce: int | None
    run: int
    worker: int
    visit: int
    unit: int | None
    status: str
    submission: str | None
    window: int
    run_url: str
    worker_name: str
    reference: str
    query: str
    visit_status: str
    arrived_at: int
    last_arrived_at: int
    has_other: bool
    run_status: str
    closes_at: int
    allowed_concurrent: int
    maximum: int
    in_task: int | None
    loading: str
    rows: int
    is_blocked: bool
    open_units: int
    assignments: int
    marks: str


#: Units that the worker has done or has open over all runs of the task, where there is a maximum.
_UNITS_IN_TASK = peewee.Case(
    None,
    [
        (
            TaskRunTable.maximum_units_per_worker > peewee.SQL("0"),
            units_in_task(WorkerTable.id, TaskRunTable.task),
        )
    ],
)
ARRIVAL = SqliteStatement(
    with_newest_visit(
        TaskRunTable.status.alias("run_status"),
        TaskRunTable.closes_at,
        TaskRunTable.assignment_duration_in_seconds.alias("duration"),
        TaskRunTable.allowed_concurrent,
        TaskRunTable.maximum_units_per_worker.alias("maximum"),
        _UNITS_IN_TASK.alias("in_task"),
        TaskRunTable.loading,
        TaskRunTable.rows_loaded.alias("rows"),
        WorkerTable.id.alias("worker"),
        WorkerTable.blocked.alias("is_blocked"),
        VisitTable.id.alias("visit"),
        VisitTable.accept,
        ParticipationTable.id.alias("progress"),
        ParticipationTable.open_units,
        ParticipationTable.done_units,
        ParticipationTable.assignments,
        ParticipationTable.marks,
        ParticipationTable.cursor,
    ).join(
        ParticipationTable,
        peewee.JOIN.LEFT_OUTER,
        on=(ParticipationTable.run == TaskRunTable.id)
        & (ParticipationTable.worker == WorkerTable.id),
    ),
    "run provider name reference",
    ArrivalRow,
)
FREE = SqliteStatement(
    UnitTable.select(
        UnitTable.id.alias("unit"),
        UnitTable.assignment,
        UnitTable.lane,
        is_tried.alias("is_tried"),
        AssignmentTable.select(AssignmentTable.data)
        .where(AssignmentTable.id == UnitTable.assignment)
        .alias("data"),
    )
    .where(
        UnitTable.run == Param("run"),
        UnitTable.lane == Param("lane"),
        UnitTable.status == literal(UnitStatus.LAUNCHED),
        UnitTable.position > Param("after"),
        UnitTable.replacement == peewee.SQL("0"),
    )
    .order_by(UnitTable.position)
    .limit(peewee.SQL("1")),
    "run worker lane after",
    FreeRow,
)
OPEN = SqliteStatement(
    AgentTable.select(
        AgentTable.id.alias("agent"),
        AgentTable.nonce,
        AgentTable.started_at,
        AgentTable.status,
        AgentTable.unit,
        AgentTable.assignment,
        AgentTable.deadline,
        UnitTable.lane,
        AssignmentTable.data,
    )
    .join(UnitTable, peewee.JOIN.LEFT_OUTER, on=(AgentTable.unit == UnitTable.id))
    .join(AssignmentTable, peewee.JOIN.LEFT_OUTER, on=(AgentTable.assignment == AssignmentTable.id))
    .where(AgentTable.visit == Param("visit"))
    .order_by(*open_first)
    .limit(peewee.SQL("1")),
    "visit",
    OpenRow,
)
MAKE_WORKER = SqliteStatement(
    WorkerTable.insert(
        {
            WorkerTable.provider_type: Param("provider"),
            WorkerTable.name: Param("name"),
            WorkerTable.created_at: Param("at"),
            WorkerTable.blocked: False,
        }
    ),
    "provider name at",
)
MAKE_PROGRESS = SqliteStatement(
    ParticipationTable.insert(
        {
            ParticipationTable.run: Param("run"),
            ParticipationTable.worker: Param("worker"),
            ParticipationTable.task: Param("task"),
            ParticipationTable.open_units: 1,
            ParticipationTable.done_units: 0,
            ParticipationTable.assignments: 1,
            ParticipationTable.marks: Param("marks"),
        }
    ),
    "run worker task marks",
)
COUNT_OPEN = SqliteStatement(
    ParticipationTable.update(
        {
            ParticipationTable.open_units: ParticipationTable.open_units + 1,
            ParticipationTable.assignments: ParticipationTable.assignments + 1,
            ParticipationTable.marks: Param("marks"),
        }
    ).where(ParticipationTable.id == Param("progress")),
    "marks progress",
)
_Other = AgentTable.alias()
ATTEMPT = SqliteStatement(
    AgentTable.select(
        AgentTable.nonce,
        AgentTable.run,
        AgentTable.worker,
        AgentTable.visit,
        AgentTable.unit,
        AgentTable.status,
        AgentTable.submission_id.alias("submission"),
        TaskRunTable.max_num_concurrent_units.alias("window"),
        TaskRunTable.url.alias("run_url"),
        WorkerTable.name.alias("worker_name"),
        VisitTable.reference,
        VisitTable.query,
        VisitTable.status.alias("visit_status"),
        VisitTable.arrived_at,
        VisitTable.last_arrived_at,
        peewee.fn.EXISTS(
            _Other.select(peewee.SQL("1")).where(
                _Other.visit == AgentTable.visit,
                _Other.id != AgentTable.id,
                _Other.status << literals(*OPEN_AGENTS),
            )
        ).alias("has_other"),
        TaskRunTable.status.alias("run_status"),
        TaskRunTable.closes_at,
        TaskRunTable.allowed_concurrent,
        TaskRunTable.maximum_units_per_worker.alias("maximum"),
        _UNITS_IN_TASK.alias("in_task"),
        TaskRunTable.loading,
        TaskRunTable.rows_loaded.alias("rows"),
        WorkerTable.blocked.alias("is_blocked"),
        ParticipationTable.open_units,
        ParticipationTable.assignments,
        ParticipationTable.marks,
    )
    .join(TaskRunTable, on=(AgentTable.run == TaskRunTable.id))
    .join(WorkerTable, on=(AgentTable.worker == WorkerTable.id))
    .join(VisitTable, on=(AgentTable.visit == VisitTable.id))
    .join(
        ParticipationTable,
        on=(ParticipationTable.run == AgentTable.run)
        & (ParticipationTable.worker == AgentTable.worker),
    )
    .join(
        UnitTable,
        on=(UnitTable.id == AgentTable.unit)
        & (UnitTable.agent_id == AgentTable.id)
        & (UnitTable.status == literal(UnitStatus.ASSIGNED)),
    )
    .where(AgentTable.id == Param("agent")),
    "agent",
    AttemptRow,
)
COUNT_DONE = SqliteStatement(
    ParticipationTable.update(
        {
            ParticipationTable.open_units: ParticipationTable.open_units - 1,
            ParticipationTable.done_units: ParticipationTable.done_units + 1,
        }
    ).where(ParticipationTable.run == Param("run"), ParticipationTable.worker == Param("worker")),
    "run worker",
)
