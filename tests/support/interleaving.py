"""Actors that take turns: a scheduler chooses the next one before each transaction.

Each actor is a thread that pauses before every transaction, before every call to the platform, and
wherever it would wait; only one of them runs at any time. What is chosen at each pause decides the
whole course, so that the same choices give the same course.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from itertools import count
from typing import Any, TypeVar

import pytest
from attrs import define, evolve, field
from hypothesis import settings

from famulus.clock import Waiting
from famulus.engine.places.closing import ClosingLimits
from famulus.errors import FamulusError
from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind
from famulus.model.transaction import Transaction
from famulus.operate.managed_run import ManagedRun
from famulus.operate.run_threads import RunThreads
from famulus.process import ProcessIdentity
from famulus.testing.fake_platform import FakePlatform
from famulus.testing.inprocess import ManualOperator
from famulus.testing.movable_clock import MovableClock
from machine_limits import slow_examples

T = TypeVar("T")

#: Process ids that this machine does not give.
_FIRST_PID = 2**30
#: Turns after which something surely goes round in circles.
_MOST_TURNS = 3_000


def examples(database: Database, *, sqlite: int, postgresql: int) -> settings:
    """Return Hypothesis's settings for that many courses on a database, always the same ones."""
    number = sqlite if database.kind is DatabaseKind.SQLITE else postgresql
    return settings(slow_examples(number), database=None, derandomize=True)


class Died(BaseException):
    """The actor's process is killed; nothing that it does has an effect any more."""


@define(eq=False)
class Process:
    """A process as the database and other processes see it."""

    identity: ProcessIdentity
    is_dead: bool = False


@define(eq=False)
class Actor:
    """A thread that takes turns with others."""

    name: str
    process: Process
    error: BaseException | None = None
    is_done: bool = False
    #: waits for what others do: not chosen again before another one was
    is_waiting: bool = False
    go: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))


class Scheduler:
    """Lets actors run, one at a time.

    :param choices: which of those who can go on does, each time; afterwards all go on in turn.
    """

    #: whether processes recognise that others have died; containers cannot
    recognises_dead = True

    def __init__(self, choices: Sequence[int], clock: MovableClock) -> None:
        self.clock = clock
        self.actors: list[Actor] = []
        #: who went on, for the report of a failure
        self.course: list[str] = []
        self._choices = iter(choices)
        self._here = threading.local()
        self._paused = threading.Semaphore(0)
        self._pids = count(_FIRST_PID)
        self._real = ProcessIdentity.current()
        self._processes: dict[int, Process] = {}
        self.main = self.process()

    def process(self) -> Process:
        """Start a process that has no actors yet."""
        pid = next(self._pids)
        self._processes[pid] = Process(evolve(self._real, pid=pid))
        return self._processes[pid]

    def spawn(self, process: Process, name: str, act: Callable[[], object]) -> Actor:
        """Start an actor; it pauses before it does anything."""
        actor = Actor(name, process)
        self.actors.append(actor)
        threading.Thread(target=self._play, args=(actor, act), name=name, daemon=True).start()
        return actor

    def pause(self, *, waiting: bool = False) -> None:
        """Let the scheduler choose the next actor; does nothing in other threads."""
        actor: Actor | None = getattr(self._here, "actor", None)
        if actor is None:
            return
        if not actor.process.is_dead:
            actor.is_waiting = waiting
            self._paused.release()
            actor.go.acquire()
        if actor.process.is_dead:
            raise Died

    def run(self, *actors: Actor) -> None:
        """Let all actors take turns until these have ended."""
        for _ in range(_MOST_TURNS):
            if all(actor.is_done for actor in actors):
                return
            self._turn()
        raise AssertionError(f"no end: {self.course[-40:]}")

    def kill(self, process: Process) -> None:
        """End a process as ``kill -9`` does: its actors do nothing more, and end when they would
        go on.
        """
        process.is_dead = True

    @property
    def has_killed(self) -> bool:
        """Whether any process was killed."""
        return any(process.is_dead for process in self._processes.values())

    @contextmanager
    def simulated_processes(self) -> Iterator[None]:
        """Give each actor's process an identity of its own, and count killed ones as dead."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ProcessIdentity, "current", classmethod(lambda _: self._identity()))
            patch.setattr(ProcessIdentity, "is_dead", property(self._is_dead))
            yield

    def lock(self) -> Lock:
        """Return a lock that lets other actors run while one waits for it."""
        return Lock(self)

    def _play(self, actor: Actor, act: Callable[[], object]) -> None:
        self._here.actor = actor
        actor.go.acquire()
        try:
            if not actor.process.is_dead:
                act()
        except Died:
            pass  # its process was killed
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            actor.error = error
        finally:
            actor.is_done = True
            self._paused.release()

    def _turn(self) -> None:
        able = [actor for actor in self.actors if not actor.is_done]
        ready = [actor for actor in able if not actor.is_waiting] or able
        chosen = next(self._choices, None)
        actor = ready[0] if chosen is None else ready[chosen % len(ready)]
        self._let(actor)
        if chosen is None and not actor.is_done:
            # From now on in turn.
            self.actors.remove(actor)
            self.actors.append(actor)

    def _let(self, actor: Actor) -> None:
        self.course.append(actor.name)
        for other in self.actors:
            other.is_waiting = other.is_waiting and other is actor
        actor.go.release()
        self._paused.acquire()

    def _identity(self) -> ProcessIdentity:
        actor: Actor | None = getattr(self._here, "actor", None)
        return (self.main if actor is None else actor.process).identity

    def _is_dead(self, identity: ProcessIdentity) -> bool:
        process = self._processes.get(identity.pid)
        return self.recognises_dead and process is not None and process.is_dead


class Lock(AbstractContextManager["Lock"]):
    """A reentrant lock between actors."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._owner: int | None = None
        self._depth = 0

    def __enter__(self) -> Lock:
        me = threading.get_ident()
        while self._owner not in (None, me):
            self._scheduler.pause(waiting=True)
        self._owner, self._depth = me, self._depth + 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = None


