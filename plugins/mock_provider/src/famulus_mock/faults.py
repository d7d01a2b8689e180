"""Faults of calls on demand, so that programs can be tested without a platform."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TypeVar

from famulus import Context, RefusedError, Transaction, UnavailableError
from famulus_mock.tables import MockCall

T = TypeVar("T")


class Fault(StrEnum):
    """How one call fails: the last three come after the call has had its effect.

    With ``accepted``, a payment is shown later; with the other two, the reply is lost.
    """

    NONE = "none"
    THROTTLED = "throttled"
    REFUSED = "refused"
    BROKEN = "broken"
    KILLED = "killed"
    ACCEPTED = "accepted"
    LOST = "lost"
    KILLED_AFTER = "killed_after"


def call(
    context: Context,
    faults: Sequence[Fault],
    run: int,
    act: Callable[[], T],
    *,
    shown_later: T | None = None,
) -> T:
    """Perform the call, or fail as the run's next fault prescribes.

    :param shown_later: the result of an accepted call; None if such a call cannot be accepted.
    """
    fault = _next_fault(context, faults, run)
    match fault:
        case Fault.THROTTLED:
            raise UnavailableError("mock is set to be throttled")
        case Fault.REFUSED:
            raise RefusedError("mock is set to refuse")
        case Fault.BROKEN:
            raise ConnectionError("mock is set to break before anything is sent")
        case Fault.KILLED:
            _kill()
    result = act()
    match fault:
        case Fault.ACCEPTED:
            return result if shown_later is None else shown_later
        case Fault.LOST:
            raise TimeoutError("mock is set to lose the reply")
        case Fault.KILLED_AFTER:
            _kill()
    return result


def _next_fault(context: Context, faults: Sequence[Fault], run: int) -> Fault:
    if not faults:
        return Fault.NONE

    def count(tx: Transaction) -> int:
        tx.insert(MockCall, run=run)
        return len(tx.rows(MockCall.select(MockCall.id).where(MockCall.run == run)))

    number = context.database.write(count)
    return faults[number - 1] if number <= len(faults) else Fault.NONE


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
