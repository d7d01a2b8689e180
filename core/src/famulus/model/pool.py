"""A pool of connections that grows with the number of concurrent readers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any


class Pool:
    """Lend connections, the most recently used first, and open one when none is free.

    A connection stays in the pool after an error in its block, so the borrower has to end its
    transaction.
    """

    def __init__(self, make: Callable[[], Any], close: Callable[[Any], None]) -> None:
        self._make = make
        self._close = close
        self._free: list[Any] = []
        self._mutex = threading.Lock()
        self._closed = False

    @contextlib.contextmanager
    def borrow(self) -> Iterator[Any]:
        """Lend a connection for the length of a ``with`` block."""
        with self._mutex:
            connection = self._free.pop() if self._free else None
        if connection is None:
            connection = self._make()
        try:
            yield connection
        finally:
            self._give_back(connection)

    def _give_back(self, connection: Any) -> None:
        with self._mutex:
            if not self._closed and not getattr(connection, "closed", False):
                self._free.append(connection)
                return
        self._close(connection)

    def discard_free(self) -> None:
        """Close the connections that are free now, because the server has closed them."""
        with self._mutex:
            free, self._free = self._free, []
        for connection in free:
            self._close(connection)

    def close(self) -> None:
        """Close the connections that are free now, and the others when they are returned."""
        with self._mutex:
            self._closed = True
            free, self._free = self._free, []
        for connection in free:
            self._close(connection)
