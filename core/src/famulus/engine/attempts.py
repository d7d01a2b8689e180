"""Attempts: one worker at one unit, or at the onboarding, within a visit (the table ``agent``)."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

import peewee
from attrs import frozen

from famulus.contracts.provider_views import Arrival, VisitView
from famulus.engine.status import NewEvent, record
from famulus.engine.visits import find_visit_at_place, stored_visit_view
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import OPEN_AGENTS, AgentStatus, VisitStatus
from famulus.model.tables import (
    IS_OPEN_AGENT,
    AgentTable,
    AssignmentTable,
    TaskRunTable,
    UnitTable,
    VisitTable,
    WorkerTable,
    literal,
    literals,
)
from famulus.model.transaction import Row, Transaction


@frozen(kw_only=True)
class NewAttempt:
    """An attempt that is to be stored; without a unit, it is at the onboarding."""

    run: int
    worker: int
    visit: int
    status: AgentStatus
    #: in microseconds since 1970
    deadline: int
    assignment: int | None = None
    unit: int | None = None
    #: that of the page of a lost attempt which is made again; None for another one
    nonce: int | None = None
    #: in microseconds since 1970; None for the time of the transaction
    started_at: int | None = None


class MadeAttempt(NamedTuple):
    """A stored new attempt: the values that its page shows."""

    agent: int
    nonce: int
    #: the row of its assignment, as JSON text
    data: str | None


@frozen(kw_only=True)
class OpenAttempt:
    """An attempt that was open when it was read."""

    agent: int
    worker: int
    visit: int
    unit: int | None
    status: AgentStatus


class NewestAttempt(NamedTuple):
    """The newest attempt of a visit."""

    agent: int
    status: AgentStatus
    unit: int | None
    assignment: int | None
    deadline: int
    #: the id of the submission that is stored, if one is
    submission: str | None
    nonce: int | None
    #: in microseconds since 1970
    started_at: int


@frozen(kw_only=True)
class PlaceVisit:
    """The visit that has a place.

    A platform's addresses are not signed, so they do not prove who works: a place stays with a
    visit until the platform, the deadline or the worker ends that visit.
    """

    visit: int
    reference: str
    #: whether its work is stored here
    is_done: bool
    #: what its worker works on
    attempt: OpenAttempt | None
    #: how many visits had the place before, were it handed over once more
    handovers: int

    def may_hand_over_to(self, arrival: Arrival) -> bool:
        """Return whether a new visit may have the place.

        A handover is allowed if the visit with the place has no open attempt, or if both visits
        have the same reference, which only the platform can have given to both.
        """
        if self.is_done or self.handovers > MOST_HANDOVERS:
            return False
        return self.attempt is None or self.reference == arrival.reference


class OpenOnboardingRow(NamedTuple):
    """A worker's open attempt at the onboarding."""

    agent: int
    visit: int
    deadline: int
    nonce: int | None


class Attempt(NamedTuple):
    """An attempt, and the visit that it belongs to."""

    agent: int
    run: int
    worker: int
    visit: int
    unit: int | None
    assignment: int | None
    status: AgentStatus
    #: the id of the submission that is stored, if one is
    submission: str | None
    late: bool
    #: None for an attempt of before there were any
    nonce: int | None
    #: in microseconds since 1970
    started_at: int
    #: ``max_num_concurrent_units`` of the run; 0 if it has no window
    window: int
    #: where the run is served
    run_url: str
    worker_name: str
    reference: str
    accept: str
    #: the URL's query that the worker came with, as JSON text
    query: str
    #: as it was when it was read: only the attempt is locked
    visit_status: VisitStatus
    #: in microseconds since 1970
    arrived_at: int
    #: in microseconds since 1970
    last_arrived_at: int
    #: when the visit was done, in microseconds since 1970
    visit_done_at: int | None

    @property
    def visit_view(self) -> VisitView:
        """The visit for the provider."""
        return stored_visit_view(self, self.run, self.visit_done_at)


