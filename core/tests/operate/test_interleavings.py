"""Stop, finish, resume, kill and close in any interleaving: no place is open without a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress

import pytest
from attrs import define, field, frozen
from hypothesis import example, given
from hypothesis import strategies as st

from famulus.engine.places.closing import PlacesOpenError
from famulus.engine.runs import find_run
from famulus.errors import ConflictError
from famulus.model.states import LIVE_RUNS
from famulus.operate.doctor import read_differences
from famulus.operate.manual_sync import sync_now
from famulus.plugins import Plugins
from famulus.testing.fake_platform import Fault, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, kit_plugins, rows_configuration
from famulus.testing.kinds import RowsState
from famulus.testing.movable_clock import MovableClock
from interleaving import (
    Actor,
    Process,
    ScheduledDatabase,
    ScheduledOperator,
    ScheduledPlatform,
    Scheduler,
    examples,
)

UNITS = 5
#: ``kill`` is of the operator's process, ``kill others`` of all those that orders came from.
ORDERS = (
    "stop",
    "stop now",
    "finish",
    "resume",
    "close",
    "sync",
    "work",
    "kill",
    "kill others",
)


@frozen(kw_only=True)
class Plan:
    """Events in a run while its operator works."""

    orders: Sequence[str]
    choices: Sequence[int]
    faults: Sequence[Fault | None]
    #: what comes after a kill
    recovery: str
    #: whether the processes see each other die, or run in containers of their own
    recognises_dead: bool


PLANS = st.builds(
    Plan,
    orders=st.lists(st.sampled_from(ORDERS), min_size=1, max_size=3),
    choices=st.lists(st.integers(0, 11), max_size=150),
    # A closing is tried three times.
    faults=st.lists(st.sampled_from((None, None, Fault.LOST, Fault.THROTTLED)), max_size=4).filter(
        lambda faults: sum(fault is not None for fault in faults) <= 2
    ),
    recovery=st.sampled_from(("sync", "resume")),
    recognises_dead=st.booleans(),
)
#: Two commands wait for the call of an operator that was killed, until they may wait no longer.
KILLED_IN_A_CALL = Plan(
    orders=["stop", "stop", "kill"],
    choices=[4, 1, 9, 4, 2, 9, 2, 9, 2, 4, 5, 1],
    faults=[Fault.LOST],
    recovery="resume",
    recognises_dead=False,
)
#: Longer than any lease or claim of a process that is not known to be dead.
LONGEST_CLAIM = 660


@define
class Course:
    """One run, its operators, and the commands given."""

    database: ScheduledDatabase
    plugins: Plugins
    platform: ScheduledPlatform
    scheduler: Scheduler
    run: int = 0
    operators: list[tuple[Process, ScheduledOperator]] = field(factory=list)

    def launch(self) -> None:
        state = RowsState(rows=[{"n": n} for n in range(UNITS)])
        operator = self.operator(self.scheduler.main)
        launched = operator.launch(rows_configuration(provider="selling"), shared_state=state)
        operator.load_all(launched)
        self.run = launched.run_id

    def operator(self, process: Process) -> ScheduledOperator:
        operator = ScheduledOperator(self.scheduler, self.database, plugins=self.plugins)
        self.operators.append((process, operator))
        return operator

    def order(self, name: str) -> Actor:
        """Give a command in a process of its own; only ``close`` is the operator's."""
        process = self.scheduler.main if name == "close" else self.scheduler.process()
        acts: dict[str, Callable[[Process], object]] = {
            "stop": lambda _: self.command().stop(self.run),
            "stop now": lambda _: self.command().stop(self.run, now=True),
            "finish": lambda _: self.finish(),
            "resume": lambda process: self.operator(process).resume(self.run),
            "close": lambda _: self.operators[0][1].close(),
            "sync": lambda _: self.sync(),
            "work": lambda _: self.work(),
            "kill": lambda _: self.scheduler.kill(self.scheduler.main),
            "kill others": lambda _: self.kill_others(),
        }

        def act() -> None:
            with suppress(ConflictError):
                acts[name](process)

        return self.scheduler.spawn(process, name, act)

    def command(self) -> ScheduledOperator:
        return ScheduledOperator(self.scheduler, self.database, plugins=self.plugins)

    def finish(self) -> None:
        self.command().finish(self.run)
        assert self.platform.open == set()

    def sync(self) -> None:
        sync_now(self.database, self.plugins, self.run, self.command()._closing_limits)

    def work(self) -> None:
        """Let a worker take a unit and submit it, which uses up its place."""
        with closing(self.operators[0][1].gateway(self.run)) as gateway:
            GatewayWorker(gateway, "a").work()

    def kill_others(self) -> None:
        for actor in self.scheduler.actors:
            if actor.process is not self.scheduler.main and not actor.name.startswith("kill"):
                self.scheduler.kill(actor.process)

    def check_doctor(self) -> None:
        """Check that the doctor lists places that are open although no process serves the run."""
        faults, self.platform.faults = self.platform.faults, []
        found = read_differences(self.database, self.plugins, self.run)
        self.platform.faults = faults
        is_listed = any("can still be taken on the platform" in each.what for each in found)
        assert is_listed is bool(self.platform.open), self.scheduler.course

    def end(self, recovery: str) -> None:
        """End all living processes, and recover from the killed ones."""
        self.scheduler.run(
            *[
                self.scheduler.spawn(process, "end", operator.close)
                for process, operator in self.operators
                if not process.is_dead
            ]
        )
        if self.scheduler.has_killed and not self.scheduler.recognises_dead:
            self.scheduler.clock.advance(LONGEST_CLAIM)
        self.check_doctor()
        if not self.scheduler.has_killed:
            return
        if recovery == "resume" and find_run(self.database, self.run).status in LIVE_RUNS:
            resumed = self.order("resume")
            self.scheduler.run(resumed)
            process, operator = self.operators[-1]
            self.scheduler.run(self.scheduler.spawn(process, "end", operator.close))
        else:
            self.scheduler.run(self.order("sync"))


