"""A worker arrives: who they are, whether they may work, what they get.

Everything here happens inside a transaction and calls no third-party code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import peewee
from attrs import frozen

from famulus.contracts.provider import Arrival
from famulus.contracts.views import Refusal, RefusalReason
from famulus.engine.qualifications.rules import Rule
from famulus.engine.release import Attempted, end_visit, take_back
from famulus.engine.unit_number import UnitNumber
from famulus.model.fields import to_micros
from famulus.model.statements import Kind, Param, Statement, for_update
from famulus.model.states import (
    OPEN_AGENTS,
    OPEN_RUNS,
    OPEN_VISITS,
    SUBMITTED_VISITS,
    AgentStatus,
    LoadingStatus,
    RunStatus,
    VisitStatus,
)
from famulus.model.tables import Agent, Assignment, TaskRun, Unit, Visit, Worker
from famulus.model.transaction import Transaction
from famulus.names import read_name, stripped


@frozen(kw_only=True)
class Rules:
    """What never changes about a run while it lasts."""

    run: int
    task: int
    provider_type: str
    lanes: int
    requirements: Sequence[Rule]
    #: passing the onboarding grants it; None for a run without onboarding
    onboarding: str | None


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
    #: None for a unit that the worker had before this arrival
    number: UnitNumber | None = None


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


Found = Working | Onboarding | Settled | Refusal


@frozen(kw_only=True)
class Known:
    """What the database knows of an arrival. ``found`` settles it, where it is not None."""

    gate: Gate
    worker: int | None = None
    is_blocked: bool = False
    #: qualifications with their values, where the run asks for any
    held: Mapping[str, int] = MappingProxyType({})
    visit: int | None = None
    #: the visit of an earlier accept of the same reference
    earlier: int | None = None
    found: Found | None = None


#: the run, the worker if they are known, and the newest of their visits with the same reference
_ARRIVAL = Statement(
    TaskRun.select(
        TaskRun.status,
        TaskRun.closes_at,
        TaskRun.assignment_duration_in_seconds,
        TaskRun.allowed_concurrent,
        TaskRun.maximum_units_per_worker,
        TaskRun.loading,
        TaskRun.rows_loaded,
        Worker.id,
        Worker.blocked,
        Visit.id,
        Visit.status,
        Visit.accept,
    )
    .join(
        Worker,
        peewee.JOIN.LEFT_OUTER,
        on=((Worker.provider_type == Param("provider")) & (Worker.name == Param("name"))),
    )
    .join(
        Visit,
        peewee.JOIN.LEFT_OUTER,
        on=(
            (Visit.run == TaskRun.id)
            & (Visit.reference == Param("reference"))
            & (Visit.worker == Worker.id)
        ),
    )
    .where(TaskRun.id == Param("run"))
    .order_by(Visit.id.desc())
    .limit(1)
)
_WORKER = Statement(
    Worker.select(Worker.id).where(
        Worker.provider_type == Param("provider"), Worker.name == Param("name")
    )
)
_NEW_WORKER = Statement(
    Worker.insert(
        {
            Worker.provider_type: Param("provider"),
            Worker.name: Param("name"),
            Worker.created_at: Param("at"),
            Worker.blocked: False,
        }
    ).on_conflict_ignore()
)
_LOCK_WORKER = Statement(
    lambda kind: for_update(Worker.select(Worker.id).where(Worker.id == Param("worker")), kind)
)
_AGENT = Statement(
    Agent.select(
        Agent.id,
        Agent.status,
        Agent.unit,
        Agent.assignment,
        Agent.deadline,
        Agent.submission_id,
    )
    .where(Agent.visit == Param("visit"))
    .order_by(Agent.id.desc())
    .limit(1)
)
_UNIT = Statement(
    Unit.select(Unit.lane, Assignment.data)
    .join(Assignment, on=(Unit.assignment == Assignment.id))
    .where(Unit.id == Param("unit"))
)


def find_worker(tx: Transaction, provider_type: str, name: str) -> int | None:
    """Return a worker's number, or None when they have never arrived."""
    row = tx.one(_WORKER, provider=provider_type, name=stripped(name))
    return None if row is None else int(row[0])


def make_worker(tx: Transaction, provider_type: str, name: str) -> int:
    """Return the number of a worker who has arrived for the first time; others may have made it
    meanwhile.

    :raises famulus.UsageError: for a name that nobody can have.
    """
    name = read_name(name, "worker")
    tx.run(_NEW_WORKER, provider=provider_type, name=name, at=to_micros(tx.now))
    worker = find_worker(tx, provider_type, name)
    assert worker is not None
    return worker


