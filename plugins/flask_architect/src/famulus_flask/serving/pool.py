"""The threads that answer complete requests, with a bounded queue."""

from __future__ import annotations

import asyncio
import contextlib
import math
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

#: What a job returned or raised.
Outcome: TypeAlias = Any


class PoolFullError(Exception):
    """No thread became free for a job in time."""


class PoolClosedError(Exception):
    """No thread became free for a job before the pool was closed."""


class Job:
    """One call. Either a thread claims it to run it, or the pool claims it to give it up."""

    def __init__(
        self, call: Callable[[], Any], done: Callable[[Outcome], None], deadline: float
    ) -> None:
        self.call = call
        self.done = done
        self.deadline = deadline
        self._claimed = threading.Lock()

    def claim(self) -> bool:
        """Claim the job; return whether it was free."""
        return self._claimed.acquire(blocking=False)

    @property
    def is_claimed(self) -> bool:
        """Whether the job is claimed."""
        return self._claimed.locked()


class ThreadPool:
    """A fixed number of threads. All methods are called on the event loop.

    The threads are daemons: a thread that hangs in third-party code does not keep the process
    alive.

    :param patience: seconds that a job waits for a thread.
    :param queue_length: jobs that may wait.
    :param name: the prefix of the threads' names.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        threads: int,
        queue_length: int,
        patience: float,
        name: str = "famulus-request",
    ) -> None:
        self._loop = loop
        self._threads = threads
        self._most = threads + queue_length
        self._patience = patience
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._waiting: deque[Job] = deque()
        self._outstanding = 0
        for number in range(threads):
            threading.Thread(target=self._work, name=f"{name}-{number + 1}", daemon=True).start()

    @property
    def is_busy(self) -> bool:
        """Whether every thread has a job."""
        return self._outstanding >= self._threads

    @property
    def has_jobs(self) -> bool:
        """Whether a job is under way or waits."""
        return self._outstanding > 0

    def submit(self, call: Callable[[], Any], done: Callable[[Outcome], None]) -> None:
        """Run ``call`` in a thread, then ``done`` on the loop with its result or exception.

        The exception is :class:`PoolFullError` when no thread became free in time.
        """
        if self._outstanding >= self._most:
            self._loop.call_soon(done, PoolFullError("too many requests are waiting"))
            return
        job = Job(call, done, self._loop.time() + self._patience)
        if self.is_busy:
            while self._waiting and self._waiting[0].is_claimed:
                self._waiting.popleft()
            self._waiting.append(job)
        self._outstanding += 1
        self._queue.put(job)

    def clean_up(self, call: Callable[[], Any]) -> None:
        """Run ``call`` once a thread is free, even if the queue is full; its outcome is dropped."""
        self._outstanding += 1
        self._queue.put(Job(call, _ignore, math.inf))

    def give_up_late_jobs(self) -> None:
        """Give up jobs that have waited too long."""
        now = self._loop.time()
        while self._waiting and self._waiting[0].deadline <= now:
            self._give_up(self._waiting.popleft(), PoolFullError("every thread is busy"))

    def close(self) -> None:
        """Give up the jobs that wait for a thread, and end the threads after their current ones."""
        while self._waiting:
            self._give_up(self._waiting.popleft(), PoolClosedError("the server has stopped"))
        for _ in range(self._threads):
            self._queue.put(None)

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            if not job.claim():
                continue
            outcome: Outcome
            try:
                outcome = job.call()
            except BaseException as error:  # noqa: BLE001 - passed to ``done``
                outcome = error
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._finish, job, outcome)
            del job, outcome

    def _give_up(self, job: Job, error: Exception) -> None:
        if job.claim():
            self._finish(job, error)

    def _finish(self, job: Job, outcome: Outcome) -> None:
        self._outstanding -= 1
        job.done(outcome)


def _ignore(_outcome: Outcome) -> None:
    """Drop the outcome."""
