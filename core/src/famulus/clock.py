"""The clock, which is passed as an argument everywhere so that tests can control it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

#: Returns the current time as an aware datetime in UTC.
Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the time of the system clock."""
    return datetime.now(UTC)


def has_passed(now: datetime, since: datetime | None, pause: timedelta) -> bool:
    """Return whether ``pause`` has passed since ``since``.

    A clock that was set back does not make the pause longer.
    """
    return since is None or not timedelta(0) <= now - since < pause


class Waiting:
    """Waiting on the monotonic clock, which cannot be set back."""

    def monotonic(self) -> float:
        """Return the seconds since an arbitrary moment."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Wait that many seconds."""
        time.sleep(seconds)
