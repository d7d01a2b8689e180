"""The stored wait of a finished run for the visits that are open on its platform."""

from __future__ import annotations

from datetime import datetime

from famulus.engine.runs import RunRecord
from famulus.model.tables import TaskRunTable
from famulus.model.transaction import Transaction
from famulus.operate import lease


def is_awaiting_visits(tx: Transaction, record: RunRecord) -> bool:
    """Return whether the operator of a finished run waits for visits on its platform."""
    return record.awaited_until is not None and lease.is_operated(tx, record)


def stop_awaiting(tx: Transaction, record: RunRecord) -> bool:
    """Have the operator of a locked run wait for no more visits; return whether it did."""
    if not is_awaiting_visits(tx, record):
        return False
    store_wait(tx, record.id, 0, None)
    return True


def store_wait(tx: Transaction, run: int, number: int, until: datetime | None) -> None:
    """Store for how many visits the server of a locked run stays; until None for no longer."""
    tx.execute(
        TaskRunTable.update(awaited_visits=number, awaited_until=until).where(
            TaskRunTable.id == run
        )
    )
