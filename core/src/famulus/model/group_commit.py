"""Many threads, one connection, few commits: whoever comes while a commit is under way queues up,
and the next commit takes the whole queue.

No thread of its own: the thread that finds nobody at work leads, commits for all who have queued
up, and passes the lead on.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Entry(Generic[T]):
    """One queued job and, once it is done, its result or error."""

    __slots__ = ("_gate", "done", "error", "job", "result")

    def __init__(self, job: Callable[[Any], T]) -> None:
        self.job = job
        self.done = False
        self.result: T | None = None
        self.error: BaseException | None = None
        self._gate = threading.Lock()
        self._gate.acquire()

    def wait(self) -> None:
        """Wait until the entry is done or its thread is to lead."""
        self._gate.acquire()

    def wake(self) -> None:
        """End :meth:`wait`."""
        self._gate.release()


class GroupCommit:
    """Run jobs from many threads in shared transactions, in the order they came.

    :param commit: runs a batch and sets each entry's ``result`` or ``error``; never raises.
    :param most: jobs in one transaction at the most.
    """

    def __init__(self, commit: Callable[[Sequence[Entry[Any]]], None], most: int = 64) -> None:
        self._commit = commit
        self._most = most
        self._queue: deque[Entry[Any]] = deque()
        self._mutex = threading.Lock()
        self._led = False
        self._leader: int | None = None

    def run(self, job: Callable[[Any], T]) -> T:
        """Run a job in a transaction; return its result once that is committed.

        :raises RuntimeError: when called from within a job, which would wait for itself.
        """
        if self._leader == threading.get_ident():
            raise RuntimeError("a write inside a write: use the transaction the job was given")
        entry = Entry(job)
        with self._mutex:
            waiting = self._led
            if waiting:
                self._queue.append(entry)
            self._led = True
        interruption = self._wait(entry) if waiting else None
        if not entry.done and not isinstance(interruption, _Withdrawn):
            self._lead(entry)
        if interruption is not None:
            raise interruption.cause
        if entry.error is not None:
            raise entry.error
        return entry.result  # type: ignore[return-value]

    def _wait(self, entry: Entry[Any]) -> _Interrupted | None:
        try:
            entry.wait()
        except BaseException as error:  # noqa: BLE001 - Ctrl-C must not strand the others
            with self._mutex:
                if entry in self._queue:
                    self._queue.remove(entry)
                    return _Withdrawn(error)
            entry.wait()
            return _Interrupted(error)
        return None

    def _lead(self, entry: Entry[Any]) -> None:
        batch = [entry]
        with self._mutex:
            while self._queue and len(batch) < self._most:
                batch.append(self._queue.popleft())
        self._leader = threading.get_ident()
        try:
            self._commit(batch)
        finally:
            self._leader = None
            for each in batch:
                each.done = True
            with self._mutex:
                successor = self._queue.popleft() if self._queue else None
                self._led = successor is not None
            if successor is not None:
                successor.wake()
            for each in batch[1:]:
                each.wake()


class _Interrupted:
    """A wait was broken off by ``cause``, but the job was run all the same."""

    def __init__(self, cause: BaseException) -> None:
        self.cause = cause


class _Withdrawn(_Interrupted):
    """A wait was broken off by ``cause`` before the job was begun; it was taken back."""
