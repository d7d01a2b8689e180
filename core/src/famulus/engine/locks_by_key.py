"""Locks by key, which exist only while a thread has one or waits for it."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class LocksByKey:
    """One lock for each key, in this process. Used by many threads."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        #: each lock with the number of threads that have it or wait for it
        self._locks: dict[Hashable, tuple[threading.Lock, int]] = {}

    @contextmanager
    def __call__(self, key: Hashable) -> Iterator[None]:
        """Acquire the lock of a key for a ``with`` block."""
        with self._mutex:
            lock, users = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._mutex:
                users = self._locks[key][1] - 1
                if users:
                    self._locks[key] = lock, users
                else:
                    del self._locks[key]
