"""A worker arrives: who they are, whether they may work, what they get.

Everything here happens inside a transaction and calls no third-party code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from famulus.contracts.pages import Refusal, RefusalReason
from famulus.contracts.provider import Arrival
from famulus.model.fields import dump_json, to_micros
from famulus.model.statements import Kind, Param, Statement, held
from famulus.model.states import (
    OPEN_AGENTS,
    OPEN_RUNS,
    OPEN_VISITS,
    AgentStatus,
    LoadingStatus,
    RunStatus,
    UnitStatus,
    VisitStatus,
)
from famulus.model.tables import Agent, Assignment, TaskRun, Unit, Visit, Worker, literal
from famulus.model.transaction import Transaction
from famulus.work.allocation import (
    Candidate,
    Share,
    candidates,
    count_in_task,
    is_free_for,
    make_share,
    save_share,
)
from famulus.work.changes import change_unit, record
from famulus.work.eligibility import Requirement, held_by
from famulus.work.release import Attempted, end_visit, take_back

_SECOND = 1_000_000


@frozen(kw_only=True)
class Rules:
    """What never changes about a run while it lasts."""

    run: int
    task: int
    provider_type: str
    lanes: int
    requirements: Sequence[Requirement]
    #: passing the onboarding grants it; None for a run without onboarding
    onboarding: str | None
    block: str | None


@frozen
class Gate:
    """What may change about a run while it goes on, read at each arrival."""

    status: RunStatus
    closes_at: int
    duration: int
    allowed_concurrent: int
    maximum: int
    loading: LoadingStatus
    rows: int


@frozen(kw_only=True)
class Working:
    """The worker has a unit: a new one, or the same as before a reload."""

    agent: int
    worker: int
    visit: int
    unit: int
    assignment: int
    index: int
    data: str
    deadline: int


@frozen(kw_only=True)
class Onboarding:
    """The worker has to pass the onboarding first."""

    agent: int
    worker: int
    visit: int
    deadline: int


@frozen(kw_only=True)
class Settled:
    """The work of this visit is stored already."""

    visit: int


@frozen
class Searching:
    """Many units were passed over that are not for this worker; the search goes on from there."""


Found = Working | Onboarding | Settled | Refusal


@frozen(kw_only=True)
class Known:
    """What the database knows of an arrival. ``found`` settles it, where it is not None."""

    gate: Gate
    worker: int | None = None
    visit: int | None = None
    #: the visit of an earlier accept of the same reference
    earlier: int | None = None
    found: Found | None = None


_GATE = Statement(
    lambda _: TaskRun.select(
        TaskRun.status,
        TaskRun.closes_at,
        TaskRun.assignment_duration_in_seconds,
        TaskRun.allowed_concurrent,
        TaskRun.maximum_units_per_worker,
        TaskRun.loading,
        TaskRun.rows_loaded,
    ).where(TaskRun.id == Param("run"))
)
_WORKER = Statement(
    lambda _: Worker.select(Worker.id).where(
        Worker.provider_type == Param("provider"), Worker.name == Param("name")
    )
)
_NEW_WORKER = Statement(
    lambda _: Worker.insert({
        Worker.provider_type: Param("provider"),
        Worker.name: Param("name"),
        Worker.created_at: Param("at"),
        Worker.blocked: False,
    }).on_conflict_ignore()
)
_BLOCKED = Statement(lambda _: Worker.select(Worker.blocked).where(Worker.id == Param("worker")))
_LOCK_WORKER = Statement(
    lambda kind: held(Worker.select(Worker.id).where(Worker.id == Param("worker")), kind)
)
_VISIT = Statement(
    lambda _: Visit.select(Visit.id, Visit.status, Visit.accept)
    .where(
        Visit.run == Param("run"),
        Visit.reference == Param("reference"),
        Visit.worker == Param("worker"),
    )
    .order_by(Visit.id.desc())
    .limit(1)
)
_NEW_VISIT = Statement(
    lambda _: Visit.insert({
        Visit.run: Param("run"),
        Visit.worker: Param("worker"),
        Visit.reference: Param("reference"),
        Visit.accept: Param("accept"),
        Visit.status: VisitStatus.ACCEPTED,
        Visit.query: Param("query"),
        Visit.arrived_at: Param("at"),
    }).returning(Visit.id)
)
_AGENT = Statement(
    lambda _: Agent.select(
        Agent.id, Agent.status, Agent.unit, Agent.assignment, Agent.deadline, Agent.submission_id
    )
    .where(Agent.visit == Param("visit"))
    .order_by(Agent.id.desc())
    .limit(1)
)
_UNIT = Statement(
    lambda _: Unit.select(Unit.lane, Assignment.data)
    .join(Assignment, on=(Unit.assignment == Assignment.id))
    .where(Unit.id == Param("unit"))
)
_NEW_AGENT = Statement(
    lambda _: Agent.insert({
        Agent.run: Param("run"),
        Agent.worker: Param("worker"),
        Agent.visit: Param("visit"),
        Agent.assignment: Param("assignment"),
        Agent.unit: Param("unit"),
        Agent.status: Param("status"),
        Agent.started_at: Param("at"),
        Agent.deadline: Param("deadline"),
        Agent.late: False,
    }).returning(Agent.id)
)
_OPEN_ONBOARDING = Statement(
    lambda _: Agent.select(Agent.id, Agent.visit, Agent.deadline).where(
        Agent.run == Param("run"),
        Agent.worker == Param("worker"),
        Agent.status == literal(AgentStatus.ONBOARDING),
    )
)


def read_gate(tx: Transaction, run: int) -> Gate:
    """Return what of a run may have changed since the last arrival."""
    row = tx.one(_GATE, run=run)
    if row is None:
        raise LookupError(f"run {run} is gone")
    status, closes_at, duration, concurrent, maximum, loading, rows = row
    return Gate(
        RunStatus(status), closes_at, duration, concurrent, maximum, LoadingStatus(loading), rows
    )


def find_worker(tx: Transaction, provider_type: str, name: str) -> int | None:
    """Return a worker's number, or None when they have never arrived."""
    row = tx.one(_WORKER, provider=provider_type, name=name)
    return None if row is None else int(row[0])


