"""What platforms are still to be told, written down in the transaction of the change itself."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any

import peewee

from famulus.model.states import OutboxStatus
from famulus.model.tables import Outbox, literal
from famulus.model.transaction import Row, Transaction

_LONGEST_WAIT = timedelta(minutes=10)


class Telling(StrEnum):
    """The kinds of rows; ``work/messenger.py`` knows how each is told."""

    OPEN_PLACES = "open_places"
    MOVE_END = "move_end"
    CLOSE_PLACES = "close_places"
    DISPOSE = "dispose"
    DECIDE = "decide"
    PAY = "pay"
    QUALIFY = "qualify"
    BLOCK = "block"


#: Told in the order in which they were written, within a run.
OF_PLACES = (
    Telling.OPEN_PLACES, Telling.MOVE_END, Telling.CLOSE_PLACES, Telling.DISPOSE,
)


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


def find_telling(tx: Transaction, key: str) -> Row | None:
    """Return the row of a key, or None."""
    return tx.row(Outbox.select().where(Outbox.key == key))


def select_due(tx: Transaction, *, run: int | None, requester: int, most: int) -> list[Row]:
    """Return rows that are to be told now: a run's, and after those its requester's, of which there
    may be very many. The oldest come first."""
    due = (
        Outbox.select()
        .where(Outbox.status == literal(OutboxStatus.PENDING), Outbox.next_attempt_at <= tx.now)
        .order_by(Outbox.id)
    )
    rows = [] if run is None else tx.rows(due.where(Outbox.run == run).limit(most))
    if len(rows) < most:
        mine = due.where(Outbox.run.is_null(), Outbox.requester == requester)
        rows += tx.rows(mine.limit(most - len(rows)))
    return rows


def claim(tx: Transaction, row: Row, lease: timedelta) -> bool:
    """Take a row for oneself, for the length of a lease; say whether it was still to be had.

    One that has to wait for another row is put off until that one is tried again.
    """
    before = _before(tx, row)
    until = tx.now + lease if before is None else before.next_attempt_at
    query = Outbox.update(next_attempt_at=until).where(
        Outbox.id == row.id,
        Outbox.status == literal(OutboxStatus.PENDING),
        Outbox.next_attempt_at == row.next_attempt_at,
    )
    return bool(tx.execute(query).rowcount) and before is None


def end(tx: Transaction, row: Row, status: OutboxStatus, error: str = "") -> None:
    """Put a row away: told, or refused for the reason ``error``."""
    query = Outbox.update(
        status=status, error=error, attempts=row.attempts + 1, done_at=tx.now
    ).where(Outbox.id == row.id, Outbox.status == literal(OutboxStatus.PENDING))
    tx.execute(query)


def postpone(tx: Transaction, row: Row, error: str) -> None:
    """Have a row told again later, and the later the more often that was tried."""
    wait = min(timedelta(seconds=2 ** min(row.attempts, 20)), _LONGEST_WAIT)
    query = Outbox.update(
        attempts=row.attempts + 1, next_attempt_at=tx.now + wait, error=error
    ).where(Outbox.id == row.id, Outbox.status == literal(OutboxStatus.PENDING))
    tx.execute(query)


def tell_again(tx: Transaction, key: str) -> bool:
    """Have a row told now, whatever has become of it so far; say whether there is one."""
    query = Outbox.update(
        status=OutboxStatus.PENDING, next_attempt_at=tx.now, attempts=0, done_at=None
    ).where(Outbox.key == key)
    return bool(tx.execute(query).rowcount)


def hasten(tx: Transaction, key: str) -> None:
    """Have a row told now that waits for its next attempt."""
    query = Outbox.update(next_attempt_at=tx.now).where(
        Outbox.key == key, Outbox.status == literal(OutboxStatus.PENDING)
    )
    tx.execute(query)


def is_closed_later(tx: Transaction, row: Row) -> bool:
    """Say whether places that a row opens are to be closed by another one."""
    query = Outbox.select(Outbox.id).where(
        Outbox.run == row.run_id, Outbox.kind == Telling.CLOSE_PLACES.value, Outbox.id > row.id
    )
    return tx.row(query.limit(1)) is not None


def is_telling_places(tx: Transaction, run: int) -> bool:
    """Say whether the platform is still to be told something of a run's places."""
    query = Outbox.select(Outbox.id).where(
        Outbox.run == run,
        Outbox.kind << [kind.value for kind in OF_PLACES],
        Outbox.status == literal(OutboxStatus.PENDING),
    )
    return tx.row(query.limit(1)) is not None


def hasten_places(tx: Transaction, run: int) -> bool:
    """Have places opened and closed now whose telling waits for its next attempt; say whether
    there are any."""
    query = Outbox.update(next_attempt_at=tx.now).where(
        Outbox.run == run,
        Outbox.kind << [kind.value for kind in OF_PLACES],
        Outbox.status == literal(OutboxStatus.PENDING),
        Outbox.attempts > 0,
    )
    return bool(tx.execute(query).rowcount)


def take_over_places(tx: Transaction, run: int) -> None:
    """Drop whatever claims there are on telling of a run's places: who held them is gone."""
    query = Outbox.update(next_attempt_at=tx.now).where(
        Outbox.run == run,
        Outbox.kind << [kind.value for kind in OF_PLACES],
        Outbox.status == literal(OutboxStatus.PENDING),
    )
    tx.execute(query)


def verdict_key(visit: int, number: int) -> str:
    """Return the key of a visit's verdict; a visit's verdicts are numbered from 1."""
    return f"visit-{visit}-verdict-{number}"


def _before(tx: Transaction, row: Row) -> Row | None:
    """Return the row that has to be told before this one, while it is still to be."""
    if row.kind == Telling.DECIDE:
        return _pending(tx, Outbox.key == verdict_key(row.payload["visit"], row.payload["n"] - 1))
    if row.kind in OF_PLACES:
        kinds = [kind.value for kind in OF_PLACES]
        return _pending(
            tx, (Outbox.run == row.run_id) & (Outbox.id < row.id) & (Outbox.kind << kinds)
        )
    return None


def _pending(tx: Transaction, condition: peewee.Node) -> Row | None:
    return tx.row(
        Outbox.select(Outbox.id, Outbox.next_attempt_at)
        .where(Outbox.status == literal(OutboxStatus.PENDING), condition)
        .order_by(Outbox.id)
        .limit(1)
    )
