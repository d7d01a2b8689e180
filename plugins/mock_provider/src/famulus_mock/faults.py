"""What can be made to go wrong with a call, so that programs can be tested without a platform."""

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
    """How one call ends. Before its effect but for the last two, which lose the reply."""

    NONE = "none"
    THROTTLED = "throttled"
    REFUSED = "refused"
    BROKEN = "broken"
    KILLED = "killed"
    LOST = "lost"
    KILLED_AFTER = "killed_after"


def call(context: Context, faults: Sequence[Fault], run: int, act: Callable[[], T]) -> T:
    """Do what is asked for, or what the run's next fault makes of it."""
    fault = _next_fault(context, faults, run)
    match fault:
        case Fault.THROTTLED:
            raise UnavailableError("mock is told to be throttled")
        case Fault.REFUSED:
            raise RefusedError("mock is told to refuse")
        case Fault.BROKEN:
            raise ConnectionError("mock is told to break before anything is sent")
        case Fault.KILLED:
            _kill()
    result = act()
    match fault:
        case Fault.LOST:
            raise TimeoutError("mock is told to lose the reply")
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
