"""Record a decision on a unit's answers, or undo one before it is applied.

Everything here happens inside a transaction and calls no third-party code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from attrs import frozen

from famulus.engine.status import Change, change_agent, change_unit
from famulus.errors import ConflictError, NotFoundError, UsageError
from famulus.model.fields import from_micros
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import DONE_UNITS, AgentStatus, Decision, UnitStatus
from famulus.model.tables import AgentTable, ReviewTable, UnitTable, VisitTable
from famulus.model.transaction import Transaction
from famulus.names import check_text

#: The causes in the events of these changes of status.
REVIEW, UNDO = "review", "undo"

#: Condition on decisions: they are in force, and can still be undone.
UNAPPLIED = ReviewTable.applied_at.is_null() & ReviewTable.undone_at.is_null()
#: The status of a unit after each decision.
STATUSES: Mapping[Decision, UnitStatus] = MappingProxyType(
    {
        Decision.ACCEPTED: UnitStatus.ACCEPTED,
        Decision.SOFT_REJECTED: UnitStatus.SOFT_REJECTED,
        Decision.REJECTED: UnitStatus.REJECTED,
    }
)
_AGENTS: Mapping[Decision, AgentStatus] = MappingProxyType(
    {
        Decision.ACCEPTED: AgentStatus.APPROVED,
        Decision.SOFT_REJECTED: AgentStatus.SOFT_REJECTED,
        Decision.REJECTED: AgentStatus.REJECTED,
    }
)


@frozen(kw_only=True)
class ActiveDecision:
    """A decision that is in force."""

    review: int
    decision: Decision
    note: str
    decided_at: datetime
    #: whether it has led to ledger and outbox rows, so that it cannot be undone
    is_applied: bool


@frozen(kw_only=True)
class Decided:
    """The result of a decision, or of undoing one."""

    unit: int
    run: int
    agent: int
    #: the new status of the unit
    status: UnitStatus
    #: the decision in force; None where there is none any more
    active: ActiveDecision | None
    #: False where the same decision was in force already: nothing was written
    changed: bool


@frozen(kw_only=True)
class _Case:
    """A unit with answers, locked until the commit, and the decisions on it."""

    unit: int
    run: int
    agent: int
    status: UnitStatus
    agent_status: AgentStatus
    #: newest first
    active: tuple[ActiveDecision, ...]
    undone_at: datetime | None


class _UnitRow(NamedTuple):
    run: int
    agent_id: int
    status: str


class _ReviewRow(NamedTuple):
    id: int
    decision: str
    note: str
    decided_at: int
    applied_at: int | None
    undone_at: int | None

    @property
    def active(self) -> ActiveDecision:
        return ActiveDecision(
            review=self.id,
            decision=Decision(self.decision),
            note=self.note,
            decided_at=from_micros(self.decided_at),
            is_applied=self.applied_at is not None,
        )


_VISIT = (
    VisitTable.select(VisitTable.id)
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
_AGENT = Statement(AgentTable.select(AgentTable.status).where(AgentTable.id == Param("agent")))
_REVIEWS = Statement(
    ReviewTable.select(
        ReviewTable.id,
        ReviewTable.decision,
        ReviewTable.note,
        ReviewTable.decided_at,
        ReviewTable.applied_at,
        ReviewTable.undone_at,
    )
    .where(ReviewTable.unit == Param("unit"))
    .order_by(ReviewTable.id.desc()),
    _ReviewRow,
)
_ADD = Statement(
    ReviewTable.insert(
        {
            ReviewTable.unit: Param("unit"),
            ReviewTable.agent: Param("agent"),
            ReviewTable.decision: Param("decision"),
            ReviewTable.note: Param("note"),
            ReviewTable.decided_at: Param("at"),
        }
    ).returning(ReviewTable.id)
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
) -> Decided:
    """Record a decision on the answers that completed a unit.

    Only ``apply_decisions`` writes ledger and outbox rows. Repeating the decision that is in force
    writes nothing.

    :param note: the reason of a rejection, which must have one; the worker may read it.
    :param seen: the status that the reviewer has seen. ``REJECTED`` allows an applied rejection to
        be corrected to an acceptance or a soft rejection. An applied acceptance is paid, and stays.
    :raises famulus.ConflictError: when the unit's status has changed; the message names it.
    :raises famulus.NotFoundError: when there is no such unit.
    :raises famulus.UsageError: for a rejection without a reason, or a note that cannot be stored.
    """
    if decision is Decision.REJECTED and not note.strip():
        raise UsageError(f"unit {unit}: a rejection needs a reason")
    check_text(note, "note")
    case = _lock_case(tx, unit)
    before = case.active[0] if case.active else None
    if before is not None and before.decision is decision:
        return _decided(case, before, changed=False)
    if case.status is not seen or (before is not None and not _is_correctable(before)):
        raise ConflictError(_describe(case))
    review = tx.one(
        _ADD,
        unit=unit,
        agent=case.agent,
        decision=decision.value,
        note=note,
        at=tx.micros,
    )
    assert review is not None
    active = ActiveDecision(
        review=int(review[0]), decision=decision, note=note, decided_at=tx.now, is_applied=False
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


def unapplied_units(
    tx: Transaction, runs: Sequence[int], *, after: int = 0, most: int = 500
) -> list[int]:
    """Return the ids of units of runs whose decision is not applied yet, in ascending order.

    :param after: the last unit of the page before.
    """
    query = (
        ReviewTable.select(ReviewTable.unit.alias("unit"))
        .join(UnitTable, on=(ReviewTable.unit == UnitTable.id))
        .where(
            UNAPPLIED,
            ReviewTable.unit > after,
            UnitTable.run << list(runs),
        )
        .order_by(ReviewTable.unit)
        .distinct()
        .limit(most)
    )
    return [row.unit for row in tx.rows(query)]


def _lock_case(tx: Transaction, unit: int) -> _Case:
    tx.one(_LOCK_VISIT, unit=unit)
    row = tx.one(_UNIT, unit=unit)
    if row is None:
        raise NotFoundError(f"there is no unit {unit}")
    status = UnitStatus(row.status)
    if status not in DONE_UNITS:
        raise ConflictError(f"unit {unit} is {status}: it has no answers to decide on")
    agent = tx.one(_AGENT, agent=row.agent_id)
    assert agent is not None
    reviews = tx.all(_REVIEWS, unit=unit)
    undone_at = reviews[0].undone_at if reviews else None
    return _Case(
        unit=unit,
        run=row.run,
        agent=row.agent_id,
        status=status,
        agent_status=AgentStatus(agent[0]),
        active=tuple(each.active for each in reviews if each.undone_at is None),
        undone_at=None if undone_at is None else from_micros(undone_at),
    )


def _is_correctable(active: ActiveDecision) -> bool:
    return active.is_applied and active.decision is Decision.REJECTED


def _describe(case: _Case) -> str:
    if not case.active:
        text = f"unit {case.unit} is {case.status}"
        if case.undone_at is None:
            return text
        return f"{text} since {_at(case.undone_at)}, when a decision was undone"
    active = case.active[0]
    text = f"unit {case.unit} is {case.status} since {_at(active.decided_at)}"
    if not active.is_applied:
        return f"{text}, by a review that can still undo it"
    if active.decision is Decision.REJECTED:
        return f"{text}, and that is final"
    return f"{text}, and that is final: the work is paid for"


def _at(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def _change(tx: Transaction, case: _Case, active: ActiveDecision | None, cause: str) -> Decided:
    unit = UnitStatus.COMPLETED if active is None else STATUSES[active.decision]
    agent = AgentStatus.COMPLETED if active is None else _AGENTS[active.decision]
    change_unit(
        tx,
        Change(run=case.run, id=case.unit, old=case.status, new=unit, cause=cause),
        agent=case.agent,
    )
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
