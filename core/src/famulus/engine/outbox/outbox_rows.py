"""Outbox rows: enqueued in the transaction of the local change, and delivered to the platform.

A process claims a row for a limited time before it delivers it. A row that has to wait for another
one is postponed, and becomes due when the other row is finished or its claim is released.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import peewee

from famulus import process
from famulus.engine.outbox.retry_pause import pause_after
from famulus.model.fields import to_micros
from famulus.model.statements import Param, Statement
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, literal
from famulus.model.transaction import Row, Transaction


class OutboxKind(StrEnum):
    """The kinds of rows; ``engine/platform/outbox_calls.py`` maps each to its call."""

    SET_PLACES = "set_places"
    MOVE_END = "move_end"
    PAUSE_PLACES = "pause_places"
    END_PLACES = "end_places"
    DISPOSE = "dispose"
    DECIDE = "decide"
    PAY = "pay"
    QUALIFY = "qualify"
    BLOCK = "block"


#: Those that close a run's open places.
CLOSING_KINDS = (OutboxKind.PAUSE_PLACES, OutboxKind.END_PLACES)
_CLOSING = [kind.value for kind in CLOSING_KINDS]
#: Superfluous once a run's places are closed.
_ABOUT_OPEN_PLACES = (OutboxKind.SET_PLACES, OutboxKind.MOVE_END, *CLOSING_KINDS)
#: In the payload of a closing: every place that the platform lists is closed.
UNLISTED = "unlisted"
#: Delivered in the order in which they were enqueued, within a run. A closing that waits only for
#: places that are not listed holds back no opening of others.
PLACE_KINDS = (*_ABOUT_OPEN_PLACES, OutboxKind.DISPOSE)

_IS_PENDING = OutboxTable.status == literal(OutboxStatus.PENDING)
_OF_RUN = OutboxTable.run == Param("run")
_OF_ACCOUNT = OutboxTable.run.is_null() & (OutboxTable.requester == Param("requester"))
_BY_KEY = Statement(OutboxTable.select().where(OutboxTable.key == Param("key")))
_CLAIMED = (
    OutboxTable.select(OutboxTable.id, OutboxTable.claimed_by)
    .where(_IS_PENDING, OutboxTable.claimed_until.is_null(False))
    .order_by(OutboxTable.id)
)
_CLAIMED_OF_RUN = Statement(_CLAIMED.where(_OF_RUN))
_CLAIMED_OF_ACCOUNT = Statement(_CLAIMED.where(_OF_ACCOUNT))
_CLAIM = Statement(
    OutboxTable.update(
        {
            OutboxTable.next_attempt_at: Param("until"),
            OutboxTable.claimed_until: Param("until"),
            OutboxTable.claimed_by: Param("claimant"),
        }
    ).where(
        OutboxTable.id == Param("id"),
        _IS_PENDING,
        OutboxTable.next_attempt_at == Param("as_read"),
    )
)
_FINISH = Statement(
    OutboxTable.update(
        {
            OutboxTable.status: Param("status"),
            OutboxTable.error: Param("error"),
            OutboxTable.attempts: Param("attempts"),
            OutboxTable.done_at: Param("now"),
            OutboxTable.claimed_until: None,
            OutboxTable.claimed_by: "",
        }
    ).where(OutboxTable.id == Param("id"), _IS_PENDING)
)


def enqueue(
    tx: Transaction,
    *,
    kind: OutboxKind,
    key: str,
    payload: Any,
    run: int | None = None,
    requester: int | None = None,
) -> None:
    """Enqueue a row for the platform of a run, or of a requester's account.

    A key that exists already is left as it is.
    """
    query = OutboxTable.insert(
        run=run,
        requester=requester,
        kind=kind.value,
        key=key,
        payload=payload,
        status=OutboxStatus.PENDING,
        next_attempt_at=tx.now,
        created_at=tx.now,
    ).on_conflict_ignore()
    tx.execute(query)


def find_outbox_row(tx: Transaction, key: str) -> Row | None:
    """Return the row with a key, or None."""
    return tx.row_of(_BY_KEY, key=key)


def claimed_rows(tx: Transaction) -> dict[str, Row]:
    """Return by key the rows that a process has claimed, unless it has certainly ended."""
    rows = tx.rows(
        OutboxTable.select(
            OutboxTable.key, OutboxTable.claimed_until, OutboxTable.claimed_by
        ).where(
            OutboxTable.status == literal(OutboxStatus.PENDING),
            OutboxTable.claimed_until > tx.now,
        )
    )
    return {row.key: row for row in rows if is_claimed(row, tx)}


def claim(tx: Transaction, row: Row, lease: timedelta, claimant: str) -> Row | None:
    """Claim a row for the length of a lease; return it as claimed, or None if that failed.

    :param claimant: the identity of the process that is about to deliver it.
    """
    until = tx.now + lease
    change = {"next_attempt_at": until, "claimed_until": until, "claimed_by": claimant}
    claimed = tx.run(
        _CLAIM,
        id=row.id,
        as_read=to_micros(row.next_attempt_at),
        until=to_micros(until),
        claimant=claimant,
    )
    return Row(**{**vars(row), **change}) if claimed.rowcount else None


def put_off(tx: Transaction, row: Row, until: datetime) -> None:
    """Make a row due later, because it has to wait for another one; nothing has failed."""
    tx.execute(OutboxTable.update(next_attempt_at=until).where(_is_as_read(row)))


def renew_claims(
    tx: Transaction, rows: Collection[int], lease: timedelta, claimant: str
) -> frozenset[int]:
    """Extend the claims on rows; return the ids of the rows that the claimant still claims."""
    query = (
        OutboxTable.update(next_attempt_at=tx.now + lease, claimed_until=tx.now + lease)
        .where(
            OutboxTable.id << list(rows),
            OutboxTable.status == literal(OutboxStatus.PENDING),
            OutboxTable.claimed_by == claimant,
            OutboxTable.claimed_until.is_null(False),
        )
        .returning(OutboxTable.id)
    )
    return frozenset(row[0] for row in tx.execute(query).fetchall())


def renew_claim(tx: Transaction, row: Row, lease: timedelta, claimant: str, payload: Any) -> bool:
    """Extend the claim on a row that takes several calls, and store the rest of its payload.

    Return whether this process still has the claim, and the rest still has to be delivered.
    """
    query = OutboxTable.update(
        payload=payload, next_attempt_at=tx.now + lease, claimed_until=tx.now + lease
    ).where(
        OutboxTable.id == row.id,
        OutboxTable.status == literal(OutboxStatus.PENDING),
        OutboxTable.claimed_by == claimant,
        OutboxTable.claimed_until.is_null(False),
    )
    return bool(tx.execute(query).rowcount) and not is_closed_later(tx, row)


def release_claims(tx: Transaction, run: int, of: str = "") -> None:
    """Release the claims on a run's rows by processes that have certainly ended; make the rows due.

    :param of: a process whose claims are released as well, because it has lost the run.
    """
    _release_claims(tx, tx.rows_of(_CLAIMED_OF_RUN, run=run), of)


def release_account_claims(tx: Transaction, requester: int) -> None:
    """Do the same as :func:`release_claims` for the rows of a requester's account."""
    _release_claims(tx, tx.rows_of(_CLAIMED_OF_ACCOUNT, requester=requester), "")


