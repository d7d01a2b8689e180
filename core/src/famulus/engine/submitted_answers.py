"""The answers that are stored with attempts, and whether answers contain anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from famulus.model.statements import Param, Statement
from famulus.model.tables import AgentTable
from famulus.model.transaction import Transaction
from famulus.visible_text import has_visible_text

_ANSWERS = Statement(AgentTable.select(AgentTable.answers).where(AgentTable.id == Param("agent")))
_LAST_ANSWERS = Statement(
    AgentTable.select(AgentTable.answers)
    .where(
        AgentTable.worker == Param("worker"),
        AgentTable.run == Param("run"),
        AgentTable.unit.is_null(False),
        AgentTable.submission_id.is_null(False),
    )
    .order_by(AgentTable.id.desc())
    .limit(1)
)


def read_answers(tx: Transaction, agent: int) -> str | None:
    """Return the answers stored with an attempt, as JSON text."""
    row = tx.one(_ANSWERS, agent=agent)
    return None if row is None else row[0]


def read_last_answers(tx: Transaction, *, run: int, worker: int) -> str | None:
    """Return the answers to the newest of a worker's submitted units of a run, as JSON text."""
    row = tx.one(_LAST_ANSWERS, run=run, worker=worker)
    return None if row is None else row[0]


def holds_answer(value: Any) -> bool:
    """Return whether answers contain a value: text that can be seen, a number, a choice."""
    if isinstance(value, str):
        return has_visible_text(value)
    if isinstance(value, Mapping):
        return any(map(holds_answer, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds_answer, value))
    return value is not None
