"""A reviewer's choice: the decisions and the grant it makes, and undoing both."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import Factory, define, frozen

from famulus.engine.answers import StoredAnswer
from famulus.engine.ledger.decisions import decide, undo
from famulus.engine.qualifications.grants import grant, granted_value, revoke
from famulus.errors import ConflictError
from famulus.model.states import Decision
from famulus.model.transaction import Transaction


@frozen(kw_only=True)
class Choice:
    """The decision of a reviewer on one or more units of a worker, with its grant."""

    decision: Decision
    #: the reason of a rejection
    note: str = ""
    #: a qualification to grant to the worker, with ``value``
    qualification: str | None = None
    value: int = 1


@frozen(kw_only=True)
class ReviewGrant:
    """A qualification granted with a decision, and the worker's value before it."""

    worker: int
    qualification: str
    value: int
    #: None where the worker did not have the qualification
    before: int | None


@define(kw_only=True)
class RecordedChoice:
    """The effects of one choice, which are undone together."""

    #: runs in which something has changed
    runs: set[int] = Factory(set)
    #: numbers of units and of their reviews
    reviews: list[tuple[int, int]] = Factory(list)
    granted: ReviewGrant | None = None
    #: one message per unit that was left out, because another reviewer has decided on it
    refused: list[str] = Factory(list)


def record_choice(tx: Transaction, units: Sequence[StoredAnswer], choice: Choice) -> RecordedChoice:
    """Record a choice for units of one worker; a unit that others have changed is ``refused``.

    :raises famulus.UsageError: for an invalid name or value of the qualification.
    """
    recorded = RecordedChoice()
    for unit in units:
        try:
            decided = decide(tx, unit.unit, choice.decision, note=choice.note)
        except ConflictError as error:
            recorded.refused.append(str(error))
            continue
        if decided.changed and decided.active is not None:
            recorded.runs.add(decided.run)
            recorded.reviews.append((unit.unit, decided.active.review))
    if choice.qualification is not None and len(recorded.refused) < len(units):
        worker = units[0].worker_id
        recorded.granted = _grant(tx, worker, choice.qualification, choice.value)
    return recorded


def undo_choice(
    tx: Transaction, reviews: Sequence[tuple[int, int]], granted: ReviewGrant | None
) -> RecordedChoice:
    """Undo decisions and the grant made with them; return what was undone."""
    undone = RecordedChoice()
    for unit, review in reviews:
        try:
            undo(tx, unit, review=review)
        except ConflictError as error:
            undone.refused.append(str(error))
        else:
            undone.reviews.append((unit, review))
    if granted is not None and undone.reviews:
        _undo_grant(tx, granted)
        undone.granted = granted
    return undone


def _grant(tx: Transaction, worker: int, qualification: str, value: int) -> ReviewGrant | None:
    before = granted_value(tx, worker=worker, qualification=qualification)
    changed = grant(tx, worker=worker, qualification=qualification, value=value, cause="review")
    if not changed:
        return None
    return ReviewGrant(worker=worker, qualification=qualification, value=value, before=before)


def _undo_grant(tx: Transaction, granted: ReviewGrant) -> None:
    """Restore the value from before, unless it was changed again since."""
    worker, name = granted.worker, granted.qualification
    if granted_value(tx, worker=worker, qualification=name) != granted.value:
        return
    if granted.before is None:
        revoke(tx, worker=worker, qualification=name, cause="undo")
    else:
        grant(tx, worker=worker, qualification=name, value=granted.before, cause="undo")
