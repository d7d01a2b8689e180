"""How fast units get done, as far as one has watched."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

_WINDOW = timedelta(minutes=10)
#: A rate of less than this much watching would say anything.
_LEAST = timedelta(seconds=10)


class Pace:
    """The rate of the last ten minutes, from looks at the number of units that are done."""

    def __init__(self) -> None:
        self._looks: deque[tuple[datetime, int]] = deque()

    def look(self, at: datetime, done: int) -> None:
        """Note how many units are done at a time."""
        self._looks.append((at, done))
        while self._looks[0][0] < at - _WINDOW:
            self._looks.popleft()

    @property
    def per_minute(self) -> float | None:
        """Units a minute; None while nothing can be said."""
        if len(self._looks) < 2:
            return None
        (start, before), (end, after) = self._looks[0], self._looks[-1]
        if end - start < _LEAST or after <= before:
            return None
        return (after - before) / ((end - start) / timedelta(minutes=1))

    def time_for(self, units: int) -> timedelta | None:
        """Return how long so many units will take at this rate, if it is known."""
        rate = self.per_minute
        return None if rate is None else timedelta(minutes=units / rate)
