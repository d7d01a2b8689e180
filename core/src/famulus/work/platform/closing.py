"""Closing a run's places at its end: nobody is invited where nobody serves."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from attrs import frozen

from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.work.platform.messenger import Messenger
from famulus.work.platform.outbox import OF_PLACES, Closing, hasten_closing, read_closing
from famulus.work.runs import RunRecord


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


def close_places(messenger: Messenger, patience: Patience) -> Closing | None:
    """Tell the platform to close a run's places, if it is still to be told, whoever makes the call.

    Return None once it was told, else what keeps it from that.
    """
    database, run = messenger.database, messenger.run_id
    assert run is not None
    for pause in patience.pauses:
        _pause(pause)
        closing = _wait(database, run, patience)
        if closing is None:
            return None
        messenger.deliver(OF_PLACES)
    with database.read() as tx:
        return read_closing(tx, run)


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


def _wait(database: Database, run: int, patience: Patience) -> Closing | None:
    """Wait until nobody tells the platform anything of a run's places; have them closed then."""
    until = time.monotonic() + patience.under_way
    while time.monotonic() < until:
        with database.read() as tx:
            closing = read_closing(tx, run)
        if closing is None or not closing.is_under_way:
            break
        _pause(patience.look)
    return database.write(lambda tx: hasten_closing(tx, run))


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)
