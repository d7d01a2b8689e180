"""Whether a submission holds an answer at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import peewee

from famulus.model.tables import Agent
from famulus.model.transaction import Transaction


def holds_answer(value: Any) -> bool:
    """Return whether any value is in some answers: text that is not blank, a number, a choice."""
    if isinstance(value, str):
        return bool(value.strip())
    if isinstance(value, Mapping):
        return any(map(holds_answer, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds_answer, value))
    return value is not None


def count_unanswered(tx: Transaction, run: int) -> int:
    """Return how many submissions of a run hold no answer."""
    query = Agent.select(peewee.fn.COUNT(Agent.id).alias("n")).where(
        Agent.run == run, Agent.unanswered
    )
    row = tx.row(query)
    return 0 if row is None else int(row.n)
