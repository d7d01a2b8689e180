"""The changes of status by the everyday requests on SQLite: one function for each request.

The transitions are checked once, at import. The events are the same as those of ``status``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import peewee

from famulus.model.statements import Param, SqliteStatement
from famulus.model.states import AgentStatus, Status, UnitStatus, VisitStatus, check_transition
from famulus.model.tables import AgentTable, EventTable, UnitTable, VisitTable, literal
from famulus.model.transaction import Transaction

_ADD_VISIT = SqliteStatement(
    VisitTable.insert(
        {
            VisitTable.run: Param("run"),
            VisitTable.worker: Param("worker"),
            VisitTable.reference: Param("reference"),
            VisitTable.accept: Param("accept"),
            VisitTable.status: VisitStatus.ACCEPTED,
            VisitTable.query: Param("query"),
            VisitTable.place: "",
            VisitTable.handovers: 0,
            VisitTable.arrived_at: Param("at"),
            VisitTable.last_arrived_at: Param("at"),
        }
    ),
    "at run worker reference accept query",
)
_ADD_AGENT = SqliteStatement(
    AgentTable.insert(
        {
            AgentTable.run: Param("run"),
            AgentTable.worker: Param("worker"),
            AgentTable.visit: Param("visit"),
            AgentTable.assignment: Param("assignment"),
            AgentTable.unit: Param("unit"),
            AgentTable.status: AgentStatus.IN_TASK,
            AgentTable.started_at: Param("at"),
            AgentTable.deadline: Param("deadline"),
            AgentTable.nonce: Param("nonce"),
            AgentTable.late: False,
            AgentTable.unanswered: False,
        }
    ),
    "at run worker visit assignment unit deadline nonce",
)
_ASSIGN_UNIT = SqliteStatement(
    UnitTable.update(
        {UnitTable.status: literal(UnitStatus.ASSIGNED), UnitTable.agent_id: Param("agent")}
    ).where(UnitTable.id == Param("unit"), UnitTable.status == literal(UnitStatus.LAUNCHED)),
    "agent unit",
)
_COMPLETE_AGENT = SqliteStatement(
    AgentTable.update(
        {
            AgentTable.status: literal(AgentStatus.COMPLETED),
            AgentTable.answers: Param("answers"),
            AgentTable.submission_id: Param("submission"),
            AgentTable.submitted_at: Param("at"),
            AgentTable.ended_at: Param("at"),
            AgentTable.late: False,
            AgentTable.unanswered: Param("unanswered"),
            AgentTable.language: Param("language"),
        }
    ).where(AgentTable.id == Param("agent"), AgentTable.status == literal(AgentStatus.IN_TASK)),
    "at agent submission answers unanswered language",
)
_COMPLETE_UNIT = SqliteStatement(
    UnitTable.update({UnitTable.status: literal(UnitStatus.COMPLETED)}).where(
        UnitTable.id == Param("unit"),
        UnitTable.status == literal(UnitStatus.ASSIGNED),
        UnitTable.agent_id == Param("agent"),
    ),
    "agent unit",
)
_COMPLETE_VISIT = SqliteStatement(
    VisitTable.update(
        {VisitTable.status: literal(VisitStatus.SUBMITTED), VisitTable.done_at: Param("at")}
    ).where(VisitTable.id == Param("visit"), VisitTable.status == literal(VisitStatus.ACCEPTED)),
    "at visit",
)
_VISIT_DONE = SqliteStatement(
    VisitTable.update({VisitTable.done_at: Param("at")}).where(VisitTable.id == Param("visit")),
    "at visit",
)


def _change_of(subject: str, old: Status | None, new: Status, cause: str) -> dict[Any, Any]:
    """Return the row of an event in a statement; its number is the parameter ``<subject>``.

    Constant values stand in the text of the statement: parameters cost more (measured).
    """
    if old is not None:
        check_transition(old, new, subject)
    return {
        EventTable.run: Param("run"),
        EventTable.at: Param("at"),
        EventTable.subject: peewee.SQL(f"'{subject}'"),
        EventTable.subject_id: Param(subject),
        EventTable.old: peewee.SQL("NULL") if old is None else literal(old),
        EventTable.new: literal(new),
        EventTable.cause: peewee.SQL(f"'{cause}'"),
        EventTable.count: peewee.SQL("1"),
        EventTable.agent_id: peewee.SQL("NULL") if subject == "visit" else Param("agent"),
        EventTable.xact: peewee.SQL("0"),
    }


_STORED = (
    _change_of("agent", AgentStatus.IN_TASK, AgentStatus.COMPLETED, "submission"),
    _change_of("unit", UnitStatus.ASSIGNED, UnitStatus.COMPLETED, "submission"),
)
_EVENTS_OF_ARRIVAL = SqliteStatement(
    EventTable.insert_many(
        [
            _change_of("visit", None, VisitStatus.ACCEPTED, "arrival"),
            _change_of("agent", None, AgentStatus.IN_TASK, "arrival"),
            _change_of("unit", UnitStatus.LAUNCHED, UnitStatus.ASSIGNED, "arrival"),
        ]
    ),
    "run at visit agent unit",
)
_EVENTS_OF_SUBMISSION = SqliteStatement(EventTable.insert_many([*_STORED]), "run at agent unit")
_EVENTS_OF_VISIT = SqliteStatement(
    EventTable.insert_many(
        [*_STORED, _change_of("visit", VisitStatus.ACCEPTED, VisitStatus.SUBMITTED, "submission")]
    ),
    "run at agent unit visit",
)


class AssignedParts(NamedTuple):
    """A visit and an attempt to make, and the free unit that the attempt gets."""

    run: int
    worker: int
    reference: str
    accept: str
    #: of the URL that the worker came with, as JSON text
    query: str
    assignment: int
    unit: int
    #: in microseconds since 1970
    deadline: int
    #: of the attempt
    nonce: int


class WorkInHand(NamedTuple):
    """An attempt that is under way, with its unit and its visit."""

    run: int
    agent: int
    unit: int
    visit: int


class SubmittedParts(NamedTuple):
    """What is stored with an attempt that ends by its answers, in time and without files."""

    #: the id of the submission that they came with
    submission: str
    #: as JSON text
    answers: str
    unanswered: bool
    #: the tag of the language of their page
    language: str


def record_assigned(tx: Transaction, parts: AssignedParts) -> tuple[int, int]:
    """Make a visit and an attempt, and give it a unit that is free; return their numbers.

    On SQLite only, where a unit that the transaction has found free is still free.
    """
    run, worker, reference, accept, query, assignment, unit, deadline, nonce = parts
    at = tx.micros
    visit = tx.on_sqlite(_ADD_VISIT, at, run, worker, reference, accept, query).lastrowid
    made = tx.on_sqlite(_ADD_AGENT, at, run, worker, visit, assignment, unit, deadline, nonce)
    agent = made.lastrowid
    tx.on_sqlite(_ASSIGN_UNIT, agent, unit)
    tx.on_sqlite(_EVENTS_OF_ARRIVAL, run, at, visit, agent, unit)
    return visit, agent


def record_submitted(
    tx: Transaction,
    work: WorkInHand,
    submitted: SubmittedParts,
    *,
    reported_by_platform: bool,
) -> None:
    """End an attempt that is under way by its answers, complete its unit, and end its visit.

    On SQLite only, where the state that the transaction has read cannot have changed.

    :param reported_by_platform: whether only the platform may mark a visit as submitted.
    """
    at, (run, agent, unit, visit) = tx.micros, work
    tx.on_sqlite(_COMPLETE_AGENT, at, agent, *submitted)
    tx.on_sqlite(_COMPLETE_UNIT, agent, unit)
    if reported_by_platform:
        tx.on_sqlite(_VISIT_DONE, at, visit)
        tx.on_sqlite(_EVENTS_OF_SUBMISSION, run, at, agent, unit)
    else:
        tx.on_sqlite(_COMPLETE_VISIT, at, visit)
        tx.on_sqlite(_EVENTS_OF_VISIT, run, at, agent, unit, visit)
