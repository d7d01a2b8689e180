"""The checks of a decision on a unit: the time that its worker has, and the budget."""

from __future__ import annotations

from datetime import datetime, timedelta

from famulus.engine.ledger.budget import read_budget
from famulus.engine.ledger.decision_rules import Terms
from famulus.engine.ledger.recorded_decisions import ActiveDecision
from famulus.engine.ledger.rewards import reward_fee
from famulus.engine.outbox.begun_calls import has_begun
from famulus.engine.outbox.stored_verdicts import is_rejection, is_return_request, newest_verdict
from famulus.engine.visits import read_visit
from famulus.errors import ConflictError, UsageError
from famulus.model.money import from_minor
from famulus.model.states import Decision, OutboxStatus, VisitStatus
from famulus.model.tables import ReviewTable, TaskRunTable, literal
from famulus.model.transaction import Transaction


def check_rejectable(tx: Transaction, visit: int, before: ActiveDecision, terms: Terms) -> None:
    """Check that the worker has had the time to return a visit since they were asked to.

    :param before: the decision in force on a unit of it.
    :raises famulus.ConflictError: otherwise; the message says until when they have time.
    """
    days = terms.rules.capabilities.days_before_rejection
    if before.decision is not Decision.RETURN_REQUESTED or not days:
        return
    asked_at = before.applied_at or before.decided_at
    request = newest_verdict(tx, visit)
    if request is not None and is_return_request(request):
        if request.status is OutboxStatus.PENDING:
            raise ConflictError(
                f"unit {before.unit} cannot be rejected yet: the return of its visit has "
                f"not been requested yet, and the worker has {days} days after the request"
            )
        asked_at = request.done_at
    possible = asked_at + timedelta(days=days)
    if tx.now < possible:
        raise ConflictError(
            f"unit {before.unit} cannot be rejected before {shown_time(possible)}: the return of "
            f"its visit was requested on {asked_at:%Y-%m-%d}"
        )


def is_reworded(before: ActiveDecision, note: str, category: str) -> bool:
    """Return whether a repeated decision has a different reason from the one in force.

    A decision without a note keeps the note in force.
    """
    return (note or before.note, category) != (before.note, before.category)


def check_rewordable(tx: Transaction, visit: int, before: ActiveDecision) -> None:
    """Check that the reason of a decision on a visit can be replaced by another one.

    It cannot be replaced once the platform may have received it: a platform does not read a verdict
    twice.

    :param before: the rejection or the requested return that is in force.
    :raises famulus.ConflictError: otherwise; the message has the reason that is sent.
    """
    if not before.is_applied:
        return
    is_request = before.decision is Decision.RETURN_REQUESTED
    is_its_verdict = is_return_request if is_request else is_rejection
    verdict = newest_verdict(tx, visit)
    if verdict is None or not is_its_verdict(verdict):
        is_sent = read_visit(tx, visit).status is VisitStatus.REJECTED
    elif verdict.status is OutboxStatus.PENDING and has_begun(verdict):
        raise ConflictError(f"{_sent(before)} is being sent to the platform{_reason(before)}")
    else:
        is_sent = verdict.status is OutboxStatus.DONE
    if is_sent:
        raise ConflictError(f"{_sent(before)} was sent to the platform{_reason(before)}")


def _sent(decision: ActiveDecision) -> str:
    is_request = decision.decision is Decision.RETURN_REQUESTED
    what = "request to return the visit" if is_request else "rejection"
    return f"the {what} of unit {decision.unit}"


def _reason(decision: ActiveDecision) -> str:
    category = f" and the category {decision.category}" if decision.category else ""
    return f" with the reason {decision.note!r}{category}, which can no longer change"


def is_rejection_undone(tx: Transaction, agent: int) -> bool:
    """Return whether a rejection of an attempt was undone, here or on the platform."""
    query = ReviewTable.select(ReviewTable.id).where(
        ReviewTable.agent == agent,
        ReviewTable.decision == literal(Decision.REJECTED),
        ReviewTable.undone_at.is_null(False),
    )
    return tx.row(query.limit(1)) is not None


def check_correction(
    tx: Transaction, run: int, unit: int, amount: int | None, *, is_counted: bool
) -> None:
    """Check that a budget covers accepting a unit after its rejection.

    The money that the rejection freed may be promised to other units by then.

    :param amount: what the unit earns if that is a part of its reward, in minor units.
    :param is_counted: whether the budget counts the unit, which is up for review again.
    :raises famulus.UsageError: when it does not; the message has the figures and the remedy.
    """
    budget = read_budget(tx, run)
    if budget is None:
        return
    priced = tx.row(
        TaskRunTable.select(TaskRunTable.reward, TaskRunTable.currency).where(
            TaskRunTable.id == run
        )
    )
    assert priced is not None
    earned = priced.reward if amount is None else amount
    cost = earned + reward_fee(earned, reward=priced.reward, unit_cost=budget.unit_cost)
    left = budget.left + (budget.unit_cost if is_counted else 0)
    if left >= cost:
        return
    most, rest, wanted = (
        from_minor(each, priced.currency) for each in (budget.most, max(left, 0), cost)
    )
    raise UsageError(
        f"unit {unit} cannot be accepted after its rejection: that costs {wanted} "
        f"{priced.currency} with fees, but only {rest} of the budget of {most} {priced.currency} "
        f"are left; its worker is not paid until `famulus set {run} max_spend=…` raises the budget "
        f"of run {run}"
    )


def shown_time(time: datetime) -> str:
    """Return a time in the format of messages."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