def _release_claims(tx: Transaction, claimed: Iterable[Row], of: str) -> None:
    for row in claimed:
        if not (of and row.claimed_by == of) and not process.is_dead(row.claimed_by):
            continue
        _release(tx, OutboxTable.id == row.id)
        _release_successors(tx, tx.row(OutboxTable.select().where(OutboxTable.id == row.id)))


def finish(tx: Transaction, row: Row, status: OutboxStatus, error: str = "") -> None:
    """Finish a row: delivered, or refused for the reason ``error``."""
    tx.run(
        _FINISH,
        id=row.id,
        status=status.value,
        error=OutboxTable.error.db_value(error),
        attempts=row.attempts + 1,
        now=tx.micros,
    )
    _release_successors(tx, row)


def postpone(
    tx: Transaction,
    row: Row,
    error: str,
    retry_after: float | None = None,
    *,
    is_rest_unlisted: bool = False,
) -> None:
    """Postpone a row after a failed attempt; see :func:`pause_after`.

    A row that another process has claimed in the meantime is left to that process.

    :param is_rest_unlisted: whether the row closes places, and waits only for places that the
        platform may list later: rows that open other places need not wait for it.
    """
    payload = {**row.payload, UNLISTED: True} if is_rest_unlisted else row.payload
    wait = pause_after(row.attempts, retry_after)
    query = OutboxTable.update(
        attempts=row.attempts + 1,
        next_attempt_at=tx.now + wait,
        payload=payload,
        error=error,
        claimed_until=None,
        claimed_by="",
    ).where(
        OutboxTable.id == row.id,
        OutboxTable.status == literal(OutboxStatus.PENDING),
        OutboxTable.claimed_by << ("", row.claimed_by),
    )
    if tx.execute(query).rowcount:
        _release_successors(tx, row)


