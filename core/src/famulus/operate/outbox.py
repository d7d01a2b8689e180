"""Telling platforms what is to be told: every row at least once, again after a failure."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from famulus.contracts.provider import Provider
from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.model.states import OutboxStatus
from famulus.model.tables import Outbox, literal
from famulus.model.transaction import Row, Transaction

OPEN_PLACES = "open_places"
CLOSE_PLACES = "close_places"

_log = logging.getLogger(__name__)

#: Rows of one round.
_ROUND = 50
_LONGEST_WAIT = timedelta(minutes=10)


def enqueue(tx: Transaction, *, run: int, kind: str, key: str, payload: Any) -> None:
    """Write down what a platform is to be told, in the transaction of the change itself. The same
    key again is the same telling."""
    query = Outbox.insert(
        run=run, kind=kind, key=key, payload=payload, status=OutboxStatus.PENDING,
        next_attempt_at=tx.now, created_at=tx.now,
    ).on_conflict_ignore()
    tx.execute(query)


def deliver(database: Database, run: int, provider: Provider) -> int:
    """Tell a run's platform what is due; return how many rows were done."""
    with database.read() as tx:
        due = tx.rows(
            Outbox.select()
            .where(
                Outbox.run == run,
                Outbox.status == literal(OutboxStatus.PENDING),
                Outbox.next_attempt_at <= tx.now,
            )
            .order_by(Outbox.id)
            .limit(_ROUND)
        )
    return sum(_deliver_one(database, provider, row) for row in due)


def _deliver_one(database: Database, provider: Provider, row: Row) -> bool:
    try:
        _tell(provider, row)
    except Exception as error:  # noqa: BLE001 - third-party code; kept with the row, tried again
        if not isinstance(error, UnavailableError):
            _log.exception("run %d: %s", row.run_id, row.key)
        reason = f"{type(error).__name__}: {error}"
        database.write(lambda tx: _postpone(tx, row, reason))
        return False
    done = Outbox.update(status=OutboxStatus.DONE, error="", attempts=row.attempts + 1)
    database.write(
        lambda tx: tx.execute(done.where(Outbox.id == row.id))
    )
    return True


def _tell(provider: Provider, row: Row) -> None:
    if row.kind == OPEN_PLACES:
        provider.open_places(row.run_id, row.payload["count"], row.key)
    elif row.kind == CLOSE_PLACES:
        provider.close_places(row.run_id)
    else:
        raise LookupError(f"nobody knows how to tell {row.kind!r}")


def _postpone(tx: Transaction, row: Row, reason: str) -> None:
    wait = min(timedelta(seconds=2 ** min(row.attempts, 20)), _LONGEST_WAIT)
    query = Outbox.update(
        attempts=row.attempts + 1, next_attempt_at=tx.now + wait, error=reason
    ).where(Outbox.id == row.id)
    tx.execute(query)
