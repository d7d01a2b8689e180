"""Storing submissions: each once, never overwritten, late ones marked.

Everything here happens inside a transaction and calls no third-party code.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from attrs import frozen

from famulus.engine.attempts import (
    Attempt,
    OpenAttempt,
    has_open_attempt,
    has_other_attempt,
)
from famulus.engine.ledger.replacement_units import match_replacements
from famulus.engine.ledger.withdrawn_work import withdraw_work
from famulus.engine.status import Answered, Change, change_visit, submit_agent, submit_visit
from famulus.engine.submitted_answers import holds_answer
from famulus.engine.units import complete_unit, give_back_units
from famulus.engine.window import release_waiting
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import (
    OPEN_AGENTS,
    OPEN_VISITS,
    UNSUBMITTED_VISITS,
    AgentStatus,
    VisitStatus,
)
from famulus.model.tables import UploadTable, VisitTable
from famulus.model.transaction import Transaction


class Result(StrEnum):
    """The outcome of a submission."""

    STORED = "stored"
    #: the same submission came before, and is acknowledged again
    REPEATED = "repeated"
    #: other answers of this attempt are stored and stay as they are
    CONFLICT = "conflict"


@frozen(kw_only=True)
class StoredFile:
    """An uploaded file, synced to the disk, in the database's folder of files."""

    field: str
    filename: str
    content_type: str
    size: int
    sha256: str
    path: str


@frozen(kw_only=True)
class NewSubmission:
    """The content of a submission."""

    #: the same for a form that is sent again
    id: str
    #: anything that is JSON
    answers: Any
    files: Sequence[StoredFile]
    #: the tag of the language of the page
    language: str


@frozen(kw_only=True)
class Acknowledgement:
    """What the worker is shown about a submission, once its transaction is committed."""

    result: Result
    late: bool


#: Visits that become submitted once their last answers are stored.
_SUBMITTABLE = (*OPEN_VISITS, *UNSUBMITTED_VISITS)


_UPLOAD = Statement(
    UploadTable.insert(
        {
            UploadTable.agent: Param("agent"),
            UploadTable.field: Param("field"),
            UploadTable.filename: Param("filename"),
            UploadTable.content_type: Param("content_type"),
            UploadTable.size: Param("size"),
            UploadTable.sha256: Param("sha256"),
            UploadTable.path: Param("path"),
            UploadTable.created_at: Param("at"),
        }
    )
)
_VISIT_DONE = Statement(
    VisitTable.update({VisitTable.done_at: Param("at")})
    .where(VisitTable.id == Param("visit"))
    .returning(VisitTable.status)
)
_LOCK_VISIT = Statement(
    lambda kind: for_update(
        VisitTable.select(VisitTable.status).where(VisitTable.id == Param("visit")), kind
    )
)


def store_answers(
    tx: Transaction,
    attempt: Attempt,
    submission: NewSubmission,
    *,
    reported_by_platform: bool,
    replaced_by_platform: bool,
) -> tuple[Acknowledgement, Attempt]:
    """Store the answers to a unit, unless this attempt has answers already.

    Return the acknowledgement and the attempt. The attempt has the time at which its visit became
    done, if it did. Late answers complete the unit unless another worker works on it or has
    completed it.

    :param replaced_by_platform: whether the platform sells the place of a visit that was rejected
        or returned again by itself. The unit is then offered again, as if the late answers had come
        before that.
    """
    earlier = earlier_submission(attempt, submission.id)
    if earlier is not None:
        return earlier, attempt
    late = attempt.status is not AgentStatus.IN_TASK
    if attempt.status is AgentStatus.RETURNED and has_other_attempt(tx, attempt):
        return Acknowledgement(result=Result.CONFLICT, late=True), attempt
    # A report that is being applied ends the visit before these answers, or finds them.
    ended_as = _lock_visit(tx, attempt.visit) if late and replaced_by_platform else None
    store(tx, attempt, AgentStatus.COMPLETED, submission, late=late)
    has_room = attempt.unit is not None and complete_unit(tx, attempt)
    if has_room and attempt.window:
        release_waiting(tx, attempt.run, closed=1)
    if _finish_visit(tx, attempt, reported_by_platform):
        attempt = attempt._replace(visit_done_at=tx.micros)
    if ended_as is VisitStatus.RETURNED:
        withdraw_work(tx, attempt.run, attempt.visit, is_refilled=True)
    elif ended_as is not None:
        match_replacements(tx, attempt.run, attempt.visit)
    return Acknowledgement(result=Result.STORED, late=late), attempt


def earlier_submission(attempt: Attempt, submission: str) -> Acknowledgement | None:
    """Return the outcome of a submission for an attempt that has answers already.

    Return None if the attempt has no answers.
    """
    if attempt.submission is None:
        return None
    same = attempt.submission == submission
    return Acknowledgement(result=Result.REPEATED if same else Result.CONFLICT, late=attempt.late)


def give_back(tx: Transaction, attempt: Attempt, *, reported_by_platform: bool) -> bool:
    """End an attempt at the worker's request and free its unit; return whether it was open."""
    if attempt.status not in OPEN_AGENTS:
        return False
    open_one = OpenAttempt(
        agent=attempt.agent,
        unit=attempt.unit,
        worker=attempt.worker,
        visit=attempt.visit,
        status=attempt.status,
    )
    given_back = give_back_units(
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
    submission: NewSubmission,
    *,
    late: bool,
) -> None:
    """Store answers and files with an attempt, and end it."""
    change = Change(
        run=attempt.run,
        id=attempt.agent,
        old=attempt.status,
        new=status,
        cause="late submission" if late else "submission",
    )
    is_empty = not submission.files and not holds_answer(submission.answers)
    submit_agent(
        tx,
        change,
        Answered(
            submission=submission.id,
            answers=submission.answers,
            late=late,
            unanswered=attempt.unit is not None and is_empty,
            language=submission.language,
        ),
    )
    for file in submission.files:
        tx.run(
            _UPLOAD,
            agent=attempt.agent,
            field=file.field,
            filename=file.filename,
            content_type=file.content_type,
            size=file.size,
            sha256=file.sha256,
            path=file.path,
            at=tx.micros,
        )


def _lock_visit(tx: Transaction, visit: int) -> VisitStatus:
    """Lock a visit until the commit; return its status."""
    row = tx.one(_LOCK_VISIT, visit=visit)
    assert row is not None
    return VisitStatus(row[0])


def _finish_visit(tx: Transaction, attempt: Attempt, reported_by_platform: bool) -> bool:
    """Mark the work of a visit as done, unless an attempt is open; return whether it is done."""
    known = attempt.visit_status
    submits = not reported_by_platform and known in _SUBMITTABLE
    if submits and submit_visit(tx, run=attempt.run, visit=attempt.visit, old=known):
        return True
    if has_open_attempt(tx, attempt.visit):
        return False
    row = tx.one(_VISIT_DONE, visit=attempt.visit, at=tx.micros)
    assert row is not None
    old = VisitStatus(row[0])
    if not reported_by_platform and old in _SUBMITTABLE:
        new = VisitStatus.SUBMITTED
        change = Change(run=attempt.run, id=attempt.visit, old=old, new=new, cause="submission")
        change_visit(tx, change)
    return True
