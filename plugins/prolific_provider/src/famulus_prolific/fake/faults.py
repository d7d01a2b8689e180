"""Faults that a test switches on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum

from attrs import define

#: the request of a participant's browser that brings a completion code
COMPLETION = "complete"


class Fault(Enum):
    """A fault of one request."""

    THROTTLE = "refused as one too many; no effect"
    FAIL = "an error of the server; no effect"
    LOSE_REQUEST = "the connection closes; no effect"
    FAIL_AFTER = "an error of the server, although the request had its effect"
    LOSE_REPLY = "the connection closes after the effect"
    TRUNCATE = "the reply ends in the middle, after the effect"
    GARBLE = "a proxy's page instead of the reply, after the effect"
    TWICE = "delivered twice; the second reply is sent"


class Gate:
    """Holds requests until it is opened."""

    def __init__(self) -> None:
        #: set once a request waits here
        self.reached = threading.Event()
        self._open = threading.Event()

    def open(self) -> None:
        """Release all requests."""
        self._open.set()

    def wait(self) -> None:
        """Wait until the gate is open."""
        self.reached.set()
        self._open.wait()


@define
class _PlannedFault:
    fault: Fault
    operation: str | None
    left: int


class Faults:
    """The faults of one fake."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[_PlannedFault] = []
        self._gates: list[tuple[Gate, str, bool]] = []
        self._rate: _Rate | None = None
        #: seconds in ``Retry-After`` of throttled requests; None for no such header
        self.retry_after: float | None = None
        #: lists leave out submissions and studies that are younger
        self.lists_late = timedelta(0)
        #: whether bonuses whose payment is accepted are never paid
        self.bonuses_vanish = False

    def plan(self, fault: Fault, operation: str | None = None, *, times: int = 1) -> None:
        """Apply ``fault`` to the next requests for ``operation``.

        :param operation: a name of :data:`famulus_prolific.fake.routes.ROUTES`, None for any
            operation, or ``complete`` for a participant's browser that sends a code.
        """
        with self._lock:
            self._planned.append(_PlannedFault(fault, operation, times))

    def limit_rate(
        self, calls: int, seconds: float, timer: Callable[[], float] = time.monotonic
    ) -> None:
        """Throttle requests beyond ``calls`` in ``seconds``."""
        with self._lock:
            self._rate = _Rate(calls, seconds, timer)

    @contextmanager
    def holding(self, operation: str, *, after: bool = False) -> Iterator[Gate]:
        """Within the block, hold requests for ``operation`` before or ``after`` their effect."""
        gate = Gate()
        entry = (gate, operation, after)
        self._gates.append(entry)
        try:
            yield gate
        finally:
            self._gates.remove(entry)
            gate.open()

    def clear(self) -> None:
        """Remove all faults and release all requests."""
        with self._lock:
            self._planned.clear()
            self._rate = None
        self.retry_after, self.lists_late, self.bonuses_vanish = None, timedelta(0), False
        for gate, _, _ in list(self._gates):
            gate.open()

    def take(self, operation: str) -> Fault | None:
        """Return the fault planned for this request to the API, or None."""
        with self._lock:
            if self._rate is not None and not self._rate.admits():
                return Fault.THROTTLE
            return self._next(operation, None)

    def take_completion(self) -> Fault | None:
        """Return the fault planned for the code that a participant enters now, or None."""
        with self._lock:
            return self._next(COMPLETION)

    def _next(self, *operations: str | None) -> Fault | None:
        for planned in self._planned:
            if planned.operation in operations:
                planned.left -= 1
                if planned.left <= 0:
                    self._planned.remove(planned)
                return planned.fault
        return None

    def wait(self, operation: str, *, after: bool) -> None:
        """Wait at the gates for this request."""
        for gate, name, behind in list(self._gates):
            if name == operation and behind == after:
                gate.wait()


class _Rate:
    """A token bucket that limits the rate of requests."""

    def __init__(self, calls: int, seconds: float, timer: Callable[[], float]) -> None:
        self._size = calls
        self._per_second = calls / seconds
        self._timer = timer
        self._tokens = float(calls)
        self._filled = timer()

    def admits(self) -> bool:
        now = self._timer()
        grown = self._tokens + (now - self._filled) * self._per_second
        self._tokens, self._filled = min(grown, self._size), now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
