"""The clock is an argument everywhere, so that tests can move it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

#: Returns the present moment as an aware datetime in UTC.
Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Read the machine's clock."""
    return datetime.now(UTC)


def has_passed(now: datetime, since: datetime | None, pause: timedelta) -> bool:
    """Return whether a pause is over; a clock that was set back does not prolong it."""
    return since is None or not timedelta(0) <= now - since < pause


class Waiting:
    """How to wait for others, in seconds that no clock can be set back by."""

    def monotonic(self) -> float:
        """Return the seconds since some moment."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Let so many seconds pass."""
        threading.Event().wait(seconds)
