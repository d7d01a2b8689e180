"""Group commit: jobs that arrive during a commit are queued and committed together.

There is no extra thread. The first thread that finds no commit under way becomes the leader: it
commits the queued jobs of all threads, then hands the lead to the next one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class QueuedJob(Generic[T]):
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
        """Wait until the job is done or its thread becomes the leader."""
        self._gate.acquire()

    def wake(self) -> None:
        """End :meth:`wait`."""
        self._gate.release()


class GroupCommit:
    """Run jobs from many threads in shared transactions, in the order of their arrival.

    :param commit: runs a batch and sets each job's ``result`` or ``error``; never raises.
    :param most: the maximum number of jobs in one transaction.
    """

    def __init__(self, commit: Callable[[Sequence[QueuedJob[Any]]], None], most: int = 64) -> None:
        self._commit = commit
        self._most = most
        self._queue: deque[QueuedJob[Any]] = deque()
        self._mutex = threading.Lock()
        self._led = False
        self._leader: int | None = None

    def run(self, job: Callable[[Any], T]) -> T:
        """Run a job in a transaction; return its result once it is committed.

        :raises RuntimeError: when called from within a job, which would wait for itself.
        """
        if self.is_in_job:
            raise RuntimeError("a nested write: use the transaction that was passed to the job")
        queued = QueuedJob(job)
        if threading.current_thread() is threading.main_thread():
            self._run_in_thread(queued)
        else:
            self._run(queued)
        if queued.error is not None:
            raise queued.error
        return queued.result  # type: ignore[return-value]

    @property
    def is_in_job(self) -> bool:
        """Whether the calling thread runs a job now."""
        return self._leader == threading.get_ident()

    def _run_in_thread(self, queued: QueuedJob[Any]) -> None:
        """Run a job of the main thread in another thread.

        Ctrl-C can interrupt the main thread anywhere. It must not interrupt the job of another
        thread, nor leave the queue without a leader. It is raised once the job is done.
        """
        aside = threading.Thread(target=self._run, args=(queued,), name="famulus-write")
        try:
            aside.start()
        except RuntimeError:
            # No thread starts while the interpreter shuts down.
            self._run(queued)
            return
        try:
            aside.join()
        except BaseException:
            aside.join()
            raise

    def _run(self, queued: QueuedJob[Any]) -> None:
        with self._mutex:
            waiting = self._led
            if waiting:
                self._queue.append(queued)
            self._led = True
        if waiting:
            queued.wait()
        if not queued.done:
            self._lead(queued)

    def _lead(self, queued: QueuedJob[Any]) -> None:
        batch = [queued]
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
