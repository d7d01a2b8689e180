"""The everyday arrival and submission on SQLite, each as one flat function.

A worker, known or new, arrives in a run that asks nothing of them, gets the next unit that they
have not tried, and submits its answers in time. Where anything else may apply, above all a refusal,
the functions return None and have written nothing: the general way (``admission``, ``submission``)
decides. Both ways leave the same rows and events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import peewee

from famulus.contracts.provider_views import Arrival, VisitView
from famulus.engine.admission_results import AssignedUnit
from famulus.engine.arrival import RunRules
from famulus.engine.attempts import new_nonce, open_first
from famulus.engine.everyday_status import (
    AssignedParts,
    SubmittedParts,
    WorkInHand,
    record_assigned,
    record_submitted,
)
from famulus.engine.free_units import find_units, is_tried
from famulus.engine.tokens import SignedAttempt
from famulus.engine.unit_number import read_unit_number
from famulus.engine.units import read_unit_data
from famulus.engine.visits import with_newest_visit
from famulus.engine.worker_progress import WorkerProgress, number_unit, units_in_task
from famulus.model.fields import dump_json, from_micros
from famulus.model.statements import Param, SqliteStatement
from famulus.model.states import (
    OPEN_AGENTS,
    OPEN_RUNS,
    AgentStatus,
    LoadingStatus,
    UnitStatus,
    VisitStatus,
)
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
from famulus.model.transaction import Transaction

_SECOND = 1_000_000
#: Free units that are not for the worker to pass over; the general way passes more.
_MOST_PASSED = 200
_OPEN_RUNS = frozenset(status.value for status in OPEN_RUNS)
_LOADING, _COMPLETE = LoadingStatus.LOADING.value, LoadingStatus.COMPLETE.value
_IN_TASK, _ACCEPTED = AgentStatus.IN_TASK.value, VisitStatus.ACCEPTED.value


class _Limits(Protocol):
    """What a run and a worker's row say about new work."""

    @property
    def run_status(self) -> str: ...
    @property
    def closes_at(self) -> int: ...
    @property
    def allowed_concurrent(self) -> int: ...
    @property
    def maximum(self) -> int: ...
    @property
    def in_task(self) -> int | None: ...
    @property
    def loading(self) -> str: ...
    @property
    def rows(self) -> int: ...
    @property
    def is_blocked(self) -> bool | None: ...


class _ArrivalRow(NamedTuple):
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


class _FreeRow(NamedTuple):
    unit: int
    assignment: int
    lane: int
    is_tried: bool
    data: str


class _OpenRow(NamedTuple):
    """The open or newest attempt of a visit, with what its page shows."""

    agent: int
    nonce: int | None
    started_at: int
    status: str
    unit: int | None
    assignment: int | None
    deadline: int
    lane: int | None
    data: str | None


class _AttemptRow(NamedTuple):
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