class ScheduledWaiting(Waiting):
    """A clock whose waiting lets the other actors run."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._passed = 0.0

    def monotonic(self) -> float:
        return self._passed

    def pause(self, seconds: float) -> None:
        self._passed += seconds
        self._scheduler.pause(waiting=True)


class ScheduledDatabase(Database):
    """A database before each of whose transactions an actor pauses."""

    scheduler: Scheduler | None = None

    def write(self, job: Callable[[Transaction], T], *, synced: bool = True) -> T:
        self._pause()
        return super().write(job, synced=synced)

    def write_unsynced(self, job: Callable[[Transaction], T]) -> T:
        self._pause()
        return super().write_unsynced(job)

    def read(self) -> AbstractContextManager[Transaction]:
        self._pause()
        return super().read()

    def _pause(self) -> None:
        if self.scheduler is not None:
            self.scheduler.pause()


@define
class ScheduledPlatform(FakePlatform):
    """A platform in each of whose calls an actor pauses."""

    scheduler: Scheduler | None = None

    def call(self, name: str, act: Callable[[], T]) -> T:
        """Pause before the call has its effect."""
        if self.scheduler is not None:
            self.scheduler.pause()
        return super().call(name, act)


class ScheduledOperator(ManualOperator):
    """An operator of a process of its own, whose threads are actors. It is launched or resumed, and
    closed, by an actor or while none runs.
    """

    def __init__(self, scheduler: Scheduler, database: Database, **more: Any) -> None:
        self._closing_limits = ClosingLimits(
            pauses=(0.0, 1.0, 1.0),
            call_timeout=300.0,
            poll_interval=1.0,
            waiting=ScheduledWaiting(scheduler),
        )
        self.scheduler = scheduler
        super().__init__(database, **more)

    def _manage_run(self, managed: ManagedRun, *more: Any, **named: Any) -> Any:
        managed._delivering = self.scheduler.lock()  # type: ignore[assignment]
        managed._shutting_down = self.scheduler.lock()  # type: ignore[assignment]
        managed.listeners._adding = self.scheduler.lock()  # type: ignore[assignment]
        return super()._manage_run(managed, *more, **named)

    def _make_threads(self, runs: dict[int, ManagedRun]) -> RunThreads:
        return ScheduledThreads(self.database, runs, self.scheduler)


class ScheduledThreads(RunThreads):
    """The threads of a :class:`ScheduledOperator`."""

    def __init__(
        self, database: Database, runs: dict[int, ManagedRun], scheduler: Scheduler
    ) -> None:
        super().__init__(database, runs)
        self.scheduler = scheduler
        self.loops: list[Actor] = []

    def start(self) -> None:
        """Spawn an actor for each."""
        actor: Actor | None = getattr(self.scheduler._here, "actor", None)
        process = self.scheduler.main if actor is None else actor.process
        for name, act in (
            ("lease", ManagedRun.renew_lease),
            ("sweep", ManagedRun.look_after),
            ("delivery", ManagedRun.deliver),
            ("sync", ManagedRun.sync),
        ):
            self.loops.append(self.scheduler.spawn(process, name, partial(self._loop, act)))

    def end(self) -> None:
        """Wait until all actors are done."""
        self.closing.set()
        while not all(actor.is_done for actor in self.loops):
            self.scheduler.pause(waiting=True)

    def _loop(self, act: Callable[[ManagedRun], object]) -> None:
        while not self.closing.is_set():
            self.scheduler.pause()
            self.scheduler.clock.advance(0.5)
            starting = self.starting if act is ManagedRun.renew_lease else ()
            for managed in [*self.going_on(), *starting]:
                with suppress(FamulusError):
                    act(managed)