def make_worker(tx: Transaction, provider_type: str, name: str) -> int:
    """Return a worker's number, made at their first arrival, and hold them."""
    worker = find_worker(tx, provider_type, name)
    if worker is None:
        tx.run(_NEW_WORKER, provider=provider_type, name=name, at=to_micros(tx.now))
        worker = find_worker(tx, provider_type, name)
        assert worker is not None
    hold_worker(tx, worker)
    return worker


def recognise(tx: Transaction, rules: Rules, arrival: Arrival, worker: int | None) -> Known:
    """Find out what is known of an arrival: the same unit again, a stored one, a closed door."""
    gate = read_gate(tx, rules.run)
    visit, earlier, found = None, None, None
    if worker is not None:
        row = tx.one(_VISIT, run=rules.run, reference=arrival.reference, worker=worker)
        if row is not None and (not arrival.accept or arrival.accept == row[2]):
            visit, found = _known_visit(tx, worker, row[0], VisitStatus(row[1]))
        elif row is not None and row[1] in OPEN_VISITS:
            earlier = int(row[0])
    if found is None and not _open(gate, to_micros(tx.now)):
        found = Refusal(reason=RefusalReason.RUN_CLOSED)
    return Known(gate=gate, worker=worker, visit=visit, earlier=earlier, found=found)


def end_earlier(tx: Transaction, rules: Rules, known: Known) -> None:
    """End the visit of an earlier accept: the platform lets nobody accept the same thing twice
    at the same time. Its answers, should they come, are stored as late ones."""
    if known.earlier is None:
        return
    row = tx.one(_AGENT, visit=known.earlier)
    if row is None or known.worker is None:
        return
    attempt = Attempted(
        agent=row[0], worker=known.worker, visit=known.earlier, unit=row[2],
        status=AgentStatus(row[1]),
    )
    ended = attempt.status in OPEN_AGENTS and take_back(
        tx, [attempt], run=rules.run, new=AgentStatus.RETURNED, cause="accepted again",
        visit_becomes=VisitStatus.RETURNED,
    )
    if not ended:
        end_visit(tx, rules.run, known.earlier, VisitStatus.RETURNED, "accepted again")


def hold_worker(tx: Transaction, worker: int) -> None:
    """Let no one else count for a worker until the commit, so that limits hold however many
    requests race. On SQLite there is only one who writes anyway."""
    if tx.kind is Kind.POSTGRESQL:
        tx.one(_LOCK_WORKER, worker=worker)


def refuse_by_rules(tx: Transaction, rules: Rules, worker: int) -> Refusal | None:
    """Say why a block or a qualification keeps a worker from new work, or return None."""
    row = tx.one(_BLOCKED, worker=worker)
    if row is not None and row[0]:
        return Refusal(reason=RefusalReason.BLOCKED)
    if rules.requirements or rules.block or rules.onboarding:
        held = held_by(tx, worker)
        if rules.block is not None and rules.block in held:
            return Refusal(reason=RefusalReason.BLOCKED)
        if not all(each.met_by(held) for each in rules.requirements):
            return Refusal(reason=RefusalReason.NOT_QUALIFIED)
        if rules.onboarding is not None and held.get(rules.onboarding, 1) < 1:
            return Refusal(
                reason=RefusalReason.NOT_QUALIFIED,
                detail="The introduction to this task was not passed.",
            )
    return None


def refuse_by_limits(
    tx: Transaction, rules: Rules, gate: Gate, worker: int, share: Share
) -> Refusal | None:
    """Say which limit keeps a worker from another unit, or return None."""
    if gate.allowed_concurrent and share.open_units >= gate.allowed_concurrent:
        return Refusal(reason=RefusalReason.TOO_MANY_OPEN)
    if gate.maximum and count_in_task(tx, worker=worker, task=rules.task) >= gate.maximum:
        return Refusal(reason=RefusalReason.MAXIMUM_REACHED)
    return None


