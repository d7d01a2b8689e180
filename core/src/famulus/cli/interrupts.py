"""Ctrl-C, SIGTERM and SIGHUP as something to look at, not something that happens."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupts:
    """Keep signals for the length of a ``with`` block; the handlers only set a flag.

    One that is ignored when the program starts (nohup, a job in the background) stays ignored.
    Several that come between two looks count as one: some programs send theirs to a process and to
    its group.
    """

    def __init__(self) -> None:
        self._caught: signal.Signals | None = None
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
        """Return a signal that has come since the last look."""
        caught, self._caught = self._caught, None
        return caught

    def release(self) -> None:
        """Let signals act as before, so that another one ends the program."""
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler)

    def _catch(self, number: int, _frame: FrameType | None) -> None:
        self._caught = signal.Signals(number)
