"""Answers come in: stored once, never overwritten, late ones marked.

Everything here happens inside a transaction and calls no third-party code.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import peewee
from attrs import frozen

from famulus.engine.answers import holds_answer
from famulus.engine.release import Attempted, release_waiting, take_back
from famulus.engine.status import Change, NewEvent, change_unit, change_visit, record, submit_visit
from famulus.model.fields import dump_json, to_micros
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import (
    OPEN_VISITS,
    AgentStatus,
    UnitStatus,
    VisitStatus,
    check_transition,
)
from famulus.model.tables import (
    Agent,
    Participation,
    TaskRun,
    Unit,
    Upload,
    Visit,
    Worker,
    literals,
)
from famulus.model.transaction import Transaction


class Result(StrEnum):
    """What became of a submission."""

    STORED = "stored"
    #: the very same submission came before: the same acknowledgement again
    REPEATED = "repeated"
    #: other answers of this attempt are stored and stay as they are
    CONFLICT = "conflict"


@frozen(kw_only=True)
class Attempt:
    """An agent as it stands when something comes in for it, and the visit it belongs to."""

    agent: int
    run: int
    #: whether the run lets only so many units out at a time
    is_windowed: bool
    worker: int
    worker_name: str
    visit: int
    reference: str
    #: the URL's query that the worker came with, as JSON text
    query: str
    #: as it was a moment ago: only the agent is held
    visit_status: VisitStatus
    unit: int | None
    assignment: int | None
    status: AgentStatus
    submission: str | None
    late: bool


@frozen(kw_only=True)
class StoredFile:
    """An uploaded file that lies, synced to the disk, below the database's folder of files."""

    field: str
    filename: str
    content_type: str
    size: int
    sha256: str
    path: str


@frozen(kw_only=True)
class Acknowledgement:
    """What the worker may be told, once the transaction is committed."""

    result: Result
    late: bool


#: Visits that become submitted once their last answers are stored.
_SUBMITTABLE = (*OPEN_VISITS, VisitStatus.EXPIRED, VisitStatus.RETURNED)


_SELECT_ATTEMPT = (
    Agent.select(
        Agent.id,
        Agent.run,
        Agent.worker,
        Agent.visit,
        Agent.unit,
        Agent.assignment,
        Agent.status,
        Agent.submission_id,
        Agent.late,
        TaskRun.max_num_concurrent_units,
        Worker.name,
        Visit.reference,
        Visit.query,
        Visit.status,
    )
    .join(TaskRun, on=(Agent.run == TaskRun.id))
    .join(Worker, on=(Agent.worker == Worker.id))
    .join(Visit, on=(Agent.visit == Visit.id))
    .where(Agent.id == Param("agent"))
)
_ATTEMPT = Statement(_SELECT_ATTEMPT)
_HELD_ATTEMPT = Statement(lambda kind: for_update(_SELECT_ATTEMPT, kind, of=Agent))
_STORE = Statement(
    Agent.update(
        {
            Agent.status: Param("status"),
            Agent.answers: Param("answers"),
            Agent.submission_id: Param("submission"),
            Agent.submitted_at: Param("at"),
            Agent.ended_at: Param("at"),
            Agent.late: Param("late"),
            Agent.unanswered: Param("unanswered"),
        }
    ).where(Agent.id == Param("agent"), Agent.status == Param("old"))
)
_UPLOAD = Statement(
    Upload.insert(
        {
            Upload.agent: Param("agent"),
            Upload.field: Param("field"),
            Upload.filename: Param("filename"),
            Upload.content_type: Param("content_type"),
            Upload.size: Param("size"),
            Upload.sha256: Param("sha256"),
            Upload.path: Param("path"),
            Upload.created_at: Param("at"),
        }
    )
)
_COUNT_DONE = Statement(
    Participation.update(
        {
            Participation.open_units: Participation.open_units - Param("closed"),
            Participation.done_units: Participation.done_units + 1,
            Participation.assignments: Participation.assignments + Param("again"),
        }
    ).where(Participation.run == Param("run"), Participation.worker == Param("worker"))
)
_OTHER_OPEN = Statement(
    Agent.select(peewee.SQL("1"))
    .where(
        Agent.visit == Param("visit"),
        Agent.status << literals(AgentStatus.ONBOARDING, AgentStatus.IN_TASK),
    )
    .limit(1)
)
_OTHER_ATTEMPT = Statement(
    Agent.select(peewee.SQL("1"))
    .where(
        Agent.assignment == Param("assignment"),
        Agent.worker == Param("worker"),
        Agent.id != Param("agent"),
        Agent.status != AgentStatus.RETURNED,
    )
    .limit(1)
)
_VISIT_DONE = Statement(
    Visit.update({Visit.done_at: Param("at")})
    .where(Visit.id == Param("visit"))
    .returning(Visit.status)
)
_UNIT_STATUS = Statement(Unit.select(Unit.status).where(Unit.id == Param("unit")))


def read_attempt(tx: Transaction, agent: int, *, hold: bool = True) -> Attempt | None:
    """Return an agent, or None when there is none.

    :param hold: keep others off it until the commit.
    """
    row = tx.one(_HELD_ATTEMPT if hold else _ATTEMPT, agent=agent)
    if row is None:
        return None
    number, run, worker, visit, unit, assignment, status, submission, late = row[:9]
    window, worker_name, reference, query, visit_status = row[9:]
    return Attempt(
        agent=number,
        run=run,
        is_windowed=bool(window),
        worker=worker,
        worker_name=worker_name,
        visit=visit,
        reference=reference,
        query=query,
        visit_status=VisitStatus(visit_status),
        unit=unit,
        assignment=assignment,
        status=AgentStatus(status),
        submission=submission,
        late=bool(late),
    )


