"""Blueprints' verdicts on failed onboardings, stored with the attempt."""

from __future__ import annotations

import json
from collections.abc import Mapping

from famulus.contracts.views import NotPassed
from famulus.model.fields import dump_json
from famulus.model.statements import Param, Statement
from famulus.model.states import AgentStatus
from famulus.model.tables import AgentTable
from famulus.model.transaction import Transaction

_STORE_MESSAGE = Statement(
    AgentTable.update({AgentTable.message: Param("message")}).where(AgentTable.id == Param("agent"))
)
#: The key of the message to a worker who is screened out.
_SCREENED_OUT = "screened_out"
#: Characters of the blueprint's message about a failed onboarding, which may repeat the answers.
_LONGEST_MESSAGE = 2000
_FAILED_ONBOARDING = Statement(
    AgentTable.select(AgentTable.message)
    .where(
        AgentTable.worker == Param("worker"),
        AgentTable.run == Param("run"),
        AgentTable.unit.is_null(),
        AgentTable.status == AgentStatus.REJECTED,
    )
    .order_by(AgentTable.id.desc())
    .limit(1)
)


def store_verdict(tx: Transaction, agent: int, verdict: NotPassed) -> None:
    """Store what the blueprint says about the failed onboarding of an attempt."""
    message = verdict.message[:_LONGEST_MESSAGE]
    stored = {_SCREENED_OUT: message} if verdict.screened_out else message
    tx.run(_STORE_MESSAGE, agent=agent, message=dump_json(stored))


def read_verdict(tx: Transaction, *, run: int, worker: int) -> NotPassed | None:
    """Return what the blueprint has said about a worker's failed onboarding, if anything."""
    row = tx.one(_FAILED_ONBOARDING, run=run, worker=worker)
    if row is None or row[0] is None:
        return None
    stored = json.loads(row[0])
    if isinstance(stored, Mapping):
        return NotPassed(stored[_SCREENED_OUT], screened_out=True)
    return NotPassed(stored)
