"""What an arriving worker gets: the onboarding, a unit, or the reason why not.

Everything here happens inside a transaction and calls no third-party code.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from attrs import evolve, frozen

from famulus.contracts.provider import Arrival
from famulus.contracts.views import Refusal, RefusalReason
from famulus.engine.allocation import (
    Candidate,
    Share,
    candidates,
    count_in_task,
    is_free_for,
    make_share,
    read_share,
    save_share,
)
from famulus.engine.arrival import (
    Found,
    Gate,
    Known,
    Onboarding,
    Rules,
    Working,
    lock_worker,
)
from famulus.engine.qualifications.rules import FailedOnboarding, read_qualifications
from famulus.engine.release import Attempted, take_back
from famulus.engine.status import Change, NewEvent, change_unit, record
from famulus.engine.unit_number import UnitNumber, number_unit
from famulus.model.fields import dump_json, to_micros
from famulus.model.statements import Kind, Param, Statement
from famulus.model.states import (
    AgentStatus,
    LoadingStatus,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import Agent, Assignment, Visit, literal
from famulus.model.transaction import Transaction
from famulus.options.requirements import OnboardingRequired

_SECOND = 1_000_000
#: Units that are not for a worker looked at, to find out whether there is another one for them.
_PASSED_AT_A_GLANCE = 200


@frozen
class Searching:
    """Many units were passed over that are not for this worker; the search goes on from there."""


_NEW_VISIT = Statement(
    Visit.insert(
        {
            Visit.run: Param("run"),
            Visit.worker: Param("worker"),
            Visit.reference: Param("reference"),
            Visit.accept: Param("accept"),
            Visit.status: VisitStatus.ACCEPTED,
            Visit.query: Param("query"),
            Visit.place: Param("place"),
            Visit.handovers: Param("handovers"),
            Visit.arrived_at: Param("at"),
            Visit.last_arrived_at: Param("at"),
        }
    ).returning(Visit.id)
)
_NEW_AGENT = Statement(
    Agent.insert(
        {
            Agent.run: Param("run"),
            Agent.worker: Param("worker"),
            Agent.visit: Param("visit"),
            Agent.assignment: Param("assignment"),
            Agent.unit: Param("unit"),
            Agent.status: Param("status"),
            Agent.started_at: Param("at"),
            Agent.deadline: Param("deadline"),
            Agent.late: False,
            Agent.unanswered: False,
        }
    ).returning(
        Agent.id, Assignment.select(Assignment.data).where(Assignment.id == Param("assignment"))
    )
)
_OPEN_ONBOARDING = Statement(
    Agent.select(Agent.id, Agent.visit, Agent.deadline).where(
        Agent.run == Param("run"),
        Agent.worker == Param("worker"),
        Agent.status == literal(AgentStatus.ONBOARDING),
    )
)


def read_held(tx: Transaction, rules: Rules, worker: int) -> Mapping[str, int]:
    """Return the values a worker holds, by qualification; none where a run asks for none."""
    return read_qualifications(tx, worker) if rules.requirements or rules.onboarding else {}


def refuse_by_rules(rules: Rules, known: Known) -> Refusal | None:
    """Say why a block or a qualification keeps a worker from new work, or return None."""
    if known.is_blocked:
        return Refusal(reason=RefusalReason.BLOCKED, note="blocked here")
    held = known.held
    for rule in rules.requirements:
        if not rule.requirement.met_by(held):
            return evolve(rule.refusal, note=str(rule.requirement))
    if rules.onboarding is not None and held.get(rules.onboarding, 1) < 1:
        return FailedOnboarding(note=f"{rules.onboarding} is {held[rules.onboarding]}")
    return None


def refuse_by_limits(
    tx: Transaction, rules: Rules, gate: Gate, worker: int, share: Share
) -> Refusal | None:
    """Say which limit keeps a worker from another unit, or return None."""
    if gate.allowed_concurrent and share.open_units >= gate.allowed_concurrent:
        return Refusal(
            reason=RefusalReason.TOO_MANY_OPEN, note=f"allowed_concurrent {gate.allowed_concurrent}"
        )
    if gate.maximum:
        share.in_task = count_in_task(tx, worker=worker, task=rules.task)
    if share.in_task is not None and share.in_task >= gate.maximum:
        return Refusal(
            reason=RefusalReason.MAXIMUM_REACHED, note=f"maximum_units_per_worker {gate.maximum}"
        )
    return None


def needs_onboarding(rules: Rules, known: Known) -> bool:
    """Say whether a worker has neither passed nor failed the run's onboarding."""
    return rules.onboarding is not None and rules.onboarding not in known.held


