"""Changing a status: each change must be allowed by the table of transitions and appends an event.

Only ``everyday_status`` and ``everyday_postgresql`` also change statuses, in their own statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypedDict

import peewee
from attrs import frozen

from famulus.escaping import storable
from famulus.model.database_kind import DatabaseKind
from famulus.model.fields import dump_json
from famulus.model.statements import Param, Statement
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
    """Append the event that a worker was refused, unless there is one with this code."""
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

    :param agent: the attempt that from now on works on the unit or has completed it.
    """
    return _change(tx, _CHANGE_UNIT, "unit", change, agent=agent)


def end_agent(tx: Transaction, change: Change[AgentStatus]) -> bool:
    """End an attempt, if it still has the old status; return whether it had."""
    statement = _RETURN_AGENT if change.new is AgentStatus.RETURNED else _END_AGENT
    return _change(tx, statement, "agent", change, agent=change.id, at=tx.micros)


class Answered(TypedDict):
    """The values stored with an attempt that ends with its answers."""

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

    One event is appended for the whole batch.
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
