"""A reviewer's choice: recording its decisions and its grant, and undoing both."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from attrs import Factory, define, frozen

from famulus.engine.answers import StoredAnswer
from famulus.engine.ledger.decision_rules import PlatformRules, Terms
from famulus.engine.ledger.decisions import decide, undo
from famulus.engine.qualifications.grants import grant, granted_value, revoke
from famulus.errors import ConflictError, UsageError
from famulus.model.states import Decision
from famulus.model.transaction import Transaction


@frozen(kw_only=True)
class Choice:
    """The decision of a reviewer on one or more units of a worker, with its grant."""

    decision: Decision
    #: the reason of a rejection, or of a requested return
    note: str = ""
    #: what accepted work earns, in the currency of its run, where that is a part of the reward
    amount: Decimal | None = None
    #: the platform's category of a rejection
    category: str = ""
    #: a qualification to grant to the worker, with ``value``
    qualification: str | None = None
    value: int = 1

    @property
    def needs_rules(self) -> bool:
        """Whether platforms have rules of their own for the decision."""
        is_plain = self.decision in (Decision.ACCEPTED, Decision.SOFT_REJECTED)
        return not is_plain or self.amount is not None or self.category != ""

    def terms(self, rules: PlatformRules) -> Terms:
        """Return the terms of the decision: amount, category and the rules of a platform."""
        return Terms(amount=self.amount, category=self.category, rules=rules)


@frozen(kw_only=True)
class ReviewGrant:
    """A qualification granted with a decision, and the worker's value before it."""

    worker: int
    qualification: str
    value: int
    #: None if the worker did not have the qualification
    before: int | None


@define(kw_only=True)
class RecordedChoice:
    """The effects of one choice; :func:`undo_choice` undoes them together."""

    #: runs in which something has changed
    runs: set[int] = Factory(set)
    #: numbers of units and of their reviews
    reviews: list[tuple[int, int]] = Factory(list)
    granted: ReviewGrant | None = None
    #: one message per unit that was left out: another reviewer has decided on it, or its platform
    #: does not take the choice for it, or not yet
    refused: list[str] = Factory(list)


def read_amount(text: str) -> Decimal | None:
    """Return the amount of money that a person has typed; None if the text is no amount."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def record_choice(
    tx: Transaction,
    units: Sequence[StoredAnswer],
    choice: Choice,
    rules: PlatformRules,
    *,
    is_rest: bool = False,
) -> RecordedChoice:
    """Record a choice for units of one worker; a unit that others have changed is ``refused``.

    :param rules: the rules of the worker's platform.
    :param is_rest: whether a unit that the choice does not fit is ``refused`` too.
    :raises famulus.UsageError: for an invalid name or value of the qualification, and for a
        decision that the platform does not take.
    """
    recorded = RecordedChoice()
    terms = choice.terms(rules)
    refusals = (ConflictError, UsageError) if is_rest else (ConflictError,)
    for unit in units:
        try:
            decided = decide(tx, unit.unit, choice.decision, note=choice.note, terms=terms)
        except refusals as error:
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
    """Restore the value from before the grant, unless it has changed since."""
    worker, name = granted.worker, granted.qualification
    if granted_value(tx, worker=worker, qualification=name) != granted.value:
        return
    if granted.before is None:
        revoke(tx, worker=worker, qualification=name, cause="undo")
    else:
        grant(tx, worker=worker, qualification=name, value=granted.before, cause="undo")
