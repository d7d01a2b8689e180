"""Changing a status: the only functions that do, each legal by the table and leaving an event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypedDict

import peewee
from attrs import frozen

from famulus.escaping import storable
from famulus.model.database_kind import DatabaseKind
from famulus.model.fields import dump_json
from famulus.model.statements import Param, SqliteStatement, Statement
from famulus.model.states import (
    OPEN_AGENTS,
    AgentStatus,
    PaymentStatus,
    RunStatus,
    Status,
    UnitStatus,
    VisitStatus,
    check_transition,
)
from famulus.model.tables import (
    REFUSED,
    AgentTable,
    EventTable,
    PaymentTable,
    TaskRunTable,
    UnitTable,
    VisitTable,
    literal,
    literals,
)
from famulus.model.transaction import Transaction


def _xact(kind: DatabaseKind) -> Any:
    if kind is DatabaseKind.SQLITE:
        return 0
    return peewee.SQL("pg_current_xact_id()::text::bigint")


def _event(kind: DatabaseKind) -> Any:
    return EventTable.insert(
        {
            EventTable.run: Param("run"),
            EventTable.at: Param("at"),
            EventTable.subject: Param("subject"),
            EventTable.subject_id: Param("subject_id"),
            EventTable.old: Param("old"),
            EventTable.new: Param("new"),
            EventTable.cause: Param("cause"),
            EventTable.count: Param("count"),
            EventTable.agent_id: Param("agent"),
            EventTable.detail: Param("detail"),
            EventTable.xact: _xact(kind),
        }
    )


_RECORD = Statement(_event)
_RECORD_ONCE = Statement(lambda kind: _event(kind).on_conflict_ignore())

_CHANGE_UNIT = Statement(
    UnitTable.update(
        {
            UnitTable.status: Param("new"),
            UnitTable.agent_id: Param("agent"),
        }
    ).where(UnitTable.id == Param("id"), UnitTable.status == Param("old"))
)
_CHANGE_VISIT = Statement(
    VisitTable.update({VisitTable.status: Param("new")}).where(
        VisitTable.id == Param("id"), VisitTable.status == Param("old")
    )
)
_SUBMIT_VISIT = Statement(
    VisitTable.update(
        {
            VisitTable.status: literal(VisitStatus.SUBMITTED),
            VisitTable.done_at: Param("at"),
        }
    ).where(
        VisitTable.id == Param("id"),
        VisitTable.status == Param("old"),
        ~peewee.fn.EXISTS(
            AgentTable.select(peewee.SQL("1")).where(
                AgentTable.visit == Param("id"),
                AgentTable.status << literals(*OPEN_AGENTS),
            )
        ),
    )
)
_CHANGE_RUN = Statement(
    TaskRunTable.update({TaskRunTable.status: Param("new")}).where(
        TaskRunTable.id == Param("id"), TaskRunTable.status == Param("old")
    )
)
_CHANGE_PAYMENT = Statement(
    PaymentTable.update(
        {
            PaymentTable.status: Param("new"),
            PaymentTable.error: Param("error"),
            PaymentTable.changed_at: Param("at"),
        }
    ).where(PaymentTable.id == Param("id"), PaymentTable.status == Param("old"))
)
_CHANGE_AGENT = Statement(
    AgentTable.update({AgentTable.status: Param("new")}).where(
        AgentTable.id == Param("id"), AgentTable.status == Param("old")
    )
)
_END_AGENT = Statement(
    AgentTable.update({AgentTable.status: Param("new"), AgentTable.ended_at: Param("at")}).where(
        AgentTable.id == Param("id"), AgentTable.status == Param("old")
    )
)
#: The worker may get the assignment again.
_RETURN_AGENT = Statement(
    AgentTable.update(
        {
            AgentTable.status: Param("new"),
            AgentTable.ended_at: Param("at"),
            AgentTable.assignment: None,
        }
    ).where(AgentTable.id == Param("id"), AgentTable.status == Param("old"))
)
#: The worker has tried the assignment of the unit that was given back, after all.
_RETRY_ASSIGNMENT = Statement(
    AgentTable.update(
        {
            AgentTable.assignment: UnitTable.select(UnitTable.assignment).where(
                UnitTable.id == AgentTable.unit
            )
        }
    ).where(AgentTable.id == Param("id"))
)
_SUBMIT_AGENT = Statement(
    AgentTable.update(
        {
            AgentTable.status: Param("new"),
            AgentTable.answers: Param("answers"),
            AgentTable.submission_id: Param("submission"),
            AgentTable.submitted_at: Param("at"),
            AgentTable.ended_at: Param("at"),
            AgentTable.late: Param("late"),
            AgentTable.unanswered: Param("unanswered"),
            AgentTable.language: Param("language"),
        }
    ).where(AgentTable.id == Param("id"), AgentTable.status == Param("old"))
)


# What follows is for the everyday case on SQLite.
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
            AgentTable.late: False,
            AgentTable.unanswered: False,
        }
    ),
    "at run worker visit assignment unit deadline",
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
    """Return the row of an event in a statement; its number is the parameter ``<subject>``."""
    if old is not None:
        check_transition(old, new, subject)
    return {
        EventTable.run: Param("run"),
        EventTable.at: Param("at"),
        EventTable.subject: subject,
        EventTable.subject_id: Param(subject),
        EventTable.old: None if old is None else old.value,
        EventTable.new: new.value,
        EventTable.cause: cause,
        EventTable.count: 1,
        EventTable.agent_id: None if subject == "visit" else Param("agent"),
        EventTable.xact: 0,
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


@frozen(kw_only=True)
class NewEvent:
    """An event to append. ``subject`` and ``subject_id`` name the row that it is about."""

    run: int | None
    subject: str
    subject_id: int | None
    old: str | None = None
    new: str
    cause: str
    #: how many rows changed alike
    count: int = 1
    agent: int | None = None
    #: anything that is JSON
    detail: Any = None


@frozen(kw_only=True)
class Change(Generic[Status]):
    """A change of one row's status, and its cause."""

    run: int
    id: int
    old: Status
    new: Status
    cause: str