class StoredAnswers(NamedTuple):
    """Answers that were stored in time."""

    #: done, as the provider sees it
    visit: VisitView
    #: whether there is another unit for the worker; None where it is not known
    has_next: bool | None


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
_ARRIVAL = SqliteStatement(
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
    _ArrivalRow,
)
_FREE = SqliteStatement(
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
    _FreeRow,
)
_OPEN = SqliteStatement(
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
    _OpenRow,
)
_MAKE_WORKER = SqliteStatement(
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
_MAKE_PROGRESS = SqliteStatement(
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
_COUNT_OPEN = SqliteStatement(
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
_ATTEMPT = SqliteStatement(
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
    _AttemptRow,
)
_COUNT_DONE = SqliteStatement(
    ParticipationTable.update(
        {
            ParticipationTable.open_units: ParticipationTable.open_units - 1,
            ParticipationTable.done_units: ParticipationTable.done_units + 1,
        }
    ).where(ParticipationTable.run == Param("run"), ParticipationTable.worker == Param("worker")),
    "run worker",
)


def is_everyday(rules: RunRules) -> bool:
    """Return whether the flat functions serve a run where no plugin has a say in who gets what."""
    return not rules.requirements and rules.onboarding is None


def assign_everyday(
    tx: Transaction, rules: RunRules, arrival: Arrival, query: Mapping[str, str]
) -> AssignedUnit | None:
    """Give an arriving worker the next free unit, or the unit of their visit again.

    None where anything else may apply.

    :param query: of the URL that the worker came with.
    """
    run = rules.run
    row = tx.one_on_sqlite(
        _ARRIVAL, run, rules.provider_type, arrival.worker_name, arrival.reference
    )
    if row is None or arrival.place:
        return None
    if row.visit is not None:
        return _assigned_before(tx, run, row, arrival)
    marks = row.marks or dump_json([-1] * rules.lanes)
    open_units, tried, worker = row.open_units or 0, row.assignments or 0, row.worker
    if row.cursor is not None or not _may_work(row, tx.micros, open_units, tried):
        return None
    found = _find_free(tx, run, worker or 0, marks)
    if found is None:
        return None
    free, marks = found
    now = tx.micros
    if worker is None:
        worker = tx.on_sqlite(_MAKE_WORKER, rules.provider_type, arrival.worker_name, now).lastrowid
    if row.progress is None:
        tx.on_sqlite(_MAKE_PROGRESS, run, worker, rules.task, marks)
    else:
        tx.on_sqlite(_COUNT_OPEN, marks, row.progress)
    deadline, nonce = now + row.duration * _SECOND, new_nonce()
    parts = AssignedParts(
        run=run,
        worker=worker,
        reference=arrival.reference,
        accept=arrival.accept,
        query=dump_json(dict(query)),
        assignment=free.assignment,
        unit=free.unit,
        deadline=deadline,
        nonce=nonce,
    )
    visit, agent = record_assigned(tx, parts)
    rows = row.rows if row.loading == _COMPLETE else None
    taken = (row.in_task or 0) if row.maximum else open_units + (row.done_units or 0)
    return AssignedUnit(
        agent=agent,
        nonce=nonce,
        started_at=now,
        worker=worker,
        visit=visit,
        accept=arrival.accept,
        unit=free.unit,
        assignment=free.assignment,
        index=free.lane,
        data=free.data,
        deadline=deadline,
        number=number_unit(taken + 1, tried + 1, maximum=row.maximum, rows=rows),
    )


def _assigned_before(
    tx: Transaction, run: int, row: _ArrivalRow, arrival: Arrival
) -> AssignedUnit | None:
    """Return the unit of a visit whose page is loaded again, or None for what else it may be."""
    if row.worker is None or row.visit is None or arrival.accept not in ("", row.accept):
        return None
    found = tx.one_on_sqlite(_OPEN, row.visit)
    if found is None or found.status != _IN_TASK or found.data is None:
        return None
    assert found.unit is not None
    assert found.assignment is not None
    assert found.lane is not None
    return AssignedUnit(
        agent=found.agent,
        nonce=found.nonce,
        started_at=found.started_at,
        worker=row.worker,
        visit=row.visit,
        accept=row.accept or "",
        unit=found.unit,
        assignment=found.assignment,
        index=found.lane,
        data=found.data,
        deadline=found.deadline,
        number=read_unit_number(tx, run=run, worker=row.worker, agent=found.agent),
    )


def _may_work(row: _Limits, now: int, open_units: int, tried: int) -> bool:
    """Return whether no refusal of ``admission.REFUSALS`` can apply before the search for a unit.

    :param open_units: those of the worker in the run.
    :param tried: assignments that the worker cannot get again.
    """
    return (
        row.run_status in _OPEN_RUNS
        and now < row.closes_at
        and not row.is_blocked
        and (not row.maximum or (row.in_task or 0) < row.maximum)
        and (not row.allowed_concurrent or open_units < row.allowed_concurrent)
        and (row.loading == _LOADING or tried < row.rows)
    )


def _find_free(tx: Transaction, run: int, worker: int, marks: str) -> tuple[_FreeRow, str] | None:
    """Return the next free unit for a worker with their marks, moved past those that they tried.

    None where there is none, or many others come first.
    """
    lanes = json.loads(marks)
    for lane, mark in enumerate(lanes):
        free = tx.one_on_sqlite(_FREE, run, worker, lane, mark)
        if free is not None:
            return _search_on(tx, run, worker, lanes) if free.is_tried else (free, marks)
    return None


def _search_on(
    tx: Transaction, run: int, worker: int, marks: list[int]
) -> tuple[_FreeRow, str] | None:
    """Search behind the first free unit, as the general way does."""
    progress = WorkerProgress(id=0, marks=marks)
    found = next(find_units(tx, run, worker, progress, most_passed=_MOST_PASSED), None)
    if found is None:
        return None
    data = read_unit_data(tx, found.unit).data
    free = _FreeRow(found.unit, found.assignment, found.lane, is_tried=False, data=data)
    return free, dump_json(marks)


def submit_everyday(
    tx: Transaction,
    run: int,
    attempt: SignedAttempt,
    answers: SubmittedParts,
    *,
    reported_by_platform: bool,
    looks_ahead: bool,
) -> StoredAnswers | None:
    """Store the first answers to a unit, in time and without files.

    None where anything else may apply.

    :param looks_ahead: whether to look for another unit.
    """
    agent = attempt.agent
    row = tx.one_on_sqlite(_ATTEMPT, agent)
    if (
        row is None
        or row.run != run
        or row.nonce != attempt.nonce
        or row.status != _IN_TASK
        or row.unit is None
        or row.submission is not None
        or row.window
        or row.has_other
        or not (reported_by_platform or row.visit_status == _ACCEPTED)
    ):
        return None
    work = WorkInHand(run, agent, row.unit, row.visit)
    record_submitted(tx, work, answers, reported_by_platform=reported_by_platform)
    tx.on_sqlite(_COUNT_DONE, run, row.worker)
    has_next = None
    if looks_ahead and _may_work(row, tx.micros, row.open_units - 1, row.assignments):
        has_next = _find_free(tx, run, row.worker, row.marks) is not None or None
    visit = VisitView(
        id=row.visit,
        run_id=run,
        run_url=row.run_url,
        reference=row.reference,
        query=json.loads(row.query),
        worker_name=row.worker_name,
        arrived_at=from_micros(row.arrived_at),
        last_arrived_at=from_micros(row.last_arrived_at),
        done_at=from_micros(tx.micros),
    )
    return StoredAnswers(visit, has_next)
