"""Ctrl-C, SIGTERM and SIGHUP, collected for the program to poll."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


#: Some programs send a signal to a process and to its group: two within this many seconds count
#: as one. A person who presses Ctrl-C twice takes longer.
_DOUBLED_SECONDS = 0.02


class Interrupts:
    """Collect signals during a ``with`` block; the handlers only count them.

    A signal that is ignored when the program starts (nohup, a background job) stays ignored.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._caught: deque[signal.Signals] = deque()
        self._caught_at = -_DOUBLED_SECONDS
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._catch)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def take(self) -> signal.Signals | None:
        """Return the next signal that has come, once; None when there is none."""
        return self._caught.popleft() if self._caught else None

    def release(self) -> None:
        """Let signals act as before, so that another one ends the program."""
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler)

    def _catch(self, number: int, _frame: FrameType | None) -> None:
        now = self._clock()
        if now - self._caught_at >= _DOUBLED_SECONDS:
            self._caught.append(signal.Signals(number))
        self._caught_at = now