def record(tx: Transaction, event: NewEvent) -> None:
    """Append one event, at the transaction's time; it is stored with all others of the job."""
    tx.append(
        _RECORD,
        run=event.run,
        at=tx.micros,
        subject=event.subject,
        subject_id=event.subject_id,
        old=event.old,
        new=event.new,
        cause=event.cause,
        count=event.count,
        agent=event.agent,
        detail=None if event.detail is None else dump_json(event.detail),
    )


def record_refusal(tx: Transaction, *, run: int, worker: int | None, code: str, by: str) -> None:
    """Append an event of a worker who was not let in, unless there is one with this code."""
    tx.run(
        _RECORD_ONCE,
        run=run,
        at=tx.micros,
        subject="worker",
        subject_id=worker,
        old=None,
        new=REFUSED,
        cause=code,
        count=1,
        agent=None,
        detail=dump_json({"by": by}),
    )


def change_unit(tx: Transaction, change: Change[UnitStatus], *, agent: int | None) -> bool:
    """Change one unit, if it still has the old status; return whether it had.

    :param agent: who works on the unit or has completed it from now on.
    """
    return _change(tx, _CHANGE_UNIT, "unit", change, agent=agent)


def end_agent(tx: Transaction, change: Change[AgentStatus]) -> bool:
    """End an attempt, if it still has the old status; return whether it had."""
    statement = _RETURN_AGENT if change.new is AgentStatus.RETURNED else _END_AGENT
    return _change(tx, statement, "agent", change, agent=change.id, at=tx.micros)


class Answered(TypedDict):
    """What is stored with an attempt that ends by its answers."""

    #: the id of the submission that they came with
    submission: str
    answers: Any
    late: bool
    unanswered: bool
    #: the tag of the language of their page
    language: str


