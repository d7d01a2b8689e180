"""Closing a run's places when it ends: its state, and a bounded number of retries."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen

from famulus.clock import Waiting
from famulus.engine.outbox.delivery import OutboxDelivery
from famulus.engine.outbox.outbox_rows import (
    CLOSING_KINDS,
    PLACE_KINDS,
    is_claimed,
    make_kinds_due,
    release_claims,
)
from famulus.engine.runs import RunRecord
from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.model.statements import Param, Statement
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, literal
from famulus.model.transaction import Transaction

_UNFINISHED = Statement(
    OutboxTable.select(
        OutboxTable.kind,
        OutboxTable.status,
        OutboxTable.error,
        OutboxTable.attempts,
        OutboxTable.claimed_until,
        OutboxTable.claimed_by,
    )
    .where(
        OutboxTable.run == Param("run"),
        OutboxTable.kind << [kind.value for kind in PLACE_KINDS],
        OutboxTable.status != literal(OutboxStatus.DONE),
    )
    .order_by(OutboxTable.id)
)


class PlacesOpenError(UnavailableError):
    """A run has ended, and its places on the platform could not be closed."""


@frozen(kw_only=True)
class Closing:
    """The state of the outbox row that closes a run's places."""

    #: the reason of the last failure; empty if it was not tried
    error: str
    attempts: int
    #: whether the platform has refused it
    is_refused: bool
    #: whether a process is calling the platform about the run's places right now
    is_under_way: bool


def read_closing(tx: Transaction, run: int) -> Closing | None:
    """Return the state of a run's closing, or None if there is nothing to close."""
    rows = tx.rows_of(_UNFINISHED, run=run)
    closings = [row for row in rows if row.kind in CLOSING_KINDS]
    if not closings:
        return None
    return Closing(
        error=closings[-1].error,
        attempts=closings[-1].attempts,
        is_refused=closings[-1].status is OutboxStatus.FAILED,
        is_under_way=any(is_claimed(row, tx) for row in rows),
    )


def make_closing_due(tx: Transaction, run: int) -> Closing | None:
    """Make a run's closing due now; return its state, like :func:`read_closing`."""
    closing = read_closing(tx, run)
    if closing is not None:
        release_claims(tx, run)
        make_kinds_due(tx, run, CLOSING_KINDS)
    return closing


@frozen(kw_only=True)
class ClosingLimits:
    """How often closing a run's places is tried, and for how long."""

    #: seconds before each attempt
    pauses: Sequence[float] = (0.0, 0.5, 2.0)
    #: seconds to wait for the call of another process
    call_timeout: float = 30.0
    #: seconds between two looks at that call
    poll_interval: float = 0.05
    waiting: Waiting = field(factory=Waiting)


def close_places(delivery: OutboxDelivery, limits: ClosingLimits) -> Closing | None:
    """Close a run's places if they are still to be closed, or wait for another process to do it.

    Return None once they are closed, otherwise the state of the closing.
    """
    database, run = delivery.database, delivery.run_id
    assert run is not None
    until = limits.waiting.monotonic() + limits.call_timeout
    first: int | None = None
    while True:
        closing = _wait(database, run, limits, until)
        if closing is None:
            return None
        first = closing.attempts if first is None else first
        failed = max(closing.attempts - first, 0)
        is_late = limits.waiting.monotonic() >= until
        if closing.is_refused or failed >= len(limits.pauses) or is_late:
            return closing
        limits.waiting.pause(limits.pauses[failed])
        delivery.deliver(PLACE_KINDS)


def describe_open(run: RunRecord, closing: Closing) -> str:
    """Return the message for a run whose places could not be closed."""
    if closing.is_under_way:
        reason = "another process is still calling the platform"
    else:
        reason = closing.error or "the platform was not called yet"
    return (
        f"run {run.id} is {run.status}, but closing its places on the platform is not complete "
        f"({reason}); `famulus sync {run.id}` completes it"
    )


def _wait(database: Database, run: int, limits: ClosingLimits, until: float) -> Closing | None:
    """Wait until no call about a run's places is under way, then make the closing due."""
    while limits.waiting.monotonic() < until:
        with database.read() as tx:
            closing = read_closing(tx, run)
        if closing is None or not closing.is_under_way:
            break
        limits.waiting.pause(limits.poll_interval)
    return database.write(lambda tx: make_closing_due(tx, run))
