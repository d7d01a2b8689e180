"""Whether a call for an outbox row has begun, stored with the row.

The row's attempts and its claim do not show that: a call that was not made yet counts as an
attempt, and the claim of a process that was killed during a call is released. A failed call has
begun too: it may have had its effect although the platform did not answer.
"""

from __future__ import annotations

from famulus.model.tables import OutboxTable
from famulus.model.transaction import Row, Transaction

#: In the payload of a row: a call for it has begun, and may have had an effect.
_BEGUN = "begun"


def begin(tx: Transaction, row: Row) -> None:
    """Store that a call for a claimed row begins."""
    if not has_begun(row):
        row.payload = {**row.payload, _BEGUN: True}
        tx.execute(OutboxTable.update(payload=row.payload).where(OutboxTable.id == row.id))


def has_begun(row: Row) -> bool:
    """Return whether a call for a row has begun, which may have had an effect."""
    return bool(row.payload.get(_BEGUN))