#: A place is handed over so often before the platform or a deadline has to end a visit: those who
#: had it can still send late answers, and one place must not serve any number of workers.
MOST_HANDOVERS = 4

#: The order of a visit's attempts in which the current one is first: an open one, then the newest.
#: An attempt that was lost may be made again, and be over, beside an open one that is older.
open_first = (
    AgentTable.status.not_in(literals(*OPEN_AGENTS)),
    AgentTable.id.desc(),
)

_MAKE = Statement(
    AgentTable.insert(
        {
            AgentTable.run: Param("run"),
            AgentTable.worker: Param("worker"),
            AgentTable.visit: Param("visit"),
            AgentTable.assignment: Param("assignment"),
            AgentTable.unit: Param("unit"),
            AgentTable.status: Param("status"),
            AgentTable.started_at: Param("at"),
            AgentTable.nonce: Param("nonce"),
            AgentTable.deadline: Param("deadline"),
            AgentTable.late: False,
            AgentTable.unanswered: False,
        }
    ).returning(
        AgentTable.id,
        AssignmentTable.select(AssignmentTable.data).where(
            AssignmentTable.id == Param("assignment")
        ),
    )
)
_SELECT = (
    AgentTable.select(
        AgentTable.id.alias("agent"),
        AgentTable.run,
        AgentTable.worker,
        AgentTable.visit,
        AgentTable.unit,
        AgentTable.assignment,
        AgentTable.status,
        AgentTable.submission_id.alias("submission"),
        AgentTable.late,
        AgentTable.nonce,
        AgentTable.started_at,
        TaskRunTable.max_num_concurrent_units.alias("window"),
        TaskRunTable.url.alias("run_url"),
        WorkerTable.name.alias("worker_name"),
        VisitTable.reference,
        VisitTable.accept,
        VisitTable.query,
        VisitTable.status.alias("visit_status"),
        VisitTable.arrived_at,
        VisitTable.last_arrived_at,
        VisitTable.done_at.alias("visit_done_at"),
    )
    .join(TaskRunTable, on=(AgentTable.run == TaskRunTable.id))
    .join(WorkerTable, on=(AgentTable.worker == WorkerTable.id))
    .join(VisitTable, on=(AgentTable.visit == VisitTable.id))
    .where(AgentTable.id == Param("agent"))
)
_READ = Statement(_SELECT, Attempt)
_LOCK = Statement(lambda kind: for_update(_SELECT, kind, of=AgentTable), Attempt)
_NEWEST = Statement(
    AgentTable.select(
        AgentTable.id.alias("agent"),
        AgentTable.status,
        AgentTable.unit,
        AgentTable.assignment,
        AgentTable.deadline,
        AgentTable.submission_id.alias("submission"),
        AgentTable.nonce,
        AgentTable.started_at,
    )
    .where(AgentTable.visit == Param("visit"))
    .order_by(*open_first)
    .limit(1),
    NewestAttempt,
)
_OPEN_ONBOARDING = Statement(
    AgentTable.select(
        AgentTable.id.alias("agent"), AgentTable.visit, AgentTable.deadline, AgentTable.nonce
    ).where(
        AgentTable.run == Param("run"),
        AgentTable.worker == Param("worker"),
        AgentTable.status == literal(AgentStatus.ONBOARDING),
    ),
    OpenOnboardingRow,
)
_OPEN_OF_VISIT = Statement(
    AgentTable.select(peewee.SQL("1"))
    .where(
        AgentTable.visit == Param("visit"),
        AgentTable.status << literals(*OPEN_AGENTS),
    )
    .limit(1)
)
_OTHER_AT_ASSIGNMENT = Statement(
    AgentTable.select(peewee.SQL("1"))
    .where(
        AgentTable.worker == Param("worker"),
        AgentTable.run == Param("run"),
        AgentTable.assignment
        == UnitTable.select(UnitTable.assignment).where(UnitTable.id == Param("unit")),
        AgentTable.id != Param("agent"),
    )
    .limit(1)
)


