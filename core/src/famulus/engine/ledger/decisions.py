"""Record a decision on a unit's answers, or undo one before it is applied.

Everything here happens inside a transaction and calls no third-party code.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from attrs import evolve, frozen

from famulus.engine.ledger.decision_checks import (
    check_correction,
    check_rejectable,
    check_rewordable,
    is_rejection_undone,
    is_reworded,
    shown_time,
)
from famulus.engine.ledger.decision_rules import NO_TERMS, Terms
from famulus.engine.ledger.recorded_decisions import (
    UNAPPLIED,
    ActiveDecision,
    read_decisions,
    read_return_request,
)
from famulus.engine.ledger.remainders import is_beyond_reward
from famulus.engine.ledger.visit_work import read_worth
from famulus.engine.status import Change, change_agent, change_unit
from famulus.errors import ConflictError, NotFoundError, UsageError
from famulus.model.money import to_minor
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import (
    DONE_UNITS,
    PENDING_VISITS,
    AgentStatus,
    Decision,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import (
    AgentTable,
    ReviewTable,
    UnitTable,
    VisitTable,
)
from famulus.model.transaction import Transaction
from famulus.names import check_text

#: The causes in the events of these changes of status.
REVIEW, UNDO = "review", "undo"

#: Visits for which the platform has paid, and whose pay cannot be less any more.
_PAID = (VisitStatus.APPROVED, VisitStatus.SCREENED_OUT)
#: Decisions after which work is paid.
_EARNING = (Decision.ACCEPTED, Decision.SOFT_REJECTED)
#: The status of a unit after each decision.
STATUSES: Mapping[Decision, UnitStatus] = MappingProxyType(
    {
        Decision.ACCEPTED: UnitStatus.ACCEPTED,
        Decision.SOFT_REJECTED: UnitStatus.SOFT_REJECTED,
        Decision.REJECTED: UnitStatus.REJECTED,
        Decision.RETURN_REQUESTED: UnitStatus.COMPLETED,
    }
)
_AGENTS: Mapping[Decision, AgentStatus] = MappingProxyType(
    {
        Decision.ACCEPTED: AgentStatus.APPROVED,
        Decision.SOFT_REJECTED: AgentStatus.SOFT_REJECTED,
        Decision.REJECTED: AgentStatus.REJECTED,
        Decision.RETURN_REQUESTED: AgentStatus.COMPLETED,
    }
)


@frozen(kw_only=True)
class Decided:
    """The result of a decision, or of undoing one."""

    unit: int
    run: int
    agent: int
    #: the new status of the unit
    status: UnitStatus
    #: the decision in force; None if there is none any more
    active: ActiveDecision | None
    #: False if the same decision was in force already: nothing was written
    changed: bool


@frozen(kw_only=True)
class _Case:
    """A unit with answers, locked until the commit, and the decisions on it."""

    unit: int
    run: int
    agent: int
    visit: int
    visit_status: VisitStatus
    status: UnitStatus
    agent_status: AgentStatus
    #: newest first
    active: tuple[ActiveDecision, ...]
    undone_at: datetime | None


class _UnitRow(NamedTuple):
    run: int
    agent_id: int
    status: str


class _AgentRow(NamedTuple):
    status: str
    visit: int


_VISIT = (
    VisitTable.select(VisitTable.status)
    .join(AgentTable, on=(AgentTable.visit == VisitTable.id))
    .join(UnitTable, on=(UnitTable.agent_id == AgentTable.id))
    .where(UnitTable.id == Param("unit"))
)
#: ``apply_decisions`` locks the visit too, so that its units cannot change while it reads them.
_LOCK_VISIT = Statement(lambda kind: for_update(_VISIT, kind, of=VisitTable))
_UNIT = Statement(
    UnitTable.select(UnitTable.run.alias("run"), UnitTable.agent_id, UnitTable.status).where(
        UnitTable.id == Param("unit")
    ),
    _UnitRow,
)
_AGENT = Statement(
    AgentTable.select(AgentTable.status, AgentTable.visit.alias("visit")).where(
        AgentTable.id == Param("agent")
    ),
    _AgentRow,
)
_ADD = Statement(
    ReviewTable.insert(
        {
            ReviewTable.unit: Param("unit"),
            ReviewTable.agent: Param("agent"),
            ReviewTable.decision: Param("decision"),
            ReviewTable.note: Param("note"),
            ReviewTable.amount: Param("amount"),
            ReviewTable.category: Param("category"),
            ReviewTable.decided_at: Param("at"),
        }
    ).returning(ReviewTable.id)
)
_NOTE = Statement(
    ReviewTable.update({ReviewTable.note: Param("note")}).where(ReviewTable.id == Param("review"))
)
_UNDO = Statement(
    ReviewTable.update({ReviewTable.undone_at: Param("at")}).where(
        ReviewTable.id == Param("review"), UNAPPLIED
    )
)


def decide(
    tx: Transaction,
    unit: int,
    decision: Decision,
    *,
    note: str = "",
    seen: UnitStatus = UnitStatus.COMPLETED,
    terms: Terms = NO_TERMS,
) -> Decided:
    """Record a decision on the answers that completed a unit.

    Only ``apply_decisions`` writes ledger and outbox rows. Repeating the decision in force writes
    nothing, nor does asking again for the return of a visit through any of its units. A repeated
    decision with another reason replaces the earlier one, unless sending that one has begun. The
    note of accepted work is not sent, and can be replaced at any time.

    :param note: the reason of a rejection, or of a requested return; the worker may read it.
    :param seen: the status that the reviewer has seen. ``REJECTED`` allows an applied rejection to
        be corrected to an acceptance or a soft rejection. An applied acceptance is paid, and stays.
    :raises famulus.ConflictError: when the unit's status has changed, or the worker still has time
        to return the visit; the message says since or until when. Also when another reason is being
        sent, or was sent, to the platform.
    :raises famulus.NotFoundError: when there is no such unit.
    :raises famulus.UsageError: for a decision that the platform's rules do not allow, a rejection
        without a reason, a note that cannot be stored, and an acceptance after a rejection that the
        run's ``max_spend`` does not cover.
    """
    fault = terms.fault(decision, note)
    if fault is not None:
        raise UsageError(f"unit {unit}: {fault}")
    check_text(note, "note")
    case = _lock_case(tx, unit)
    amount = _amount(tx, case, terms)
    before = case.active[0] if case.active else None
    if before is not None and (before.decision, before.amount) == (decision, amount):
        if not is_reworded(before, note, terms.category):
            return _decided(case, before, changed=False)
        if case.status is not seen:
            raise ConflictError(_describe(case))
        if decision in _EARNING:
            tx.run(_NOTE, review=before.review, note=note)
            return _decided(case, evolve(before, note=note), changed=True)
        check_rewordable(tx, case.visit, before)
    elif case.status is not seen or (before is not None and not _is_correctable(before)):
        raise ConflictError(_describe(case))
    else:
        same = _check_new(tx, case, decision, note=note, amount=amount, terms=terms)
        if same is not None:
            return _decided(case, same, changed=False)
    review = tx.one(
        _ADD,
        unit=unit,
        agent=case.agent,
        decision=decision.value,
        note=note,
        amount=amount,
        category=terms.category,
        at=tx.micros,
    )
    assert review is not None
    active = ActiveDecision(
        review=int(review[0]),
        unit=unit,
        decision=decision,
        note=note,
        amount=amount,
        category=terms.category,
        decided_at=tx.now,
        applied_at=None,
    )
    return _change(tx, case, active, REVIEW)


def undo(tx: Transaction, unit: int, *, review: int | None = None) -> Decided:
    """Undo the newest decision on a unit; the one before it is in force again.

    :param review: the id of the decision to undo; no other is undone.
    :raises famulus.ConflictError: when there is none, or it is applied.
    """
    case = _lock_case(tx, unit)
    if (
        not case.active
        or case.active[0].is_applied
        or (review is not None and case.active[0].review != review)
    ):
        raise ConflictError(f"there is nothing to undo: {_describe(case)}")
    tx.run(_UNDO, review=case.active[0].review, at=tx.micros)
    return _change(tx, case, case.active[1] if len(case.active) > 1 else None, UNDO)


def _lock_case(tx: Transaction, unit: int) -> _Case:
    visit = tx.one(_LOCK_VISIT, unit=unit)
    row = tx.one(_UNIT, unit=unit)
    if row is None:
        raise NotFoundError(f"there is no unit {unit}")
    status = UnitStatus(row.status)
    if status not in DONE_UNITS:
        raise ConflictError(f"unit {unit} is {status}: it has no answers to decide on")
    agent = tx.one(_AGENT, agent=row.agent_id)
    assert agent is not None
    assert visit is not None
    active, undone_at = read_decisions(tx, unit, row.agent_id)
    return _Case(
        unit=unit,
        run=row.run,
        agent=row.agent_id,
        status=status,
        visit=agent.visit,
        visit_status=VisitStatus(visit[0]),
        agent_status=AgentStatus(agent.status),
        active=active,
        undone_at=undone_at,
    )


def _amount(tx: Transaction, case: _Case, terms: Terms) -> int | None:
    """Return the amount of a partial acceptance in minor units, or None."""
    if terms.amount is None:
        return None
    worth = read_worth(tx, case.unit, case.visit)
    fault = terms.rules.amount_fault(terms.amount, worth)
    if fault is not None:
        raise UsageError(f"unit {case.unit}: {fault}")
    return to_minor(terms.amount, worth.currency)


def _check_new(
    tx: Transaction,
    case: _Case,
    decision: Decision,
    *,
    note: str,
    amount: int | None,
    terms: Terms,
) -> ActiveDecision | None:
    """Check a new decision on a unit; return the same return request if its visit has one."""
    before = case.active[0] if case.active else None
    if decision in _EARNING:
        _check_earning(tx, case, before, amount)
    elif decision is Decision.REJECTED and before is not None:
        check_rejectable(tx, case.visit, before, terms)
    elif decision is Decision.RETURN_REQUESTED:
        if case.status is not UnitStatus.COMPLETED:
            raise ConflictError(_describe(case))
        if case.visit_status not in PENDING_VISITS:
            raise ConflictError(
                f"unit {case.unit} cannot be returned: the platform reports its visit as "
                f"{case.visit_status}"
            )
        request = read_return_request(tx, case.visit)
        if request is not None and not is_reworded(request, note, ""):
            return request
        if request is not None:
            check_rewordable(tx, case.visit, request)
    return None


def _is_correctable(active: ActiveDecision) -> bool:
    correctable = (Decision.REJECTED, Decision.RETURN_REQUESTED)
    return active.is_applied and active.decision in correctable


def _check_earning(
    tx: Transaction, case: _Case, before: ActiveDecision | None, amount: int | None
) -> None:
    """Check that a unit can still earn an amount, and that the budget covers rejected work."""
    if (
        amount is not None
        and case.visit_status in _PAID
        and not is_beyond_reward(tx, case.visit, amount)
    ):
        raise ConflictError(
            f"unit {case.unit} cannot be accepted for less: the platform reports its visit as "
            f"{case.visit_status}"
        )
    is_rejected = before is not None and before.decision is Decision.REJECTED
    if is_rejected or (case.undone_at is not None and is_rejection_undone(tx, case.agent)):
        check_correction(tx, case.run, case.unit, amount, is_counted=not is_rejected)


def _describe(case: _Case) -> str:
    if not case.active:
        text = f"unit {case.unit} is {case.status}"
        if case.undone_at is None:
            return text
        return f"{text} since {shown_time(case.undone_at)}, when a decision was undone"
    active = case.active[0]
    what = f"unit {case.unit} is {case.status}"
    if active.decision is Decision.RETURN_REQUESTED:
        what = f"the return of the visit of unit {case.unit} is requested"
    text = f"{what} since {shown_time(active.decided_at)}"
    if not active.is_applied:
        return f"{text}, by a review that can still undo it"
    if active.decision is Decision.REJECTED:
        return f"{text}, and that is final"
    return f"{text}, and that is final: the work is paid for"


def _change(tx: Transaction, case: _Case, active: ActiveDecision | None, cause: str) -> Decided:
    unit = UnitStatus.COMPLETED if active is None else STATUSES[active.decision]
    agent = AgentStatus.COMPLETED if active is None else _AGENTS[active.decision]
    # A requested return changes neither status, and neither does undoing it.
    if unit is not case.status:
        change_unit(
            tx,
            Change(run=case.run, id=case.unit, old=case.status, new=unit, cause=cause),
            agent=case.agent,
        )
    if agent is not case.agent_status:
        change_agent(
            tx, Change(run=case.run, id=case.agent, old=case.agent_status, new=agent, cause=cause)
        )
    return Decided(
        unit=case.unit,
        run=case.run,
        agent=case.agent,
        status=unit,
        active=active,
        changed=True,
    )


def _decided(case: _Case, active: ActiveDecision, *, changed: bool) -> Decided:
    return Decided(
        unit=case.unit,
        run=case.run,
        agent=case.agent,
        status=case.status,
        active=active,
        changed=changed,
    )
