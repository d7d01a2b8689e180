"""Payments that their platform has accepted and does not show yet, by a mark in the outbox row.

In the ledger their outcome is unknown: an accepted payment can still fail.
"""

from __future__ import annotations

from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, literal
from famulus.model.transaction import Row, Transaction

#: In the payload of a payment's row.
_ACCEPTED = "accepted"


def with_acceptance(row: Row, *, is_accepted: bool) -> Row:
    """Return the outbox row of a payment with the mark, or without the mark of an earlier call."""
    payload = {name: value for name, value in row.payload.items() if name != _ACCEPTED}
    if is_accepted:
        payload[_ACCEPTED] = True
    return Row(**{**vars(row), "payload": payload})


def read_accepted(tx: Transaction) -> frozenset[int]:
    """Return the numbers of all payments that were accepted and are not settled."""
    rows = tx.rows(
        OutboxTable.select(OutboxTable.payload).where(
            OutboxTable.kind == OutboxKind.PAY.value,
            OutboxTable.status == literal(OutboxStatus.PENDING),
        )
    )
    return frozenset(row.payload["payment"] for row in rows if row.payload.get(_ACCEPTED))
