"""Submitted answers to the onboardings of runs, the newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import frozen

from famulus.data.scope import Scope
from famulus.model.database import Database
from famulus.model.states import AgentStatus
from famulus.model.tables import AgentTable, WorkerTable


@frozen(kw_only=True)
class StoredOnboarding:
    """A submitted attempt at an onboarding."""

    run: int
    worker: str
    passed: bool
    submitted_at: datetime
    #: what the blueprint's ``read_answers`` returned
    answers: Any


def newest_onboardings(
    database: Database, scope: Scope, start: int, end: int
) -> list[StoredOnboarding]:
    """Return answers to onboardings, from workers who passed and from workers who did not.

    :param start: how many of the newest to leave out.
    :param end: the position, also counted from the newest, at which to stop.
    """
    query = (
        AgentTable.select(
            AgentTable.run.alias("run_number"),
            AgentTable.status,
            AgentTable.submitted_at,
            AgentTable.answers,
            WorkerTable.name,
        )
        .join(WorkerTable, on=(AgentTable.worker == WorkerTable.id))
        .where(
            AgentTable.run << list(scope.runs),
            AgentTable.unit.is_null(),
            AgentTable.submitted_at.is_null(False),
        )
        .order_by(AgentTable.submitted_at.desc(), AgentTable.id.desc())
        .limit(end - start)
        .offset(start)
    )
    with database.read() as tx:
        return [
            StoredOnboarding(
                run=row.run_number,
                worker=row.name,
                passed=row.status is AgentStatus.APPROVED,
                submitted_at=row.submitted_at,
                answers=row.answers,
            )
            for row in tx.rows(query)
        ]