def needs_onboarding(tx: Transaction, rules: Rules, worker: int) -> bool:
    """Say whether a worker has neither passed nor failed the run's onboarding."""
    return rules.onboarding is not None and rules.onboarding not in held_by(tx, worker)


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
    agent = _new_agent(
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
    share = make_share(
        tx, run=rules.run, worker=known.worker, task=rules.task, lanes=rules.lanes
    )
    refusal = refuse_by_limits(tx, rules, known.gate, known.worker, share)
    if refusal is not None:
        return refusal
    if _has_done_all(known.gate, share):
        return nothing_for(known.gate, share)
    marks = list(share.marks)
    choice = [only] if only else candidates(tx, run=rules.run, worker=known.worker, share=share)
    for candidate in choice:
        if is_free_for(tx, candidate, known.worker):
            return _claim(tx, rules, arrival, known, query, share, candidate)
    if share.marks != marks:
        save_share(tx, share)
    if only:
        return None
    return Searching() if share.is_cut_short else nothing_for(known.gate, share)


def nothing_for(gate: Gate, share: Share) -> Refusal:
    """Say why there is no unit: because the worker has done all there is, or for the moment."""
    if _has_done_all(gate, share):
        return Refusal(reason=RefusalReason.ALL_DONE)
    return Refusal(reason=RefusalReason.NOTHING_LEFT)


def _has_done_all(gate: Gate, share: Share) -> bool:
    return gate.loading is not LoadingStatus.LOADING and share.assignments >= gate.rows


def read_working(
    tx: Transaction, *, agent: int, worker: int, visit: int, unit: int, assignment: int,
    deadline: int,
) -> Working:
    """Read what a task page needs of a unit."""
    index, data = unit_data(tx, unit)
    return Working(
        agent=agent, worker=worker, visit=visit, unit=unit, assignment=assignment, index=index,
        data=data, deadline=deadline,
    )


def unit_data(tx: Transaction, unit: int) -> tuple[int, str]:
    """Return a unit's index within its assignment, and the assignment's row as JSON text."""
    row = tx.one(_UNIT, unit=unit)
    assert row is not None
    return int(row[0]), str(row[1])


def _open(gate: Gate, now: int) -> bool:
    return gate.status in OPEN_RUNS and now < gate.closes_at


def _known_visit(
    tx: Transaction, worker: int, visit: int, status: VisitStatus
) -> tuple[int | None, Found | None]:
    row = tx.one(_AGENT, visit=visit)
    if row is None:
        return (visit, None) if status in OPEN_VISITS else (None, None)
    agent, agent_status, unit, assignment, deadline, submission = row
    agent_status = AgentStatus(agent_status)
    if agent_status is AgentStatus.IN_TASK:
        return visit, read_working(
            tx, agent=agent, worker=worker, visit=visit, unit=unit, assignment=assignment,
            deadline=deadline,
        )
    if agent_status is AgentStatus.ONBOARDING:
        return visit, Onboarding(agent=agent, worker=worker, visit=visit, deadline=deadline)
    if submission is not None and unit is not None:
        return visit, Settled(visit=visit)
    if status in OPEN_VISITS:
        return visit, None
    if agent_status in (AgentStatus.TIMEOUT, AgentStatus.EXPIRED, AgentStatus.DISCONNECT):
        return None, Refusal(reason=RefusalReason.TIME_OVER)
    return None, None


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
    agent = _new_agent(
        tx, rules, known.worker, visit, AgentStatus.IN_TASK, deadline, candidate.assignment,
        candidate.unit,
    )
    change_unit(
        tx, run=rules.run, unit=candidate.unit, old=UnitStatus.LAUNCHED, new=UnitStatus.ASSIGNED,
        cause="arrival", agent=agent,
    )
    share.open_units += 1
    share.assignments += 1
    if share.cursor is not None:
        share.cursor = [candidate.lane, candidate.position]
    save_share(tx, share)
    return read_working(
        tx, agent=agent, worker=known.worker, visit=visit, unit=candidate.unit,
        assignment=candidate.assignment, deadline=deadline,
    )


def _visit(
    tx: Transaction, rules: Rules, arrival: Arrival, known: Known, query: Any
) -> int:
    if known.visit is not None:
        return known.visit
    row = tx.one(
        _NEW_VISIT, run=rules.run, worker=known.worker, reference=arrival.reference,
        accept=arrival.accept, query=dump_json(dict(query)), at=to_micros(tx.now),
    )
    assert row is not None
    record(
        tx, run=rules.run, subject="visit", subject_id=row[0], old=None,
        new=VisitStatus.ACCEPTED.value, cause="arrival",
    )
    return int(row[0])


def _new_agent(
    tx: Transaction,
    rules: Rules,
    worker: int,
    visit: int,
    status: AgentStatus,
    deadline: int,
    assignment: int | None,
    unit: int | None,
) -> int:
    row = tx.one(
        _NEW_AGENT, run=rules.run, worker=worker, visit=visit, assignment=assignment, unit=unit,
        status=status.value, at=to_micros(tx.now), deadline=deadline,
    )
    assert row is not None
    record(
        tx, run=rules.run, subject="agent", subject_id=row[0], old=None, new=status.value,
        cause="arrival", agent=row[0],
    )
    return int(row[0])
