"""Time during which an operator did not look is not charged to workers, nor to the run."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from famulus.contracts.provider_views import Capabilities
from famulus.engine.gateway import Gateway
from famulus.engine.runs import find_run
from famulus.model.database import Database
from famulus.model.states import RunStatus
from famulus.operate import lease
from famulus.testing.fake_platform import FakePlatform, Fault, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

HOUR = 3600
NIGHT = 13 * HOUR
ROWS = [{"n": n} for n in range(4)]


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    """The way in to a run with patience for two hours; x has been at work for ten minutes."""
    return operator.launch_rows(
        ROWS,
        assignment_duration_in_seconds=HOUR,
        no_submission_patience=2 * HOUR,
        submission_timeout=60,
    )


def seconds_left(gateway: Gateway, name: str) -> int:
    text = GatewayWorker(gateway, name).arrive("a").text
    return int(text.partition('data-seconds="')[2].partition('"')[0])


def status(operator: ManualOperator, gateway: Gateway) -> RunStatus:
    return operator.progress(gateway.run_id).status


@pytest.mark.parametrize("jump", [NIGHT, -NIGHT, 3 * lease.LEASE_SECONDS])
def test_workers_and_the_run_lose_nothing_by_it(
    jump: int, operator: ManualOperator, gateway: Gateway, clock: MovableClock
) -> None:
    GatewayWorker(gateway, "x").arrive("a")
    clock.advance(600)
    operator.turn()
    before = seconds_left(gateway, "x")

    clock.advance(jump)
    for _ in range(3):
        operator.turn(suspended=True)
    assert seconds_left(gateway, "x") == before
    assert status(operator, gateway) is RunStatus.RUNNING

    clock.advance(before)
    operator.turn()
    assert GatewayWorker(gateway, "x").arrive("a").refusal == "time_over"
    clock.advance(2 * HOUR - before)
    operator.turn()
    assert status(operator, gateway) is RunStatus.FINISHED


def test_workers_who_came_after_the_pause_have_the_usual_time(
    operator: ManualOperator, gateway: Gateway, clock: MovableClock
) -> None:
    for jump, name in ((NIGHT, "y"), (-NIGHT, "z")):
        clock.advance(jump)
        GatewayWorker(gateway, name).arrive("a")
        operator.turn(suspended=True)
        assert seconds_left(gateway, name) == HOUR


@pytest.mark.parametrize("is_resumed", [False, True])
def test_no_worker_has_more_time_than_a_new_one_after_a_pause_of_the_operator_alone(
    operator: ManualOperator, gateway: Gateway, clock: MovableClock, is_resumed: bool
) -> None:
    """The server still admits workers. The operator continues, or another one resumes the run."""
    GatewayWorker(gateway, "x").arrive("a")
    clock.advance(600)
    operator.turn()

    clock.advance(NIGHT)
    GatewayWorker(gateway, "y").arrive("a")
    clock.advance(HOUR // 2)
    if is_resumed:
        with ManualOperator(operator.database, plugins=operator.plugins) as other:
            other.resume(gateway.run_id)
            assert (seconds_left(gateway, "x"), seconds_left(gateway, "y")) == (HOUR - 600, HOUR)
            other.finish(gateway.run_id)
    else:
        operator.turn(suspended=True)
        assert (seconds_left(gateway, "x"), seconds_left(gateway, "y")) == (HOUR - 600, HOUR)


def test_a_clock_that_is_set_and_set_back_changes_nothing(
    operator: ManualOperator, gateway: Gateway, clock: MovableClock
) -> None:
    GatewayWorker(gateway, "x").arrive("a")
    clock.advance(600)
    for jump in (100 * NIGHT, -200 * NIGHT, 100 * NIGHT):
        operator.turn()
        clock.advance(jump)
        operator.turn(suspended=True)

    assert seconds_left(gateway, "x") == HOUR - 600
    clock.advance(HOUR)
    operator.turn()
    assert GatewayWorker(gateway, "x").arrive("a").refusal == "time_over"


def test_a_clock_that_was_set_back_keeps_nothing_from_the_platform(
    database: Database, clock: MovableClock
) -> None:
    platform = FakePlatform()
    provider = platform.provider("selling", sells_places=True)
    plugins = kit_plugins(platform=PlatformPlugin(provider))
    with ManualOperator(database, plugins=plugins) as operator:
        assert isinstance(operator, ManualOperator)
        platform.faults = [Fault.THROTTLED]
        operator.launch_rows(ROWS, provider="selling")
        assert not platform.open

        clock.advance(-NIGHT)
        operator.turn(suspended=True)
        assert len(platform.open) == len(ROWS)


@pytest.mark.parametrize("jump", [NIGHT, -NIGHT])
def test_nothing_is_decided_before_it_is_accounted_for(
    jump: int, operator: ManualOperator, gateway: Gateway, clock: MovableClock
) -> None:
    """The machine may be suspended between any two transactions of the operator."""
    GatewayWorker(gateway, "x").arrive("a")
    clock.advance(600)
    operator.turn()
    leased = operator.managed(gateway.run_id)._leased

    clock.advance(jump)

    acts: list[Callable[[], object]] = [
        leased.time_out,
        leased.end,
        lambda: leased.open_places(Capabilities()),
        leased.adjust_window,
        lambda: leased.mark_unreported(clock()),
    ]
    assert not any(act() for act in acts)
    assert status(operator, gateway) is RunStatus.RUNNING


def test_a_run_that_was_just_stopped_or_taken_over_is_left_alone(
    operator: ManualOperator, gateway: Gateway, clock: MovableClock, database: Database
) -> None:
    GatewayWorker(gateway, "x").arrive("a")
    leased = operator.managed(gateway.run_id)._leased
    clock.advance(NIGHT)
    other = lease.Holder()
    database.write(lambda tx: lease.acquire(tx, gateway.run_id, other))

    assert leased.renew() is False
    assert find_run(database, gateway.run_id).lease_holder == other.name
    assert seconds_left(gateway, "x") == 0


def test_the_lifetime_is_a_date_and_goes_on(operator: ManualOperator, clock: MovableClock) -> None:
    gateway = operator.launch_rows(
        ROWS, assignment_duration_in_seconds=HOUR, task_lifetime_in_seconds=2 * HOUR
    )
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")
    clock.advance(NIGHT)
    operator.turn(suspended=True)
    operator.turn()

    assert GatewayWorker(gateway, "y").arrive().refusal == "run_closed"
    assert status(operator, gateway) is RunStatus.RUNNING
    assert worker.submit(page).status == 200
    operator.turn()
    assert status(operator, gateway) is RunStatus.FINISHED


CHILD = """
import sys
from famulus import Database
from famulus.operate import lease
from famulus.operate.operator import Operator
from famulus.testing.inprocess import GatewayWorker, kit_plugins, rows_configuration
from famulus.testing.kinds import RowsState
from famulus.engine.runs import find_run

lease.LEASE_SECONDS = 1.0
lease.RENEWAL_SECONDS = 0.2
options = {"assignment_duration_in_seconds": 5, "no_submission_patience": 5}
with Database(sys.argv[1]) as database, Operator(database, plugins=kit_plugins()) as operator:
    state = RowsState(rows=[{"n": 1}, {"n": 2}])
    run = operator.launch(rows_configuration(**options), shared_state=state).run_id
    page = GatewayWorker(operator.gateway(run), "x").arrive("a")
    print("ready", flush=True)
    sys.stdin.readline()
    while find_run(database, run).served_since is None:
        assert operator.holds(run), find_run(database, run)
    print(operator.progress(run).at_work, find_run(database, run).status.value)
"""


def test_a_process_that_was_halted_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(tmp_path / "f.db")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGSTOP)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(6)
        child.send_signal(signal.SIGCONT)
        printed, _ = child.communicate("\n", timeout=60)

    assert printed == "1 running\n"
