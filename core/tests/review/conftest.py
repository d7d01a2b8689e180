"""A task that two workers have done, and a reviewer at a keyboard of lines."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from famulus.data.scope import find_scope
from famulus.engine.answers import StoredAnswer
from famulus.model.database import Database
from famulus.model.tables import (
    AgentTable,
    GrantedQualificationTable,
    QualificationTable,
    UnitTable,
    WorkerTable,
)
from famulus.plugins import Plugins
from famulus.review.choice_questions import Qualifications
from famulus.review.dialogue import Dialogue
from famulus.review.review_session import ReviewSession
from famulus.review.terminal import Terminal
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

TASK = "words"

Review = Callable[..., str]
Statuses = Callable[[], dict[str, list[str]]]
Grants = Callable[[], dict[str, int]]


@pytest.fixture
def done(operator: ManualOperator) -> None:
    """Two rows with two units each, done by ``x`` and by ``y``."""
    gateway = operator.launch_rows(
        [{"n": 1}, {"n": 2}], task_name=TASK, blueprint={"units_per_assignment": 2}
    )
    for name in ("x", "x", "y", "y"):
        GatewayWorker(gateway, name).work(f"by {name}")
    operator.turn()


@pytest.fixture
def units(done: None, database: Database) -> list[int]:
    """The four units that are done."""
    with database.read() as tx:
        return [row.id for row in tx.rows(UnitTable.select(UnitTable.id).order_by(UnitTable.id))]


@pytest.fixture
def session_of(database: Database) -> Callable[..., ReviewSession]:
    """A function that begins a review; what it is given goes to ``find_scope``."""

    def begin(plugins: Plugins | None = None, **scope: Any) -> ReviewSession:
        return ReviewSession(
            database=database,
            plugins=plugins or kit_plugins(),
            scope=find_scope(database, TASK, **scope),
        )

    return begin


@pytest.fixture
def review(session_of: Callable[..., ReviewSession]) -> Review:
    """A function that holds the dialogue with the lines it is given; returns what was printed."""

    def hold(
        *lines: str, block: str | None = None, approve: str | None = None, **scope: Any
    ) -> str:
        printed = io.StringIO()
        Dialogue(
            terminal=Terminal(io.StringIO("".join(f"{line}\n" for line in lines)), printed),
            session=session_of(**scope),
            formatter=shown_by_number,
            qualifications=Qualifications(block=block, approve=approve),
        ).run()
        return printed.getvalue()

    return hold


def shown_by_number(unit: StoredAnswer) -> str:
    return f"<unit {unit.unit}>"


@pytest.fixture
def statuses(database: Database) -> Statuses:
    """A function that returns the status of each worker's units and attempts, by unit."""
    query = (
        UnitTable.select(UnitTable.status, AgentTable.status.alias("attempt"), WorkerTable.name)
        .join(AgentTable, on=(UnitTable.agent_id == AgentTable.id))
        .join(WorkerTable, on=(AgentTable.worker == WorkerTable.id))
        .order_by(UnitTable.id)
    )

    def look() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        with database.read() as tx:
            for row in tx.rows(query):
                found.setdefault(row.name, []).append(f"{row.status}/{row.attempt}")
        return found

    return look


@pytest.fixture
def grants(database: Database) -> Grants:
    """A function that returns the values that workers hold, by worker and qualification."""
    query = (
        GrantedQualificationTable.select(
            GrantedQualificationTable.value,
            WorkerTable.name,
            QualificationTable.name.alias("qualification"),
        )
        .join(WorkerTable, on=(GrantedQualificationTable.worker == WorkerTable.id))
        .switch(GrantedQualificationTable)
        .join(
            QualificationTable,
            on=(GrantedQualificationTable.qualification == QualificationTable.id),
        )
    )

    def look() -> dict[str, int]:
        with database.read() as tx:
            return {f"{row.name}: {row.qualification}": row.value for row in tx.rows(query)}

    return look
