"""Making things ahead of their use, in a thread of their own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

from attrs import frozen

T = TypeVar("T")

#: Seconds without a new thing after which those that have come are not kept waiting.
_PAUSE_SECONDS = 0.02
#: Seconds between looks at whether to stop.
_LOOK_SECONDS = 0.1


@frozen
class _End:
    """There is no more, or no more because of ``error``."""

    error: BaseException | None


class Ahead(Generic[T]):
    """Take from an iterator what has come so far, without waiting for what has not.

    :param most: how many may be made ahead of their use.
    """

    def __init__(self, things: Iterator[T], most: int) -> None:
        self._things = things
        self._made: queue.Queue[T | _End] = queue.Queue(most)
        self._end: _End | None = None
        self._closed = threading.Event()
        thread = threading.Thread(target=self._make, name="famulus-ahead", daemon=True)
        thread.start()

    def take(self, most: int, stopping: threading.Event | None = None) -> list[T]:
        """Wait for the next thing and return it with what comes right after it.

        Returns nothing at the end, and when told to stop; raises what the iterator has raised,
        after all that came before.
        """
        taken: list[T] = []
        while len(taken) < most and self._end is None:
            try:
                thing = self._made.get(timeout=_PAUSE_SECONDS if taken else _LOOK_SECONDS)
            except queue.Empty:
                if taken or (stopping is not None and stopping.is_set()):
                    return taken
                continue
            if isinstance(thing, _End):
                self._end = thing
            else:
                taken.append(thing)
        if not taken and self._end is not None and self._end.error is not None:
            raise self._end.error
        return taken

    def close(self) -> None:
        """Make no more. An iterator that waits for something ends with the process."""
        self._closed.set()

    def _make(self) -> None:
        error: BaseException | None = None
        try:
            for thing in self._things:
                if not self._put(thing):
                    break
        except BaseException as raised:  # noqa: BLE001 - raised again where things are taken
            error = raised
        self._put(_End(error))

    def _put(self, thing: T | _End) -> bool:
        while not self._closed.is_set():
            try:
                self._made.put(thing, timeout=_LOOK_SECONDS)
            except queue.Full:
                continue
            return True
        return False