def recognise(tx: Transaction, rules: Rules, arrival: Arrival) -> Known:
    """Find out what is known of an arrival: the same unit again, a stored one, a closed door."""
    row = tx.one(
        _ARRIVAL,
        run=rules.run,
        provider=rules.provider_type,
        name=arrival.worker_name,
        reference=arrival.reference,
    )
    if row is None:
        raise LookupError(f"run {rules.run} is gone")
    status, closes_at, duration, concurrent, maximum, loading, rows = row[:7]
    gate = Gate(
        RunStatus(status), closes_at, duration, concurrent, maximum, LoadingStatus(loading), rows
    )
    worker, is_blocked, last, last_status, accept = row[7:]
    visit, earlier, found = None, None, None
    if last is not None and (not arrival.accept or arrival.accept == accept):
        visit, found = _known_visit(tx, worker, last, VisitStatus(last_status))
    elif last is not None and last_status in OPEN_VISITS:
        earlier = last
    if found is None:
        found = _refuse_unless_open(gate, to_micros(tx.now))
    return Known(
        gate=gate,
        worker=worker,
        is_blocked=bool(is_blocked),
        visit=visit,
        earlier=earlier,
        found=found,
    )


def end_earlier(tx: Transaction, rules: Rules, known: Known) -> None:
    """End the visit of an earlier accept: the platform lets nobody accept the same thing twice
    at the same time. Its answers, should they come, are stored as late ones.
    """
    if known.earlier is None:
        return
    row = tx.one(_AGENT, visit=known.earlier)
    if row is None or known.worker is None:
        return
    attempt = Attempted(
        agent=row[0],
        worker=known.worker,
        visit=known.earlier,
        unit=row[2],
        status=AgentStatus(row[1]),
    )
    ended = attempt.status in OPEN_AGENTS and take_back(
        tx,
        [attempt],
        run=rules.run,
        new=AgentStatus.RETURNED,
        cause="accepted again",
        visit_becomes=VisitStatus.RETURNED,
    )
    if not ended:
        end_visit(tx, rules.run, known.earlier, VisitStatus.RETURNED, "accepted again")


def lock_worker(tx: Transaction, worker: int) -> None:
    """Let no one else count for a worker until the commit, so that limits hold however many
    requests race. On SQLite there is only one who writes anyway.
    """
    if tx.kind is Kind.POSTGRESQL:
        tx.one(_LOCK_WORKER, worker=worker)


def read_working(
    tx: Transaction,
    *,
    agent: int,
    worker: int,
    visit: int,
    unit: int,
    assignment: int,
    deadline: int,
) -> Working:
    """Read what a task page needs of a unit."""
    index, data = unit_data(tx, unit)
    return Working(
        agent=agent,
        worker=worker,
        visit=visit,
        unit=unit,
        assignment=assignment,
        index=index,
        data=data,
        deadline=deadline,
    )


def unit_data(tx: Transaction, unit: int) -> tuple[int, str]:
    """Return a unit's index within its assignment, and the assignment's row as JSON text."""
    row = tx.one(_UNIT, unit=unit)
    assert row is not None
    return int(row[0]), str(row[1])


def _refuse_unless_open(gate: Gate, now: int) -> Refusal | None:
    if now >= gate.closes_at or gate.status in (RunStatus.FINISHED, RunStatus.FAILED):
        return Refusal(reason=RefusalReason.RUN_CLOSED)
    return None if gate.status in OPEN_RUNS else Refusal(reason=RefusalReason.RUN_STOPPED)


def _known_visit(
    tx: Transaction, worker: int, visit: int, status: VisitStatus
) -> tuple[int | None, Found | None]:
    row = tx.one(_AGENT, visit=visit)
    if row is None:
        return (visit, None) if status in OPEN_VISITS else (None, _over(status))
    agent, agent_status, unit, assignment, deadline, submission = row
    agent_status = AgentStatus(agent_status)
    if agent_status is AgentStatus.IN_TASK:
        return visit, read_working(
            tx,
            agent=agent,
            worker=worker,
            visit=visit,
            unit=unit,
            assignment=assignment,
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
    return None, _over(status)


def _over(status: VisitStatus) -> Refusal | None:
    """Refuse a visit that was submitted on the platform without any answers here."""
    return Refusal(reason=RefusalReason.TIME_OVER) if status in SUBMITTED_VISITS else None
