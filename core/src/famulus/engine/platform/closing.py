"""Closing a run's places at its end: nobody is invited where nobody serves."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen

from famulus.clock import Waiting
from famulus.engine.platform.delivery import OutboxDelivery
from famulus.engine.platform.outbox import OF_PLACES, Closing, hasten_closing, read_closing
from famulus.engine.runs import RunRecord
from famulus.errors import UnavailableError
from famulus.model.database import Database


class StillOpenError(UnavailableError):
    """A run has ended, and its platform could not be told to close its places."""


@frozen(kw_only=True)
class Patience:
    """How long the end of a run waits for a platform."""

    #: seconds before each attempt
    pauses: Sequence[float] = (0.0, 0.5, 2.0)
    #: seconds to wait for a call that somebody else makes, and between looks at it
    under_way: float = 30.0
    look: float = 0.05
    waiting: Waiting = field(factory=Waiting)


def close_places(messenger: OutboxDelivery, patience: Patience) -> Closing | None:
    """Tell the platform to close a run's places, if it is still to be told, whoever makes the call.

    Return None once it was told, else what keeps it from that.
    """
    database, run = messenger.database, messenger.run_id
    assert run is not None
    until = patience.waiting.monotonic() + patience.under_way
    first: int | None = None
    while True:
        closing = _wait(database, run, patience, until)
        if closing is None:
            return None
        first = closing.attempts if first is None else first
        failed = max(closing.attempts - first, 0)
        if (
            closing.is_refused
            or failed >= len(patience.pauses)
            or patience.waiting.monotonic() > until
        ):
            return closing
        patience.waiting.pause(patience.pauses[failed])
        messenger.deliver(OF_PLACES)


def still_open(run: RunRecord, closing: Closing) -> str:
    """Return what is to be said of a run whose places could not be closed."""
    if closing.is_under_way:
        why = "somebody else is still telling the platform"
    else:
        why = closing.error or "the platform was not told"
    return (
        f"run {run.id} is {run.status}, but its places on the platform are still open ({why}); "
        f"`famulus sync {run.id}` closes them"
    )


def _wait(database: Database, run: int, patience: Patience, until: float) -> Closing | None:
    """Wait until nobody tells the platform anything of a run's places; have them closed then."""
    while patience.waiting.monotonic() < until:
        with database.read() as tx:
            closing = read_closing(tx, run)
        if closing is None or not closing.is_under_way:
            break
        patience.waiting.pause(patience.look)
    return database.write(lambda tx: hasten_closing(tx, run))
