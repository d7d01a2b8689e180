"""Closing a run's places when it ends, with a bounded number of retries."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen

from famulus.clock import Waiting
from famulus.engine.outbox.delivery import OutboxDelivery
from famulus.engine.outbox.outbox_rows import PLACE_KINDS, Closing, make_closing_due, read_closing
from famulus.engine.runs import RunRecord
from famulus.errors import UnavailableError
from famulus.model.database import Database


class PlacesOpenError(UnavailableError):
    """A run has ended, and its places on the platform could not be closed."""


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
    """Close a run's places if they are still to be closed, or wait for the process that does.

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
        f"run {run.id} is {run.status}, but its places on the platform are still open ({reason}); "
        f"`famulus sync {run.id}` closes them"
    )


def _wait(database: Database, run: int, limits: ClosingLimits, until: float) -> Closing | None:
    """Wait for calls about a run's places that are under way; make the closing due then."""
    while limits.waiting.monotonic() < until:
        with database.read() as tx:
            closing = read_closing(tx, run)
        if closing is None or not closing.is_under_way:
            break
        limits.waiting.pause(limits.poll_interval)
    return database.write(lambda tx: make_closing_due(tx, run))