def store_answers(
    tx: Transaction,
    attempt: Attempt,
    *,
    submission: str,
    answers: Any,
    files: Sequence[StoredFile],
    reported_by_platform: bool,
) -> Acknowledgement:
    """Store the answers to a unit, unless this attempt has some.

    Late answers complete the unit if nobody holds it; otherwise it stays with whoever does.
    """
    earlier = earlier_submission(attempt, submission)
    if earlier is not None:
        return earlier
    on_time = attempt.status is AgentStatus.IN_TASK
    returned = attempt.status is AgentStatus.RETURNED
    if returned and tx.one(
        _OTHER_ATTEMPT, assignment=attempt.assignment, worker=attempt.worker, agent=attempt.agent
    ):
        return Acknowledgement(result=Result.CONFLICT, late=True)
    store(tx, attempt, AgentStatus.COMPLETED, submission, answers, files, late=not on_time)
    tx.run(
        _COUNT_DONE,
        run=attempt.run,
        worker=attempt.worker,
        closed=int(on_time),
        again=int(returned),
    )
    _complete_unit(tx, attempt)
    _finish_visit(tx, attempt, reported_by_platform)
    return Acknowledgement(result=Result.STORED, late=not on_time)


def earlier_submission(attempt: Attempt, submission: str) -> Acknowledgement | None:
    """Return what an attempt that has answers is to be told about another submission."""
    if attempt.submission is None:
        return None
    same = attempt.submission == submission
    return Acknowledgement(result=Result.REPEATED if same else Result.CONFLICT, late=attempt.late)


def give_back(tx: Transaction, attempt: Attempt, *, reported_by_platform: bool) -> bool:
    """End an open attempt because the worker wants to; say whether it was open."""
    if attempt.status not in (AgentStatus.IN_TASK, AgentStatus.ONBOARDING):
        return False
    open_one = Attempted(
        agent=attempt.agent,
        unit=attempt.unit,
        worker=attempt.worker,
        visit=attempt.visit,
        status=attempt.status,
    )
    given_back = take_back(
        tx,
        [open_one],
        run=attempt.run,
        new=AgentStatus.RETURNED,
        cause="given back",
        visit_becomes=None if reported_by_platform else VisitStatus.RETURNED,
    )
    return bool(given_back)


def store(
    tx: Transaction,
    attempt: Attempt,
    status: AgentStatus,
    submission: str,
    answers: Any,
    files: Sequence[StoredFile],
    *,
    late: bool,
) -> None:
    """Store answers and files with an attempt that ends by them."""
    check_transition(attempt.status, status, f"agent {attempt.agent}")
    now = to_micros(tx.now)
    unanswered = attempt.unit is not None and not files and not holds_answer(answers)
    tx.run(
        _STORE,
        agent=attempt.agent,
        old=attempt.status.value,
        status=status.value,
        answers=dump_json(answers),
        submission=submission,
        at=now,
        late=late,
        unanswered=unanswered,
    )
    for file in files:
        tx.run(
            _UPLOAD,
            agent=attempt.agent,
            field=file.field,
            filename=file.filename,
            content_type=file.content_type,
            size=file.size,
            sha256=file.sha256,
            path=file.path,
            at=now,
        )
    record(
        tx,
        NewEvent(
            run=attempt.run,
            subject="agent",
            subject_id=attempt.agent,
            old=attempt.status.value,
            new=status.value,
            cause="late submission" if late else "submission",
            agent=attempt.agent,
        ),
    )


def _complete_unit(tx: Transaction, attempt: Attempt) -> None:
    if attempt.unit is None:
        return
    if attempt.status is AgentStatus.IN_TASK and change_unit(
        tx,
        Change(
            run=attempt.run,
            id=attempt.unit,
            old=UnitStatus.ASSIGNED,
            new=UnitStatus.COMPLETED,
            cause="submission",
        ),
        agent=attempt.agent,
    ):
        if attempt.is_windowed:
            release_waiting(tx, attempt.run, closed=1)
        return
    row = tx.one(_UNIT_STATUS, unit=attempt.unit)
    status = UnitStatus(row[0]) if row else None
    if status in (UnitStatus.CREATED, UnitStatus.LAUNCHED, UnitStatus.EXPIRED):
        changed = change_unit(
            tx,
            Change(
                run=attempt.run,
                id=attempt.unit,
                old=status,
                new=UnitStatus.COMPLETED,
                cause="late submission",
            ),
            agent=attempt.agent,
        )
        if changed and status is UnitStatus.LAUNCHED and attempt.is_windowed:
            release_waiting(tx, attempt.run, closed=1)


def _finish_visit(tx: Transaction, attempt: Attempt, reported_by_platform: bool) -> None:
    known = attempt.visit_status
    submits = not reported_by_platform and known in _SUBMITTABLE
    if submits and submit_visit(tx, run=attempt.run, visit=attempt.visit, old=known):
        return
    if tx.one(_OTHER_OPEN, visit=attempt.visit) is not None:
        return
    row = tx.one(_VISIT_DONE, visit=attempt.visit, at=to_micros(tx.now))
    if row is None or reported_by_platform:
        return
    old = VisitStatus(row[0])
    if old in _SUBMITTABLE:
        change_visit(
            tx,
            Change(
                run=attempt.run,
                id=attempt.visit,
                old=old,
                new=VisitStatus.SUBMITTED,
                cause="submission",
            ),
        )