def new_nonce() -> int:
    """Return a random number for an attempt; SQLite stores it in six bytes."""
    return secrets.randbits(47)


def make_attempt(tx: Transaction, attempt: NewAttempt) -> MadeAttempt:
    """Store a new attempt; return what its page shows of it."""
    nonce = new_nonce() if attempt.nonce is None else attempt.nonce
    row = tx.one(
        _MAKE,
        run=attempt.run,
        worker=attempt.worker,
        visit=attempt.visit,
        assignment=attempt.assignment,
        unit=attempt.unit,
        status=attempt.status.value,
        at=tx.micros if attempt.started_at is None else attempt.started_at,
        nonce=nonce,
        deadline=attempt.deadline,
    )
    assert row is not None
    agent, data = row
    event = NewEvent(
        run=attempt.run,
        subject="agent",
        subject_id=agent,
        new=attempt.status.value,
        cause="arrival",
        agent=agent,
    )
    record(tx, event)
    return MadeAttempt(agent, nonce, data)


def read_attempt(tx: Transaction, agent: int, *, lock: bool = True) -> Attempt | None:
    """Return an attempt, or None when there is none.

    :param lock: keep others from changing it until the commit.
    """
    return tx.one(_LOCK if lock else _READ, agent=agent)


def newest_attempt(tx: Transaction, visit: int) -> NewestAttempt | None:
    """Return the open attempt of a visit, else its newest one, or None if it has none."""
    return tx.one(_NEWEST, visit=visit)


def read_place_holder(tx: Transaction, run: int, place: str) -> PlaceVisit | None:
    """Return the visit that has a place, or None if the place is free."""
    row = find_visit_at_place(tx, run, place)
    if row is None:
        return None
    newest, attempt = newest_attempt(tx, row.visit), None
    if newest is not None and newest.status in OPEN_AGENTS:
        attempt = OpenAttempt(
            agent=newest.agent,
            worker=row.worker,
            visit=row.visit,
            unit=newest.unit,
            status=newest.status,
        )
    is_stored = newest is not None and newest.submission is not None
    # A deadline has ended what came before.
    is_timed_out = newest is not None and newest.status is AgentStatus.TIMEOUT
    return PlaceVisit(
        visit=row.visit,
        reference=row.reference,
        is_done=row.done_at is not None or is_stored,
        attempt=attempt,
        handovers=0 if is_timed_out else row.handovers + 1,
    )


def find_open_onboarding(tx: Transaction, run: int, worker: int) -> OpenOnboardingRow | None:
    """Return a worker's open attempt at the onboarding of a run, in any of their visits."""
    return tx.one(_OPEN_ONBOARDING, run=run, worker=worker)


def has_open_attempt(tx: Transaction, visit: int) -> bool:
    """Return whether a visit has an attempt that is open."""
    return tx.one(_OPEN_OF_VISIT, visit=visit) is not None


def has_other_attempt(tx: Transaction, attempt: Attempt) -> bool:
    """Return whether the worker of an attempt has another one at the same assignment."""
    row = tx.one(
        _OTHER_AT_ASSIGNMENT,
        worker=attempt.worker,
        run=attempt.run,
        unit=attempt.unit,
        agent=attempt.agent,
    )
    return row is not None


def select_open_attempts(*which: Any) -> Any:
    """Return the query of open attempts that meet conditions, for :func:`open_attempt`."""
    return AgentTable.select(
        AgentTable.id,
        AgentTable.status,
        AgentTable.unit.alias("unit"),
        AgentTable.worker.alias("worker"),
        AgentTable.visit.alias("visit"),
    ).where(*which, IS_OPEN_AGENT)


def open_attempt(row: Row) -> OpenAttempt:
    """Make a record of a row of :func:`select_open_attempts`."""
    return OpenAttempt(
        agent=row.id, worker=row.worker, visit=row.visit, unit=row.unit, status=row.status
    )