def end_settled(tx: Transaction, rules: Rules, found: Onboarding) -> bool:
    """End an open onboarding whose outcome has come from elsewhere by now: another run that shares
    it, or somebody's grant. Say whether it has.
    """
    assert rules.onboarding is not None
    lock_worker(tx, found.worker)
    names = (rules.onboarding, OnboardingRequired.get_failed_qual(rules.onboarding))
    if not read_qualifications(tx, found.worker).keys() & names:
        return False
    attempt = Attempted(
        agent=found.agent,
        worker=found.worker,
        visit=found.visit,
        unit=None,
        status=AgentStatus.ONBOARDING,
    )
    take_back(
        tx,
        [attempt],
        run=rules.run,
        new=AgentStatus.RETURNED,
        cause="onboarding settled",
        visit_becomes=None,
    )
    return True


def begin_onboarding(
    tx: Transaction, rules: Rules, arrival: Arrival, known: Known, query: Any
) -> Found:
    """Start a worker's onboarding, or find the one they have open elsewhere."""
    assert known.worker is not None
    row = tx.one(_OPEN_ONBOARDING, run=rules.run, worker=known.worker)
    if row is not None:
        return Onboarding(agent=row[0], worker=known.worker, visit=row[1], deadline=row[2])
    visit = _visit(tx, rules, arrival, known, query)
    deadline = to_micros(tx.now) + known.gate.duration * _SECOND
    agent, _ = _new_agent(
        tx, rules, known.worker, visit, AgentStatus.ONBOARDING, deadline, None, None
    )
    return Onboarding(agent=agent, worker=known.worker, visit=visit, deadline=deadline)


def give_unit(
    tx: Transaction,
    rules: Rules,
    arrival: Arrival,
    known: Known,
    query: Any,
    only: Candidate | None = None,
) -> Found | Searching | None:
    """Give a worker a unit within the limits.

    :param only: the one unit to try; None is returned when it has been taken meanwhile.
    """
    assert known.worker is not None
    share = make_share(tx, run=rules.run, worker=known.worker, task=rules.task, lanes=rules.lanes)
    refusal = refuse_by_limits(tx, rules, known.gate, known.worker, share)
    if refusal is not None:
        return refusal
    if _has_done_all(known.gate, share):
        return nothing_for(known.gate, share)
    marks = list(share.marks)
    choice = [only] if only else candidates(tx, run=rules.run, worker=known.worker, share=share)
    # There is only one who writes on SQLite: what was found a moment ago is still so.
    is_sure = only is None and tx.kind is Kind.SQLITE
    for candidate in choice:
        if is_sure or is_free_for(tx, candidate, known.worker):
            return _claim(tx, rules, arrival, known, query, share, candidate)
    if share.marks != marks:
        save_share(tx, share)
    if only:
        return None
    return Searching() if share.is_cut_short else nothing_for(known.gate, share)


def refuse_another(tx: Transaction, rules: Rules, known: Known) -> Refusal | None:
    """Return why a worker who has just done a unit would get no other one now; None where there
    is one, or that cannot be told at a glance. Changes and locks nothing.
    """
    if known.found is not None or known.worker is None:
        return known.found if isinstance(known.found, Refusal) else None
    refusal = refuse_by_rules(rules, known)
    share = read_share(tx, rules.run, known.worker, lock=False)
    if refusal is not None or share is None:
        return refusal
    refusal = refuse_by_limits(tx, rules, known.gate, known.worker, share)
    if refusal is not None:
        return None if refusal.reason is RefusalReason.TOO_MANY_OPEN else refusal
    if _has_done_all(known.gate, share):
        return nothing_for(known.gate, share)
    found = candidates(
        tx, run=rules.run, worker=known.worker, share=share, most_passed=_PASSED_AT_A_GLANCE
    )
    if next(found, None) is not None or share.is_cut_short:
        return None
    return nothing_for(known.gate, share)


