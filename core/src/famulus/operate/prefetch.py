"""Prefetching items of an iterator in a thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from attrs import frozen

T = TypeVar("T")

#: Seconds without a new item after which those that were read are handed over.
_PAUSE_SECONDS = 0.02
#: Seconds between looks at whether to stop.
_LOOK_SECONDS = 0.1


@frozen
class _End:
    """Marks the end of the items; ``error`` is the exception that ended them, if any."""

    error: BaseException | None


class Prefetcher(Generic[T]):
    """Read an iterator ahead in a thread; items that it has read can be taken at once.

    :param enough: how many items are waited for while they follow each other directly.
    :param most: how many items may be prefetched.
    """

    def __init__(self, things: Iterator[T], enough: int, most: int) -> None:
        self._things = things
        self._enough = enough
        self._most = most
        self._made: deque[T] = deque()
        self._end: _End | None = None
        self._is_closed = False
        self._changed = threading.Condition()
        thread = threading.Thread(target=self._make, name="famulus-prefetch", daemon=True)
        thread.start()

    def take(self, most: int, stopping: threading.Event | None = None) -> list[T]:
        """Wait for the next item and return it with those that directly follow, ``most`` at most.

        Return no items at the end, or once ``stopping`` is set. If the iterator has raised an
        error, raise it after all items that came before it.
        """
        with self._changed:
            while not self._made and self._end is None:
                if stopping is not None and stopping.is_set():
                    return []
                self._changed.wait(_LOOK_SECONDS)
            before = 0
            while before < len(self._made) < self._enough and self._end is None:
                before = len(self._made)
                self._changed.wait(_PAUSE_SECONDS)
            taken = [self._made.popleft() for _ in range(min(most, len(self._made)))]
            self._changed.notify_all()
        if not taken and self._end is not None and self._end.error is not None:
            raise self._end.error
        return taken

    def close(self) -> None:
        """Prefetch no more. An iterator that blocks keeps its thread until the process ends."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _make(self) -> None:
        error: BaseException | None = None
        try:
            for thing in self._things:
                if not self._put(thing):
                    break
        except BaseException as raised:  # noqa: BLE001 - raised again where things are taken
            error = raised
        with self._changed:
            self._end = _End(error)
            self._changed.notify_all()

    def _put(self, thing: T) -> bool:
        """Add an item to the prefetched ones; return whether more are wanted."""
        self._made.append(thing)
        count = len(self._made)
        # Locked only where a thread may be waiting: per item, a lock costs as much as making it.
        if count in (1, self._enough) or count >= self._most:
            with self._changed:
                self._changed.notify_all()
                while len(self._made) >= self._most and not self._is_closed:
                    self._changed.wait()
        return not self._is_closed
