"""The everyday arrival and submission on SQLite, each as one flat function.

A worker, known or new, arrives in a run that asks nothing of them, gets the next unit that they
have not tried, and submits its answers in time. If anything else may apply, above all a refusal,
the functions return None and have written nothing: the general way (``admission``, ``submission``)
decides. Both ways leave the same rows and events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from famulus.contracts.provider_views import Arrival, VisitView
from famulus.engine.admission_results import AssignedUnit
from famulus.engine.arrival import RunRules
from famulus.engine.attempts import new_nonce
from famulus.engine.everyday_statements import (
    ARRIVAL,
    ATTEMPT,
    COUNT_DONE,
    COUNT_OPEN,
    FREE,
    MAKE_PROGRESS,
    MAKE_WORKER,
    OPEN,
    ArrivalRow,
    FreeRow,
)
from famulus.engine.everyday_status import (
    AssignedParts,
    SubmittedParts,
    WorkInHand,
    record_assigned,
    record_submitted,
)
from famulus.engine.free_units import find_units
from famulus.engine.tokens import SignedAttempt
from famulus.engine.unit_number import read_unit_number
from famulus.engine.units import read_unit_data
from famulus.engine.visits import stored_visit_view
from famulus.engine.worker_progress import WorkerProgress, number_unit
from famulus.model.fields import dump_json
from famulus.model.states import (
    OPEN_RUNS,
    AgentStatus,
    LoadingStatus,
    VisitStatus,
)
from famulus.model.transaction import Transaction

_SECOND = 1_000_000
#: Free units that are not for the worker to pass over; the general way passes more.
_MOST_PASSED = 200
_OPEN_RUNS = frozenset(status.value for status in OPEN_RUNS)
_LOADING, _COMPLETE = LoadingStatus.LOADING.value, LoadingStatus.COMPLETE.value
_IN_TASK, _ACCEPTED = AgentStatus.IN_TASK.value, VisitStatus.ACCEPTED.value


class _Limits(Protocol):
    """The stored facts on which it depends whether a worker may get new work."""

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


class StoredAnswers(NamedTuple):
    """Answers that were stored in time."""

    #: done, as the provider sees it
    visit: VisitView
    #: whether there is another unit for the worker; None if it is not known
    has_next: bool | None


def is_everyday(rules: RunRules) -> bool:
    """Return whether the flat functions can serve a run: no plugin may refuse workers or units."""
    return not rules.requirements and rules.onboarding is None


def assign_everyday(
    tx: Transaction, rules: RunRules, arrival: Arrival, query: Mapping[str, str]
) -> AssignedUnit | None:
    """Give an arriving worker the next free unit, or the unit of their visit again.

    Return None if anything else may apply, such as a refusal.

    :param query: the parameters of the URL that the worker came with.
    """
    run = rules.run
    row = tx.one_on_sqlite(
        ARRIVAL, run, rules.provider_type, arrival.worker_name, arrival.reference
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
        worker = tx.on_sqlite(MAKE_WORKER, rules.provider_type, arrival.worker_name, now).lastrowid
    if row.progress is None:
        tx.on_sqlite(MAKE_PROGRESS, run, worker, rules.task, marks)
    else:
        tx.on_sqlite(COUNT_OPEN, marks, row.progress)
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
    tx: Transaction, run: int, row: ArrivalRow, arrival: Arrival
) -> AssignedUnit | None:
    """Return the unit of a visit whose page is loaded again, or None in any other case."""
    if row.worker is None or row.visit is None or arrival.accept not in ("", row.accept):
        return None
    found = tx.one_on_sqlite(OPEN, row.visit)
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

    :param open_units: how many units the worker has open in the run.
    :param tried: how many assignments the worker cannot get again.
    """
    return (
        row.run_status in _OPEN_RUNS
        and now < row.closes_at
        and not row.is_blocked
        and (not row.maximum or (row.in_task or 0) < row.maximum)
        and (not row.allowed_concurrent or open_units < row.allowed_concurrent)
        and (row.loading == _LOADING or tried < row.rows)
    )


def _find_free(tx: Transaction, run: int, worker: int, marks: str) -> tuple[FreeRow, str] | None:
    """Return a worker's next free unit, and their marks moved past the units that they tried.

    Return None if no unit is free, or too many tried units come first.
    """
    lanes = json.loads(marks)
    for lane, mark in enumerate(lanes):
        free = tx.one_on_sqlite(FREE, run, worker, lane, mark)
        if free is not None:
            return _search_on(tx, run, worker, lanes) if free.is_tried else (free, marks)
    return None


def _search_on(
    tx: Transaction, run: int, worker: int, marks: list[int]
) -> tuple[FreeRow, str] | None:
    """Search beyond the first free unit, in the same way as the general way."""
    progress = WorkerProgress(id=0, marks=marks)
    found = next(find_units(tx, run, worker, progress, most_passed=_MOST_PASSED), None)
    if found is None:
        return None
    data = read_unit_data(tx, found.unit).data
    free = FreeRow(found.unit, found.assignment, found.lane, is_tried=False, data=data)
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

    Return None if anything else may apply.

    :param looks_ahead: whether to look for another unit.
    """
    agent = attempt.agent
    row = tx.one_on_sqlite(ATTEMPT, agent)
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
    tx.on_sqlite(COUNT_DONE, run, row.worker)
    has_next = None
    if looks_ahead and _may_work(row, tx.micros, row.open_units - 1, row.assignments):
        has_next = _find_free(tx, run, row.worker, row.marks) is not None or None
    visit = stored_visit_view(row, run, tx.micros)
    return StoredAnswers(visit, has_next)
