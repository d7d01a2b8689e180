"""One answer of a reviewer: the decisions and the grant it makes, and taking both back."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import Factory, define, frozen

from famulus.data.unit_records import UnitRecord
from famulus.engine.ledger.decisions import decide, undo
from famulus.engine.qualifications.grants import grant, granted_value, revoke
from famulus.errors import ConflictError
from famulus.model.states import Decision
from famulus.model.transaction import Transaction


@frozen(kw_only=True)
class Choice:
    """What a reviewer has chosen."""

    decision: Decision
    #: the reason of a rejection
    note: str = ""
    #: the worker is granted that qualification, with that value
    qualification: str | None = None
    value: int = 1


@frozen(kw_only=True)
class Granted:
    """What a worker was granted with a decision, and what they had held before."""

    worker: int
    qualification: str
    value: int
    before: int | None


@define(kw_only=True)
class Made:
    """One answer of the reviewer: decisions that are undone together."""

    #: runs in which something has changed
    runs: set[int] = Factory(set)
    #: units and the numbers of their reviews
    reviews: list[tuple[int, int]] = Factory(list)
    granted: Granted | None = None
    #: why units were left out: others have decided on them meanwhile
    refused: list[str] = Factory(list)


def make_answer(tx: Transaction, units: Sequence[UnitRecord], choice: Choice) -> Made:
    """Decide on units of one worker; those that others have changed are left out, as ``refused``.

    :raises famulus.UsageError: for a qualification or value that nothing can have.
    """
    made = Made()
    for unit in units:
        try:
            decided = decide(tx, unit.id, choice.decision, note=choice.note)
        except ConflictError as error:
            made.refused.append(str(error))
            continue
        if decided.changed and decided.standing is not None:
            made.runs.add(decided.run)
            made.reviews.append((unit.id, decided.standing.review))
    if choice.qualification is not None and len(made.refused) < len(units):
        made.granted = _qualify(tx, units[0].worker.id, choice.qualification, choice.value)
    return made


def take_back(tx: Transaction, reviews: Sequence[tuple[int, int]], granted: Granted | None) -> Made:
    """Undo decisions, and with them what was granted; return what was undone."""
    undone = Made()
    for unit, review in reviews:
        try:
            undo(tx, unit, review=review)
        except ConflictError as error:
            undone.refused.append(str(error))
        else:
            undone.reviews.append((unit, review))
    if granted is not None and undone.reviews:
        _ungrant(tx, granted)
        undone.granted = granted
    return undone


def _qualify(tx: Transaction, worker: int, qualification: str, value: int) -> Granted | None:
    before = granted_value(tx, worker=worker, qualification=qualification)
    changed = grant(tx, worker=worker, qualification=qualification, value=value, cause="review")
    if not changed:
        return None
    return Granted(worker=worker, qualification=qualification, value=value, before=before)


def _ungrant(tx: Transaction, granted: Granted) -> None:
    """Give back what was held before, unless somebody has changed it since."""
    worker, name = granted.worker, granted.qualification
    if granted_value(tx, worker=worker, qualification=name) != granted.value:
        return
    if granted.before is None:
        revoke(tx, worker=worker, qualification=name, cause="undo")
    else:
        grant(tx, worker=worker, qualification=name, value=granted.before, cause="undo")
