"""Workers who come while a run is resumed: each who gets an answer gets work, and none is
invited before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from famulus.contracts.architect import Architect, Deployed, Deployment
from famulus.contracts.hookspecs import hookimpl
from famulus.engine.gateway import Gateway
from famulus.testing.fake_platform import PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, kit_plugins, rows_configuration
from famulus.testing.kinds import NowhereArchitect, RowsState
from famulus.testing.movable_clock import MovableClock
from interleaving import (
    ScheduledDatabase,
    ScheduledOperator,
    ScheduledPlatform,
    Scheduler,
    examples,
)

ARRIVALS = 4
ROWS = [{"n": n} for n in range(3 * ARRIVALS)]


@define(eq=False)
class Service:
    """Whether the run is served, and what was open whenever that began or ended."""

    platform: ScheduledPlatform
    is_up: bool = False
    open_at_changes: list[int] = field(factory=list)

    def change(self, is_up: bool) -> None:
        if is_up is not self.is_up:
            self.open_at_changes.append(len(self.platform.open))
        self.is_up = is_up

    @hookimpl
    def famulus_register_architects(self) -> list[type[Architect]]:
        service = self

        class ServingArchitect(NowhereArchitect):
            type = "serving"

            def deploy(self, deployment: Deployment) -> Deployed:
                service.change(True)
                return super().deploy(deployment)

            def shutdown(self) -> None:
                service.change(False)

        return [ServingArchitect]


@pytest.fixture
def database(database_address: str, clock: MovableClock) -> Iterator[ScheduledDatabase]:
    opened = ScheduledDatabase(database_address, clock=clock)
    with opened:
        yield opened


def play(database: ScheduledDatabase, clock: MovableClock, choices: Sequence[int]) -> None:
    scheduler = Scheduler(choices, clock)
    platform = ScheduledPlatform()
    service = Service(platform)
    provider = platform.provider("selling", sells_places=True)
    plugins = kit_plugins(platform=PlatformPlugin(provider), service=service)
    database.scheduler = platform.scheduler = scheduler
    refusals: list[str | None] = []

    def come(gateway: Gateway) -> None:
        while len(refusals) < ARRIVALS:
            scheduler.pause()
            if service.is_up:
                refusals.append(GatewayWorker(gateway, f"w{len(refusals)}").arrive().refusal)

    with scheduler.simulated_processes():
        first = ScheduledOperator(scheduler, database, plugins=plugins)
        configuration = rows_configuration(provider="selling", architect="serving")
        launched = first.launch(configuration, shared_state=RowsState(rows=ROWS))
        first.load_all(launched)
        gateway = first.gateway(launched)
        ended = scheduler.spawn(scheduler.main, "close", first.close)
        scheduler.run(ended)

        process = scheduler.process()
        second = ScheduledOperator(scheduler, database, plugins=plugins)
        resuming = scheduler.spawn(process, "resume", lambda: second.resume(launched.run_id))
        coming = scheduler.spawn(scheduler.process(), "workers", lambda: come(gateway))
        scheduler.run(resuming, coming)
        scheduler.run(scheduler.spawn(process, "close", second.close))

    assert [actor.error for actor in scheduler.actors if actor.error is not None] == []
    assert refusals == [None] * ARRIVALS, scheduler.course
    assert service.open_at_changes == [0, 0, 0, 0], scheduler.course


def test_no_worker_is_turned_away_or_invited_in_vain(
    database: ScheduledDatabase, clock: MovableClock
) -> None:
    @examples(database, sqlite=40, postgresql=8)
    @given(choices=st.lists(st.integers(0, 11), max_size=100))
    def holds(choices: Sequence[int]) -> None:
        play(database, clock, choices)

    holds()
