"""The places that a run offers on a platform, derived from the newest change to them."""

from __future__ import annotations

from famulus.engine.outbox.outbox_rows import CLOSING_KINDS, OutboxKind
from famulus.model.tables import OutboxTable, TaskRunTable
from famulus.model.transaction import Row, Transaction

#: Rows that change what is offered.
OFFERING = [kind.value for kind in (OutboxKind.SET_PLACES, *CLOSING_KINDS)]


def read_newest(tx: Transaction, run: int) -> Row | None:
    """Return a run's newest outbox row that opens or closes places."""
    return tx.row(
        OutboxTable.select(OutboxTable.kind, OutboxTable.status, OutboxTable.payload)
        .where(OutboxTable.run == run, OutboxTable.kind << OFFERING)
        .order_by(OutboxTable.id.desc())
        .limit(1)
    )


def count_places(tx: Transaction, run: int) -> int:
    """Return how many places of a run are open or taken; 0 while they are closed."""
    newest = read_newest(tx, run)
    row = tx.row(TaskRunTable.select(TaskRunTable.places).where(TaskRunTable.id == run))
    if row is None or newest is None or newest.kind != OutboxKind.SET_PLACES:
        return 0
    return int(row.places) - int(newest.payload["gone"])