def nothing_for(gate: Gate, share: Share) -> Refusal:
    """Say why there is no unit: because the worker has done all there is, or for the moment."""
    if _has_done_all(gate, share):
        return Refusal(reason=RefusalReason.ALL_DONE)
    return Refusal(reason=RefusalReason.NOTHING_LEFT)


def _has_done_all(gate: Gate, share: Share) -> bool:
    return gate.loading is not LoadingStatus.LOADING and share.assignments >= gate.rows


def _claim(
    tx: Transaction,
    rules: Rules,
    arrival: Arrival,
    known: Known,
    query: Any,
    share: Share,
    candidate: Candidate,
) -> Working:
    assert known.worker is not None
    visit = _visit(tx, rules, arrival, known, query)
    deadline = to_micros(tx.now) + known.gate.duration * _SECOND
    agent, data = _new_agent(
        tx,
        rules,
        known.worker,
        visit,
        AgentStatus.IN_TASK,
        deadline,
        candidate.assignment,
        candidate.unit,
    )
    assert data is not None
    change_unit(
        tx,
        Change(
            run=rules.run,
            id=candidate.unit,
            old=UnitStatus.LAUNCHED,
            new=UnitStatus.ASSIGNED,
            cause="arrival",
        ),
        agent=agent,
    )
    share.open_units += 1
    share.assignments += 1
    if share.cursor is not None:
        share.cursor = [candidate.lane, candidate.position]
    save_share(tx, share)
    return Working(
        agent=agent,
        worker=known.worker,
        visit=visit,
        unit=candidate.unit,
        assignment=candidate.assignment,
        index=candidate.lane,
        data=data,
        deadline=deadline,
        number=_number(known.gate, share),
    )


def _number(gate: Gate, share: Share) -> UnitNumber:
    in_run = share.open_units + share.done_units
    return number_unit(
        in_run if share.in_task is None else share.in_task + 1,
        share.assignments,
        maximum=gate.maximum,
        rows=gate.rows if gate.loading is LoadingStatus.COMPLETE else None,
    )


def make_visit(
    tx: Transaction,
    *,
    run: int,
    worker: int,
    reference: str,
    accept: str = "",
    query: Mapping[str, str] = MappingProxyType({}),
    place: str = "",
    handovers: int = 0,
    cause: str,
) -> int:
    """Write a new visit that has been accepted; return its number."""
    row = tx.one(
        _NEW_VISIT,
        run=run,
        worker=worker,
        reference=reference,
        accept=accept,
        query=dump_json(dict(query)),
        place=place,
        handovers=handovers,
        at=to_micros(tx.now),
    )
    assert row is not None
    record(
        tx,
        NewEvent(
            run=run,
            subject="visit",
            subject_id=row[0],
            old=None,
            new=VisitStatus.ACCEPTED.value,
            cause=cause,
        ),
    )
    return int(row[0])


def _visit(tx: Transaction, rules: Rules, arrival: Arrival, known: Known, query: Any) -> int:
    if known.visit is not None:
        return known.visit
    assert known.worker is not None
    return make_visit(
        tx,
        run=rules.run,
        worker=known.worker,
        reference=arrival.reference,
        accept=arrival.accept,
        query=query,
        place=arrival.place,
        cause="arrival",
    )


def _new_agent(
    tx: Transaction,
    rules: Rules,
    worker: int,
    visit: int,
    status: AgentStatus,
    deadline: int,
    assignment: int | None,
    unit: int | None,
) -> tuple[int, str | None]:
    """Make an agent; return its number and the row it is to work on, as JSON text."""
    row = tx.one(
        _NEW_AGENT,
        run=rules.run,
        worker=worker,
        visit=visit,
        assignment=assignment,
        unit=unit,
        status=status.value,
        at=to_micros(tx.now),
        deadline=deadline,
    )
    assert row is not None
    record(
        tx,
        NewEvent(
            run=rules.run,
            subject="agent",
            subject_id=row[0],
            old=None,
            new=status.value,
            cause="arrival",
            agent=row[0],
        ),
    )
    return row[0], row[1]