def redeliver(tx: Transaction, key: str) -> None:
    """Make a row of any status pending and due, unless a process is delivering it."""
    query = OutboxTable.update(
        status=OutboxStatus.PENDING, next_attempt_at=tx.now, attempts=0, done_at=None
    ).where(OutboxTable.key == key, OutboxTable.claimed_until.is_null())
    tx.execute(query)


def cancel(tx: Transaction, key: str) -> None:
    """Mark a pending or refused row as delivered, unless a process is delivering it."""
    query = OutboxTable.update(status=OutboxStatus.DONE, done_at=tx.now).where(
        OutboxTable.key == key,
        OutboxTable.status != literal(OutboxStatus.DONE),
        OutboxTable.claimed_until.is_null(),
    )
    tx.execute(query)


def make_due(tx: Transaction, key: str) -> None:
    """Make a pending row due now, unless a process is delivering it."""
    _release(tx, (OutboxTable.key == key) & OutboxTable.claimed_until.is_null())


def make_run_due(tx: Transaction, run: int) -> None:
    """Make a run's pending rows due now, except those that are claimed."""
    _release(tx, (OutboxTable.run == run) & OutboxTable.claimed_until.is_null())


def make_account_due(tx: Transaction, requester: int) -> None:
    """Make a requester's pending rows due now, except those that are claimed."""
    _release(tx, _of_account(requester) & OutboxTable.claimed_until.is_null())


def make_kinds_due(tx: Transaction, run: int, kinds: Collection[OutboxKind]) -> None:
    """Make a run's pending rows of some kinds due now, except those that are claimed."""
    of_kinds = OutboxTable.kind << [kind.value for kind in kinds]
    _release(tx, (OutboxTable.run == run) & of_kinds & OutboxTable.claimed_until.is_null())


def is_closed_later(tx: Transaction, row: Row) -> bool:
    """Return whether a later row closes the places that a row opens."""
    query = OutboxTable.select(OutboxTable.id).where(
        OutboxTable.run == row.run_id,
        OutboxTable.kind << _CLOSING,
        OutboxTable.id > row.id,
    )
    return tx.row(query.limit(1)) is not None


def is_closed_since(tx: Transaction, row: Row) -> bool:
    """Return whether a later row has closed the places that a row opens."""
    query = OutboxTable.select(OutboxTable.id).where(
        OutboxTable.run == row.run_id,
        OutboxTable.kind << _CLOSING,
        OutboxTable.status == literal(OutboxStatus.DONE),
        OutboxTable.id > row.id,
    )
    return tx.row(query.limit(1)) is not None


def supersede_places(tx: Transaction, run: int, before: int | None = None) -> None:
    """Finish rows about a run's places that a closing makes superfluous.

    Claimed rows stay: the closing waits for their calls. A clean-up stays too: it deletes what the
    closing leaves on the platform.

    :param before: the id of the closing row; None if it is still to be enqueued.
    """
    unclaimed = OutboxTable.claimed_until.is_null() | (OutboxTable.claimed_until <= tx.now)
    query = OutboxTable.update(status=OutboxStatus.DONE, done_at=tx.now).where(
        OutboxTable.run == run,
        OutboxTable.kind << [kind.value for kind in _ABOUT_OPEN_PLACES],
        (OutboxTable.status == literal(OutboxStatus.FAILED))
        | ((OutboxTable.status == literal(OutboxStatus.PENDING)) & unclaimed),
    )
    tx.execute(query if before is None else query.where(OutboxTable.id < before))


def verdict_key(visit: int, number: int) -> str:
    """Return the key of a visit's verdict; the verdicts of a visit are numbered from 1."""
    return f"visit-{visit}-verdict-{number}"


def pay_key(payment: int) -> str:
    """Return the key of the row that makes a payment."""
    return f"pay-{payment}"


