"""Delivering again what a platform has refused."""

from __future__ import annotations

from famulus.contracts.provider_views import Capabilities
from famulus.engine.outbox.outbox_rows import (
    CLOSING_KINDS,
    OutboxKind,
    cancel,
    make_account_due,
    redeliver,
)
from famulus.engine.outbox.stored_verdicts import rows_in_ledger
from famulus.engine.places.place_changes import close_refused, retry_refused
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, literal
from famulus.model.transaction import Transaction

#: Kinds whose refused rows are not simply sent again.
_OF_THEIR_OWN = (OutboxKind.PAY, OutboxKind.SET_PLACES, *CLOSING_KINDS)


def redeliver_refused(tx: Transaction, run: int, capabilities: Capabilities) -> None:
    """Make due again the rows of a run that its platform has refused, except for payments.

    A refused payment, and an approval that pays a reward, are retried by their number in the
    ledger. No more places are opened than are missing.
    """
    rows = tx.rows(
        OutboxTable.select(OutboxTable.id, OutboxTable.key, OutboxTable.kind, OutboxTable.payload)
        .where(
            OutboxTable.run == run,
            OutboxTable.status == OutboxStatus.FAILED,
            OutboxTable.kind.not_in([kind.value for kind in _OF_THEIR_OWN]),
        )
        .order_by(OutboxTable.id)
    )
    retry_refused(tx, run, capabilities)
    close_refused(tx, run)
    paying = rows_in_ledger(tx, rows)
    for row in rows:
        if row.id not in paying:
            redeliver(tx, row.key)


def acknowledge_refused_verdicts(tx: Transaction, run: int) -> int:
    """Count the verdicts of a run that its platform has refused as delivered; return how many.

    Decisions stay as they are, and so does what the platform has decided. Approvals that a platform
    still has to pay are retried by their number in the ledger, and stay.
    """
    rows = tx.rows(
        OutboxTable.select(OutboxTable.id, OutboxTable.key, OutboxTable.kind, OutboxTable.payload)
        .where(
            OutboxTable.run == run,
            OutboxTable.status == OutboxStatus.FAILED,
            OutboxTable.kind == OutboxKind.DECIDE.value,
        )
        .order_by(OutboxTable.id)
    )
    paying = rows_in_ledger(tx, rows)
    keys = [row.key for row in rows if row.id not in paying]
    for key in keys:
        cancel(tx, key)
    return len(keys)


def redeliver_account(tx: Transaction, requester: int) -> None:
    """Make due the rows of a requester's account that were refused, or that wait for a retry."""
    refused = tx.rows(
        OutboxTable.select(OutboxTable.key)
        .where(
            OutboxTable.run.is_null(),
            OutboxTable.requester == requester,
            OutboxTable.status == literal(OutboxStatus.FAILED),
        )
        .order_by(OutboxTable.id)
    )
    for row in refused:
        redeliver(tx, row.key)
    make_account_due(tx, requester)
