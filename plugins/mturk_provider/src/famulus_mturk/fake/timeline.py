"""Events that happen by themselves, in the order of time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime


class Timeline:
    """Reads the clock and performs the events that are due."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._count = 0
        #: the moment that is being dealt with
        self.now = clock()

    def at(self, moment: datetime, happen: Callable[[], None]) -> None:
        """Schedule an event; ``happen`` must check whether it still applies."""
        self._count += 1
        heapq.heappush(self._due, (moment, self._count, happen))

    def catch_up(self) -> None:
        """Perform the events that are due, each at its own time, and move to the present."""
        present = self._clock()
        while self._due and self._due[0][0] <= present:
            moment, _, happen = heapq.heappop(self._due)
            self.now = max(self.now, moment)
            happen()
        self.now = max(self.now, present)
