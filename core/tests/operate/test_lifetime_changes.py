"""A run's places close when the run does, also when that is changed while it goes on."""

from __future__ import annotations

from famulus.engine.limits import set_limits
from famulus.engine.runs import find_run
from famulus.model.database import Database
from famulus.testing.fake_platform import FakePlatform, Fault, PlatformPlugin
from famulus.testing.inprocess import ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock


def launched(database: Database, platform: FakePlatform) -> tuple[ManualOperator, int]:
    provider = platform.provider("selling", sells_places=True)
    operator = ManualOperator(database, plugins=kit_plugins(platform=PlatformPlugin(provider)))
    gateway = operator.launch_rows([{"n": 1}], provider="selling")
    return operator, gateway.run_id


def test_a_changed_lifetime_is_sent_to_the_platform(database: Database) -> None:
    platform = FakePlatform()
    operator, run = launched(database, platform)
    with operator:
        set_limits(database, run, task_lifetime_in_seconds=7200)
        operator.turn()

        assert platform.ends == [find_run(database, run).closes_at]


def test_the_same_lifetime_again_and_other_limits_are_not_sent(database: Database) -> None:
    platform = FakePlatform()
    operator, run = launched(database, platform)
    with operator:
        set_limits(database, run, allowed_concurrent=2)
        operator.turn()

        assert platform.ends == []


def test_a_change_that_got_lost_is_sent_again(database: Database, clock: MovableClock) -> None:
    platform = FakePlatform()
    operator, run = launched(database, platform)
    with operator:
        platform.faults = [Fault.THROTTLED]
        set_limits(database, run, task_lifetime_in_seconds=7200)
        operator.turn()
        clock.advance(60)
        operator.turn()

        assert len(platform.ends) == 1
