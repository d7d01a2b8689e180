"""What platforms are still to be told, written down in the transaction of the change itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from famulus.model.states import OutboxStatus
from famulus.model.tables import Outbox
from famulus.model.transaction import Transaction


class Telling(StrEnum):
    """The kinds of rows; ``work/messenger.py`` knows how each is told."""

    OPEN_PLACES = "open_places"
    CLOSE_PLACES = "close_places"
    DECIDE = "decide"
    PAY = "pay"
    QUALIFY = "qualify"
    BLOCK = "block"


def enqueue(
    tx: Transaction,
    *,
    kind: Telling,
    key: str,
    payload: Any,
    run: int | None = None,
    requester: int | None = None,
) -> None:
    """Write down what the platform of a run, or of a requester's account, is to be told. The same
    key again is the same telling."""
    query = Outbox.insert(
        run=run, requester=requester, kind=kind.value, key=key, payload=payload,
        status=OutboxStatus.PENDING, next_attempt_at=tx.now, created_at=tx.now,
    ).on_conflict_ignore()
    tx.execute(query)
