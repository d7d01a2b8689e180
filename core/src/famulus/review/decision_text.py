"""The facts on a unit's decision that its status does not show, for reviewers."""

from __future__ import annotations

from famulus.engine.answers import StoredAnswer
from famulus.engine.ledger.recorded_decisions import read_decisions_in_force, read_return_request
from famulus.engine.ledger.visit_work import read_worth
from famulus.model.database import Database
from famulus.model.money import from_minor
from famulus.model.states import UnitStatus
from famulus.model.transaction import Transaction


def decision_text(database: Database, unit: StoredAnswer) -> str:
    """Return one line; empty if the status says everything."""
    if not unit.counts:
        return ""
    with database.read() as tx:
        return _text(tx, unit)


def _text(tx: Transaction, unit: StoredAnswer) -> str:
    if unit.unit_status is UnitStatus.COMPLETED:
        request = read_return_request(tx, unit.visit)
        if request is None:
            return ""
        return f"Return requested on {request.decided_at:%Y-%m-%d}: {request.note}"
    active = read_decisions_in_force(tx, [unit.unit]).get(unit.unit)
    if active is not None and active.amount is not None:
        worth = read_worth(tx, unit.unit, unit.visit)
        return f"Accepted for {from_minor(active.amount, worth.currency)} of {worth.text}"
    if active is not None and active.category:
        return f"Rejected as {active.category}: {active.note}"
    return ""
