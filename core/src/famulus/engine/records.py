"""Stored work as records, for listeners, reviewers and exports."""

from __future__ import annotations

from typing import Any

from famulus.contracts.views import SubmittedUnit, UnitView, WorkerView
from famulus.model.tables import Agent, Assignment, Unit, Worker
from famulus.model.transaction import Row, Transaction


def select_agents() -> Any:
    """Return the query of agents with their unit, row and worker that this module reads."""
    return (
        Agent.select(
            Agent.id,
            Agent.started_at,
            Agent.submitted_at,
            Agent.late,
            Agent.answers,
            Unit.id.alias("unit"),
            Unit.lane,
            Unit.assignment.alias("assignment"),
            Assignment.data,
            Worker.id.alias("worker"),
            Worker.name,
            Worker.provider_type,
        )
        .join(Unit, on=(Agent.unit == Unit.id))
        .join(Assignment, on=(Unit.assignment == Assignment.id))
        .join(Worker, on=(Agent.worker == Worker.id))
    )


def read_unit_and_worker(tx: Transaction, agent: int) -> tuple[UnitView, WorkerView]:
    """Return the unit and the worker of an agent."""
    row = _agent(tx, agent)
    unit = UnitView(id=row.unit, assignment_id=row.assignment, index=row.lane, data=row.data)
    return unit, _worker(row)


def read_submitted(tx: Transaction, agent: int) -> SubmittedUnit:
    """Return an agent's unit with its answers."""
    return submitted_unit(_agent(tx, agent))


def submitted_unit(row: Row) -> SubmittedUnit:
    """Make a record of a row of :func:`select_agents` that has answers."""
    return SubmittedUnit(
        id=row.unit,
        assignment_id=row.assignment,
        index=row.lane,
        data=row.data,
        agent_id=row.id,
        worker=_worker(row),
        answers=row.answers,
        late=bool(row.late),
        started_at=row.started_at,
        submitted_at=row.submitted_at,
    )


def _agent(tx: Transaction, agent: int) -> Row:
    row = tx.row(select_agents().where(Agent.id == agent))
    if row is None:
        raise LookupError(f"agent {agent} has no unit")
    return row


def _worker(row: Row) -> WorkerView:
    return WorkerView(id=row.worker, name=row.name, provider_type=row.provider_type)
