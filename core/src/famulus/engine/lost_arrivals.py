"""Making an arrival again that a power failure has undone, from what the token of its page says.

On SQLite only, where arrivals need not be synced to the disk.
"""

from __future__ import annotations

from typing import NamedTuple

import peewee

from famulus.engine.arrival import RunRules
from famulus.engine.attempts import NewAttempt, has_open_attempt, make_attempt
from famulus.engine.free_units import FreeUnit
from famulus.engine.tokens import SignedArrival
from famulus.engine.units import claim_unit
from famulus.engine.visits import NewVisit, make_visit
from famulus.engine.worker_progress import make_progress, save_progress
from famulus.engine.workers import make_worker
from famulus.model.statements import Param, Statement
from famulus.model.states import (
    ENDED_RUNS,
    OPEN_VISITS,
    AgentStatus,
    RunStatus,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import AgentTable, TaskRunTable, UnitTable, VisitTable
from famulus.model.transaction import Transaction

_SECOND = 1_000_000


class MadeAgain(NamedTuple):
    """The attempt that takes the place of a lost one."""

    agent: int
    nonce: int | None


class _UnitRow(NamedTuple):
    """A unit and its run."""

    status: UnitStatus
    assignment: int
    lane: int
    position: int
    replacement: int
    run_status: RunStatus
    allowed_concurrent: int
    #: seconds that the run gives for a unit
    duration: int
    #: when the run was last launched or resumed, in microseconds since 1970
    opened_at: int | None


class _VisitRow(NamedTuple):
    visit: int
    status: VisitStatus
    done_at: int | None


_UNIT = Statement(
    UnitTable.select(
        UnitTable.status,
        UnitTable.assignment,
        UnitTable.lane,
        UnitTable.position,
        UnitTable.replacement,
        TaskRunTable.status.alias("run_status"),
        TaskRunTable.allowed_concurrent,
        TaskRunTable.assignment_duration_in_seconds.alias("duration"),
        TaskRunTable.opened_at,
    )
    .join(TaskRunTable, on=(UnitTable.run == TaskRunTable.id))
    .where(UnitTable.id == Param("unit"), UnitTable.run == Param("run")),
    _UnitRow,
)
#: An attempt that was made again before comes first.
_OWN = Statement(
    AgentTable.select(AgentTable.id.alias("agent"), AgentTable.nonce)
    .where(
        AgentTable.worker == Param("worker"),
        AgentTable.run == Param("run"),
        (AgentTable.nonce == Param("nonce")) | (AgentTable.assignment == Param("assignment")),
    )
    .order_by((AgentTable.nonce == Param("nonce")).desc(), AgentTable.id)
    .limit(peewee.SQL("1")),
    MadeAgain,
)
_NEWEST_VISIT = Statement(
    VisitTable.select(VisitTable.id.alias("visit"), VisitTable.status, VisitTable.done_at)
    .where(
        VisitTable.worker == Param("worker"),
        VisitTable.run == Param("run"),
        VisitTable.reference == Param("reference"),
    )
    .order_by(VisitTable.id.desc())
    .limit(peewee.SQL("1")),
    _VisitRow,
)


def make_again(
    tx: Transaction, rules: RunRules, arrival: SignedArrival, nonce: int | None
) -> MadeAgain | None:
    """Make a lost arrival again, unless that was done before; return its attempt.

    Return None if the run has no such unit, for example because a backup from before its data were
    loaded was restored.

    If the unit is free, time is left and the worker may still work on it, the attempt continues as
    if nothing had been lost. Otherwise the attempt is over, and its answers are late. For a worker
    who has loaded the page again, return their other attempt at the same assignment.
    """
    run = rules.run
    unit = tx.one(_UNIT, unit=arrival.unit, run=run)
    if unit is None:
        return None
    worker = make_worker(tx, rules.provider_type, arrival.worker_name)
    own = tx.one(_OWN, worker=worker, run=run, nonce=nonce, assignment=unit.assignment)
    if own is not None:
        return own
    visit, has_room = _visit(tx, run, worker, arrival)
    progress = make_progress(tx, run=run, worker=worker, task=rules.task, lanes=rules.lanes)
    # A resumed run has given the time of the outage back to the attempts that were stored, at most
    # so much that each has as long as a new one (`extend_deadlines`).
    began_at = max(arrival.started_at, unit.opened_at or 0)
    deadline = began_at + unit.duration * _SECOND
    works = (
        has_room
        and unit.status is UnitStatus.LAUNCHED
        and unit.run_status not in ENDED_RUNS
        and tx.micros < deadline
        and (not unit.allowed_concurrent or progress.open_units < unit.allowed_concurrent)
    )
    attempt = NewAttempt(
        run=run,
        worker=worker,
        visit=visit,
        status=AgentStatus.IN_TASK if works else AgentStatus.DISCONNECT,
        deadline=deadline,
        assignment=unit.assignment,
        unit=arrival.unit,
        nonce=nonce,
        started_at=arrival.started_at,
    )
    made = make_attempt(tx, attempt)
    if works:
        free = FreeUnit(
            arrival.unit, unit.assignment, unit.lane, unit.position, unit.replacement > 0
        )
        claim_unit(tx, run, free, made.agent, progress)
    else:
        progress.assignments += 1
        save_progress(tx, progress)
    return MadeAgain(made.agent, made.nonce)


def _visit(tx: Transaction, run: int, worker: int, arrival: SignedArrival) -> tuple[int, bool]:
    """Return the newest visit of an arrival's reference, and whether work may begin in it.

    The visit is made if it is missing. No work begins in a visit that is over or done, or that has
    another open attempt. The visit may belong to a later accept: the platform has one place for
    both.
    """
    row = tx.one(_NEWEST_VISIT, worker=worker, run=run, reference=arrival.reference)
    if row is not None:
        is_open = row.status in OPEN_VISITS and row.done_at is None
        return row.visit, is_open and not has_open_attempt(tx, row.visit)
    new = NewVisit(
        run=run,
        worker=worker,
        reference=arrival.reference,
        accept=arrival.accept,
        query=arrival.query,
    )
    return make_visit(tx, new, cause="arrival"), True