@pytest.fixture
def database(database_address: str, clock: MovableClock) -> Iterator[ScheduledDatabase]:
    opened = ScheduledDatabase(database_address, clock=clock)
    with opened:
        yield opened


@pytest.fixture(autouse=True)
def _small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make five places need several rows, and several calls each."""
    monkeypatch.setattr("famulus.engine.places.place_changes.PLACES_PER_ROW", 4)
    monkeypatch.setattr("famulus.engine.places.place_calls.PLACES_PER_CALL", 2)


def play(database: ScheduledDatabase, clock: MovableClock, plan: Plan) -> None:
    scheduler = Scheduler(plan.choices, clock)
    scheduler.recognises_dead = plan.recognises_dead
    platform = ScheduledPlatform(faults=[*plan.faults])
    provider = platform.provider("selling", sells_places=True)
    plugins = kit_plugins(platform=PlatformPlugin(provider))
    course = Course(database, plugins, platform, scheduler)
    database.scheduler = platform.scheduler = scheduler
    with scheduler.simulated_processes():
        course.launch()
        scheduler.run(*[course.order(name) for name in plan.orders])
        course.end(plan.recovery)
        course.check_doctor()
    errors = [actor.error for actor in scheduler.actors if actor.error is not None]
    if scheduler.has_killed and not plan.recognises_dead:
        # A command waits for minutes, and the call of a killed process may count for longer.
        errors = [error for error in errors if not isinstance(error, PlacesOpenError)]
    assert errors == []
    assert platform.open == set(), scheduler.course


def test_no_place_is_open_of_a_run_that_is_not_served(
    database: ScheduledDatabase, clock: MovableClock
) -> None:
    @examples(database, sqlite=40, postgresql=8)
    @example(plan=KILLED_IN_A_CALL)
    @given(plan=PLANS)
    def holds(plan: Plan) -> None:
        play(database, clock, plan)

    holds()