def find_claimed(tx: Transaction, keys: Collection[str], but: Collection[int]) -> Row | None:
    """Return a row with one of these keys that a process is delivering, or None.

    :param but: the ids of rows that do not count.
    """
    if not keys:
        return None
    return _under_way(tx, (OutboxTable.key << [*keys]) & OutboxTable.id.not_in([*but]))


def predecessor(tx: Transaction, row: Row) -> Row | None:
    """Return the pending row that has to be delivered before this one, or None."""
    if row.kind == OutboxKind.DECIDE:
        return _pending(
            tx, OutboxTable.key == verdict_key(row.payload["visit"], row.payload["n"] - 1)
        )
    if row.kind in PLACE_KINDS:
        kinds = [kind.value for kind in PLACE_KINDS]
        earlier = (
            (OutboxTable.run == row.run_id)
            & (OutboxTable.id < row.id)
            & (OutboxTable.kind << kinds)
        )
        if row.kind in CLOSING_KINDS:
            return _under_way(tx, earlier)
        if row.kind == OutboxKind.DISPOSE:
            return _pending(tx, earlier)
        return _pending_but_unlisted(tx, earlier)
    return None


def _release_successors(tx: Transaction, row: Row | None) -> None:
    """Make rows due that may have waited for this one."""
    if row is None:
        return
    if row.kind == OutboxKind.DECIDE:
        successors = OutboxTable.key == verdict_key(row.payload["visit"], row.payload["n"] + 1)
    elif row.kind in PLACE_KINDS:
        kinds = [kind.value for kind in PLACE_KINDS]
        successors = (
            (OutboxTable.run == row.run_id)
            & (OutboxTable.id > row.id)
            & (OutboxTable.kind << kinds)
        )
    else:
        return
    _release(tx, successors & OutboxTable.claimed_until.is_null())


def _release(tx: Transaction, condition: peewee.Node) -> None:
    query = OutboxTable.update(next_attempt_at=tx.now, claimed_until=None, claimed_by="").where(
        OutboxTable.status == literal(OutboxStatus.PENDING), condition
    )
    tx.execute(query)


def _of_account(requester: int) -> Any:
    return OutboxTable.run.is_null() & (OutboxTable.requester == requester)


def _is_as_read(row: Row) -> Any:
    """Return the condition that a row was not delivered, claimed or postponed since it was read."""
    return (
        (OutboxTable.id == row.id)
        & (OutboxTable.status == literal(OutboxStatus.PENDING))
        & (OutboxTable.next_attempt_at == row.next_attempt_at)
    )


def is_claimed(row: Row, tx: Transaction) -> bool:
    """Return whether a process has claimed a row, and has not certainly ended."""
    return (
        row.claimed_until is not None
        and row.claimed_until > tx.now
        and not process.is_dead(row.claimed_by)
    )


def _under_way(tx: Transaction, condition: peewee.Node) -> Row | None:
    """Return a row whose call is under way, or None: a closing overtakes unclaimed rows."""
    rows = tx.rows(
        OutboxTable.select(
            OutboxTable.id,
            OutboxTable.next_attempt_at,
            OutboxTable.claimed_until,
            OutboxTable.claimed_by,
        )
        .where(
            OutboxTable.status == literal(OutboxStatus.PENDING),
            condition,
            OutboxTable.claimed_until > tx.now,
        )
        .order_by(OutboxTable.id)
    )
    return next((row for row in rows if is_claimed(row, tx)), None)


def _pending_but_unlisted(tx: Transaction, condition: peewee.Node) -> Row | None:
    """Return a pending row, except a closing that waits only for unlisted places, or None."""
    rows = tx.rows(
        OutboxTable.select(OutboxTable.id, OutboxTable.next_attempt_at, OutboxTable.payload)
        .where(OutboxTable.status == literal(OutboxStatus.PENDING), condition)
        .order_by(OutboxTable.id)
    )
    return next((row for row in rows if not row.payload.get(UNLISTED)), None)


def _pending(tx: Transaction, condition: peewee.Node) -> Row | None:
    return tx.row(
        OutboxTable.select(OutboxTable.id, OutboxTable.next_attempt_at)
        .where(OutboxTable.status == literal(OutboxStatus.PENDING), condition)
        .order_by(OutboxTable.id)
        .limit(1)
    )
