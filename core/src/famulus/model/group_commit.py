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
    """A job and, once it is done, its result or error."""

    __slots__ = ("error", "job", "result", "synced")

    def __init__(self, job: Callable[[Any], T], synced: bool = True) -> None:
        self.job = job
        #: whether its commit has to be on the disk when it returns
        self.synced = synced
        self.result: T | None = None
        self.error: BaseException | None = None


class QueuedCall:
    """The jobs of one call, which are committed together, and the thread that waits for them."""

    __slots__ = ("_gate", "done", "jobs")

    def __init__(self, jobs: Sequence[QueuedJob[Any]]) -> None:
        self.jobs = jobs
        self.done = False
        self._gate = threading.Lock()
        self._gate.acquire()

    def wait(self) -> None:
        """Wait until the jobs are done or their thread becomes the leader."""
        self._gate.acquire()

    def wake(self) -> None:
        """End :meth:`wait`."""
        self._gate.release()


class _Patience:
    """Decides a race: either jobs begin, or their caller stops waiting for them."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._is_begun = self._is_over = False

    def begin(self) -> bool:
        """Return whether the jobs may run; if so, they count as begun."""
        with self._mutex:
            self._is_begun = not self._is_over
            return self._is_begun

    def end(self) -> bool:
        """Stop waiting; return whether the jobs will not run, because they have not begun."""
        with self._mutex:
            self._is_over = not self._is_begun
            return self._is_over


class GroupCommit:
    """Run jobs from many threads in shared transactions, in the order of their arrival.

    :param commit: runs a batch and sets each job's ``result`` or ``error``; never raises.
    :param most: the number of jobs in a transaction from which on no other call joins it.
    :param may_begin: returns whether a commit can begin without waiting for another process; if so,
        other processes are kept out until the commit.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[QueuedJob[Any]]], None],
        most: int = 64,
        may_begin: Callable[[], bool] = lambda: True,
    ) -> None:
        self._commit = commit
        self._may_begin = may_begin
        self._most = most
        self._queue: deque[QueuedCall] = deque()
        self._mutex = threading.Lock()
        self._led = False
        self._leader: int | None = None
        #: runs the last jobs that had to wait
        self._aside: threading.Thread | None = None

    def run(self, job: Callable[[Any], T], *, synced: bool = True) -> T:
        """Run a job in a transaction; return its result once it is committed.

        :param synced: whether the commit has to be on the disk before the call returns.
        :raises RuntimeError: when called from within a job, which would wait for itself.
        """
        queued = QueuedJob(job, synced)
        self._refuse_nested()
        if threading.current_thread() is threading.main_thread():
            self._run_in_thread(QueuedCall((queued,)))
        else:
            self._run(QueuedCall((queued,)))
        if queued.error is not None:
            raise queued.error
        return queued.result  # type: ignore[return-value]

    @property
    def is_in_job(self) -> bool:
        """Whether the calling thread runs a job now."""
        return self._leader == threading.get_ident()

    def run_together(
        self, jobs: Sequence[Callable[[Any], T]], patience: float, *, synced: bool = True
    ) -> Sequence[QueuedJob[T]] | None:
        """Run jobs in one transaction; return each with its result or error once it is committed.

        Return None, without running any of them, if they cannot begin in time or earlier jobs still
        wait. The main thread may call this only if no signal raises an exception there, as in an
        event loop that handles SIGINT.

        :param patience: seconds to wait for transactions of other threads and processes.
        :raises RuntimeError: when called from within a job, which would wait for itself.
        """
        self._refuse_nested()
        if self._aside is not None and self._aside.is_alive():
            return None
        with self._mutex:
            leads, self._led = not self._led, True
        if leads:
            if self._may_begin():
                call = QueuedCall([QueuedJob(job, synced) for job in jobs])
                self._lead(call)
                return call.jobs
            self._hand_on()
        return self._run_aside(jobs, patience, synced)

    def _run_aside(
        self, jobs: Sequence[Callable[[Any], T]], patience: float, synced: bool
    ) -> Sequence[QueuedJob[T]] | None:
        begun = _Patience()

        def bounded(job: Callable[[Any], T]) -> Callable[[Any], T | None]:
            return lambda tx: job(tx) if begun.begin() else None

        call = QueuedCall([QueuedJob(bounded(job), synced) for job in jobs])
        aside = threading.Thread(target=self._run, args=(call,), name="famulus-write", daemon=True)
        try:
            aside.start()
        except RuntimeError:
            # No thread starts while the interpreter shuts down.
            return None
        aside.join(patience)
        if aside.is_alive() and begun.end():
            self._aside = aside
            return None
        aside.join()
        return call.jobs

    def _refuse_nested(self) -> None:
        if self.is_in_job:
            raise RuntimeError("a nested write: use the transaction that was passed to the job")

    def _run_in_thread(self, call: QueuedCall) -> None:
        """Run a job of the main thread in another thread.

        Ctrl-C can interrupt the main thread anywhere. It must not interrupt the job of another
        thread, nor leave the queue without a leader. It is raised once the job is done.
        """
        aside = threading.Thread(target=self._run, args=(call,), name="famulus-write")
        try:
            aside.start()
        except RuntimeError:
            # No thread starts while the interpreter shuts down.
            self._run(call)
            return
        try:
            aside.join()
        except BaseException:
            aside.join()
            raise

    def _run(self, call: QueuedCall) -> None:
        with self._mutex:
            waiting = self._led
            if waiting:
                self._queue.append(call)
            self._led = True
        if waiting:
            call.wait()
        if not call.done:
            self._lead(call)

    def _lead(self, call: QueuedCall) -> None:
        calls, batch = [call], [*call.jobs]
        with self._mutex:
            while self._queue and len(batch) + len(self._queue[0].jobs) <= self._most:
                calls.append(self._queue.popleft())
                batch.extend(calls[-1].jobs)
        self._leader = threading.get_ident()
        try:
            self._commit(batch)
        finally:
            self._leader = None
            for each in calls:
                each.done = True
            self._hand_on()
            for each in calls[1:]:
                each.wake()

    def _hand_on(self) -> None:
        """Make the thread of the next call the leader."""
        with self._mutex:
            successor = self._queue.popleft() if self._queue else None
            self._led = successor is not None
        if successor is not None:
            successor.wake()