def submit_agent(tx: Transaction, change: Change[AgentStatus], answered: Answered) -> bool:
    """End an attempt by its answers, if it still has the old status; return whether it had."""
    columns = {**answered, "answers": dump_json(answered["answers"])}
    if not _change(tx, _SUBMIT_AGENT, "agent", change, agent=change.id, at=tx.micros, **columns):
        return False
    if change.old is AgentStatus.RETURNED:
        tx.run(_RETRY_ASSIGNMENT, id=change.id)
    return True


def change_agent(tx: Transaction, change: Change[AgentStatus]) -> bool:
    """Change the verdict on an attempt that has ended; return whether it had the old status.

    It is changed only if it still has that status.
    """
    return _change(tx, _CHANGE_AGENT, "agent", change, agent=change.id)


def change_visit(tx: Transaction, change: Change[VisitStatus]) -> bool:
    """Change one visit, if it still has the old status; return whether it had."""
    return _change(tx, _CHANGE_VISIT, "visit", change)


def submit_visit(tx: Transaction, *, run: int, visit: int, old: VisitStatus) -> bool:
    """Mark a visit as done and submitted; return whether it was changed.

    It is changed only if it still has the old status and no attempt of it is open.
    """
    change = Change(run=run, id=visit, old=old, new=VisitStatus.SUBMITTED, cause="submission")
    return _change(tx, _SUBMIT_VISIT, "visit", change, at=tx.micros)


def record_assigned(tx: Transaction, parts: AssignedParts) -> tuple[int, int]:
    """Make a visit and an attempt, and give it a unit that is free; return their numbers.

    On SQLite only, where what the transaction has found to be free is free still.
    """
    run, worker, reference, accept, query, assignment, unit, deadline = parts
    at = tx.micros
    visit = tx.on_sqlite(_ADD_VISIT, at, run, worker, reference, accept, query).lastrowid
    agent = tx.on_sqlite(_ADD_AGENT, at, run, worker, visit, assignment, unit, deadline).lastrowid
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

    On SQLite only, where what the transaction has read is so still.

    :param reported_by_platform: whether the platform alone says that a visit is submitted.
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


def change_run(tx: Transaction, *, run: int, old: RunStatus, new: RunStatus, cause: str) -> bool:
    """Change one run, if it still has the old status; return whether it had."""
    change = Change(run=run, id=run, old=old, new=new, cause=cause)
    return _change(tx, _CHANGE_RUN, "run", change)


def change_payment(tx: Transaction, change: Change[PaymentStatus], *, error: str = "") -> bool:
    """Change one payment, if it still has the old status; return whether it had.

    :param error: why it failed, or why its outcome is unknown.
    """
    return _change(tx, _CHANGE_PAYMENT, "payment", change, error=storable(error), at=tx.micros)


def change_units_together(
    tx: Transaction,
    *,
    run: int,
    units: Sequence[int],
    old: UnitStatus,
    new: UnitStatus,
    cause: str,
) -> int:
    """Change many units that no agent works on; return how many had the old status.

    One event is left for the batch.
    """
    if not units:
        return 0
    check_transition(old, new, f"a batch of {len(units)} units")
    query = UnitTable.update({UnitTable.status: new, UnitTable.agent_id: None}).where(
        UnitTable.id << list(units), UnitTable.status == old
    )
    changed = int(tx.execute(query).rowcount)
    if changed:
        record(
            tx,
            NewEvent(
                run=run,
                subject="unit",
                subject_id=None,
                old=old.value,
                new=new.value,
                cause=cause,
                count=changed,
            ),
        )
    return changed


def _change(
    tx: Transaction,
    statement: Statement[Any],
    subject: str,
    change: Change[Any],
    *,
    agent: int | None = None,
    **more: Any,
) -> bool:
    number, old, new = change.id, change.old.value, change.new.value
    check_transition(change.old, change.new, f"{subject} {number}")
    done = tx.run(statement, id=number, old=old, new=new, agent=agent, **more)
    if done.rowcount != 1:
        return False
    event = NewEvent(
        run=change.run,
        subject=subject,
        subject_id=number,
        old=old,
        new=new,
        cause=change.cause,
        agent=agent,
    )
    record(tx, event)
    return True
