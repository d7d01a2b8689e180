"""Deciding on a unit's answers, and taking a decision back while nobody has been told of it.

Everything here happens inside a transaction and calls no third-party code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from attrs import frozen

from famulus.engine.status import Change, change_agent, change_unit
from famulus.errors import ConflictError, NotFoundError, UsageError
from famulus.model.fields import from_micros, to_micros
from famulus.model.statements import Kind, Param, Statement
from famulus.model.states import DONE_UNITS, AgentStatus, Decision, UnitStatus
from famulus.model.tables import Agent, Review, Unit, Visit
from famulus.model.transaction import Transaction

#: The causes of a unit's changes of status here, in the events they leave.
REVIEW, UNDO = "review", "undo"

#: What each decision makes of a unit.
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
class Standing:
    """A decision that holds."""

    review: int
    decision: Decision
    note: str
    decided_at: datetime
    #: the ledger, and with it the platform, knows of it: it cannot be undone
    settled: bool


@frozen(kw_only=True)
class Decided:
    """What a decision, or undoing one, has come to."""

    unit: int
    run: int
    agent: int
    #: the unit's status from now on
    status: UnitStatus
    #: what holds from now on; None where nothing is decided any more
    standing: Standing | None
    #: False where the same decision stood already: nothing was written
    changed: bool


@frozen(kw_only=True)
class _Case:
    """A unit with answers, kept from others until the commit, and what was decided on it."""

    unit: int
    run: int
    agent: int
    status: UnitStatus
    agent_status: AgentStatus
    #: newest first
    standing: tuple[Standing, ...]
    undone_at: datetime | None


def _visit(kind: Kind) -> Any:
    query: Any = (
        Visit.select(Visit.id)
        .join(Agent, on=(Agent.visit == Visit.id))
        .join(Unit, on=(Unit.agent_id == Agent.id))
        .where(Unit.id == Param("unit"))
    )
    return query if kind is Kind.SQLITE else query.for_update("FOR NO KEY UPDATE", of=Visit)


#: ``apply_decisions`` holds the visit too: what it reads of its units cannot change meanwhile.
_HOLD_VISIT = Statement(_visit)
_UNIT = Statement(Unit.select(Unit.run, Unit.agent_id, Unit.status).where(Unit.id == Param("unit")))
_AGENT = Statement(Agent.select(Agent.status).where(Agent.id == Param("agent")))
_REVIEWS = Statement(
    Review.select(
        Review.id,
        Review.decision,
        Review.note,
        Review.decided_at,
        Review.settled_at,
        Review.undone_at,
    )
    .where(Review.unit == Param("unit"))
    .order_by(Review.id.desc())
)
_ADD = Statement(
    Review.insert(
        {
            Review.unit: Param("unit"),
            Review.agent: Param("agent"),
            Review.decision: Param("decision"),
            Review.note: Param("note"),
            Review.decided_at: Param("at"),
        }
    ).returning(Review.id)
)
_UNDO = Statement(
    Review.update({Review.undone_at: Param("at")}).where(
        Review.id == Param("review"), Review.settled_at.is_null(), Review.undone_at.is_null()
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
    """Decide on the answers that completed a unit. Nobody is told, and nothing paid, before
    ``apply_decisions``. The decision that stands already, again, writes nothing.

    :param note: the reason of a rejection, which needs one; the worker may get to read it.
    :param seen: the status that the reviewer has seen. With ``REJECTED`` a settled rejection can be
        mended: accepted, or soft-rejected, after all. An acceptance that is settled is paid.
    :raises famulus.ConflictError: when the unit has changed since, saying what it is now.
    :raises famulus.NotFoundError: when there is no such unit.
    :raises famulus.UsageError: for a rejection without a reason.
    """
    if decision is Decision.REJECTED and not note.strip():
        raise UsageError(f"unit {unit}: a rejection needs a reason")
    case = _case(tx, unit)
    before = case.standing[0] if case.standing else None
    if before is not None and before.decision is decision:
        return _decided(case, before, changed=False)
    if case.status is not seen or (before is not None and not _can_be_mended(before)):
        raise ConflictError(_how_it_stands(case))
    review = tx.one(
        _ADD,
        unit=unit,
        agent=case.agent,
        decision=decision.value,
        note=note,
        at=to_micros(tx.now),
    )
    assert review is not None
    standing = Standing(
        review=int(review[0]), decision=decision, note=note, decided_at=tx.now, settled=False
    )
    return _change(tx, case, standing, REVIEW)


def undo(tx: Transaction, unit: int, *, review: int | None = None) -> Decided:
    """Take back the newest decision on a unit; what it had before holds again.

    :param review: the decision that is meant; none other is taken back.
    :raises famulus.ConflictError: when there is none, or it is settled.
    """
    case = _case(tx, unit)
    if (
        not case.standing
        or case.standing[0].settled
        or (review is not None and case.standing[0].review != review)
    ):
        raise ConflictError(f"there is nothing to undo: {_how_it_stands(case)}")
    tx.run(_UNDO, review=case.standing[0].review, at=to_micros(tx.now))
    return _change(tx, case, case.standing[1] if len(case.standing) > 1 else None, UNDO)


def unapplied_units(
    tx: Transaction, runs: Sequence[int], *, after: int = 0, most: int = 500
) -> list[int]:
    """Return units of runs, in the order of their numbers, with a decision that can be undone.

    :param after: the last unit of the page before this one.
    """
    query = (
        Review.select(Review.unit.alias("unit"))
        .join(Unit, on=(Review.unit == Unit.id))
        .where(
            Review.settled_at.is_null(),
            Review.undone_at.is_null(),
            Review.unit > after,
            Unit.run << list(runs),
        )
        .order_by(Review.unit)
        .distinct()
        .limit(most)
    )
    return [row.unit for row in tx.rows(query)]


def _case(tx: Transaction, unit: int) -> _Case:
    tx.one(_HOLD_VISIT, unit=unit)
    row = tx.one(_UNIT, unit=unit)
    if row is None:
        raise NotFoundError(f"there is no unit {unit}")
    run, agent, status = int(row[0]), row[1], UnitStatus(row[2])
    if status not in DONE_UNITS:
        raise ConflictError(f"unit {unit} is {status}: it has no answers that could be decided on")
    agent_row = tx.one(_AGENT, agent=agent)
    assert agent_row is not None
    reviews = tx.all(_REVIEWS, unit=unit)
    return _Case(
        unit=unit,
        run=run,
        agent=int(agent),
        status=status,
        agent_status=AgentStatus(agent_row[0]),
        standing=tuple(
            Standing(
                review=int(number),
                decision=Decision(decision),
                note=note,
                decided_at=from_micros(decided),
                settled=settled is not None,
            )
            for number, decision, note, decided, settled, undone in reviews
            if undone is None
        ),
        undone_at=from_micros(reviews[0][5]) if reviews and reviews[0][5] is not None else None,
    )


def _can_be_mended(standing: Standing) -> bool:
    return standing.settled and standing.decision is Decision.REJECTED


def _how_it_stands(case: _Case) -> str:
    if not case.standing:
        text = f"unit {case.unit} is {case.status}"
        if case.undone_at is None:
            return text
        return f"{text} since {_at(case.undone_at)}, when a decision was undone"
    standing = case.standing[0]
    text = f"unit {case.unit} is {case.status} since {_at(standing.decided_at)}"
    if not standing.settled:
        return f"{text}, by a review that can still undo it"
    if standing.decision is Decision.REJECTED:
        return f"{text}, and that is settled"
    return f"{text}, and that is settled: the work is paid for"


def _at(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def _change(tx: Transaction, case: _Case, standing: Standing | None, cause: str) -> Decided:
    unit = UnitStatus.COMPLETED if standing is None else STATUSES[standing.decision]
    agent = AgentStatus.COMPLETED if standing is None else _AGENTS[standing.decision]
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
        standing=standing,
        changed=True,
    )


def _decided(case: _Case, standing: Standing, *, changed: bool) -> Decided:
    return Decided(
        unit=case.unit,
        run=case.run,
        agent=case.agent,
        status=case.status,
        standing=standing,
        changed=changed,
    )
