"""Places are closed when a run ends, or an error reports that they are still open."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from famulus.contracts.provider import Provider
from famulus.engine.gateway import Gateway
from famulus.engine.outbox import outbox_rows
from famulus.engine.outbox.outbox_rows import OutboxKind
from famulus.engine.places.closing import ClosingLimits, PlacesOpenError
from famulus.engine.platform.bound_provider import bind_provider
from famulus.errors import ConflictError
from famulus.model.database import Database
from famulus.model.states import OutboxStatus, RunStatus, UnitStatus
from famulus.model.tables import OutboxTable, TaskRunTable
from famulus.model.transaction import Transaction
from famulus.operate.ending import begin_finish, begin_stop, clean_up, end_stop, finish_run
from famulus.operate.operator import Operator
from famulus.plugins import Plugins
from famulus.process import ProcessIdentity
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import (
    GatewayWorker,
    ManualOperator,
    kit_plugins,
    rows_configuration,
)
from famulus.testing.kinds import RowsState
from famulus.testing.movable_clock import MovableClock

UNITS = 100
FOREVER = 99


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(platform.provider("selling", sells_places=True)))


@pytest.fixture
def operator(database: Database, plugins: Plugins) -> ManualOperator:
    return ManualOperator(database, plugins=plugins)


@pytest.fixture
def other(database_address: str, clock: MovableClock, plugins: Plugins) -> Iterator[ManualOperator]:
    """An operator of another process, with limits for calls that are under way."""
    with (
        Database(database_address, clock=clock) as its_own,
        ManualOperator(its_own, plugins=plugins) as manual,
    ):
        yield manual


def launch(operator: ManualOperator, units: int = 1, **options: Any) -> Gateway:
    return operator.launch_rows([{"n": n} for n in range(units)], provider="selling", **options)


def newest_run(database: Database) -> int:
    with database.read() as tx:
        return int(tx.sql("SELECT max(id) FROM task_run").fetchone()[0])


def during(
    platform: FakePlatform, name: str, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run a function during the platform's second call of that name."""
    call, calls = FakePlatform.call, []

    def interrupted(self: FakePlatform, called: str, effect: Callable[[], Any]) -> Any:
        if called == name:
            calls.append(called)
            if len(calls) == 2:
                act()
        return call(self, called, effect)

    monkeypatch.setattr(FakePlatform, "call", interrupted)


def kill(operator: ManualOperator, database: Database, run: int) -> None:
    """Leave a run and its claims as a killed process leaves them."""
    operator._runs.pop(run, None)
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    dead = str(evolve(ProcessIdentity.current(), pid=process.pid))
    mark = TaskRunTable.update(lease_process=dead).where(TaskRunTable.id == run)
    claims = OutboxTable.update(claimed_by=dead).where(OutboxTable.claimed_by != "")
    database.write(lambda tx: [tx.execute(mark), tx.execute(claims)])


@pytest.mark.parametrize("end", ["stop", "stop now", "finish"])
def test_ending_a_run_closes_places_that_are_being_opened(
    end: str,
    operator: ManualOperator,
    other: ManualOperator,
    platform: FakePlatform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launched = operator.launch(
        rows_configuration(provider="selling"), shared_state=RowsState(rows=[{"n": 0}])
    )
    operator.finish(launched)
    commands = {
        "stop": other.stop,
        "stop now": lambda run: other.stop(run, now=True),
        "finish": other.finish,
    }
    command: list[threading.Thread] = []
    ordered = threading.Event()
    write = other.database.write

    def watched(job: Any) -> Any:
        try:
            return write(job)
        finally:
            ordered.set()

    def order() -> None:
        """Give the command, and return from the call once it has written its rows."""
        monkeypatch.setattr(other.database, "write", watched)
        command.append(threading.Thread(target=commands[end], args=(launched.run_id + 1,)))
        command[0].start()
        ordered.wait(10)

    during(platform, "set_places", order, monkeypatch)
    launch(operator, UNITS)
    command[0].join()

    assert platform.open == set()
    assert len(platform.opened) < UNITS
    operator.turn()
    operator.close()


def test_closing_does_not_wait_for_a_claim_that_was_released(
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The closing is postponed while the opening is under way."""

    def stop() -> None:
        run = newest_run(database)
        database.write(lambda tx: begin_stop(tx, run, "stopped"))
        bind_provider(database, operator.plugins, run).delivery().deliver()

    during(platform, "set_places", stop, monkeypatch)
    platform.faults = [None, Fault.LOST]
    gateway = launch(operator, UNITS)
    operator.turn()

    assert platform.open == set()
    assert operator.progress(gateway.run_id).status is RunStatus.STOPPED


@pytest.mark.parametrize("call", ["set_places", "end_places"])
@pytest.mark.parametrize("way", ["sync", "resume"])
def test_places_are_closed_at_once_after_a_process_was_killed_in_a_call(
    call: str,
    way: str,
    operator: ManualOperator,
    other: ManualOperator,
    platform: FakePlatform,
    database: Database,
    plugins: Plugins,
) -> None:
    platform.faults = [Fault.KILLED_AFTER] if call == "set_places" else [None, Fault.KILLED_AFTER]
    with suppress(Killed):
        launch(operator)
        finish_run(database, newest_run(database), "finished")
        operator.turn()
    run = newest_run(database)
    kill(operator, database, run)

    if way == "sync" or call == "end_places":
        clean_up(database, run)
        bind_provider(database, plugins, run).close_places()
    else:
        other.resume(run)
        assert platform.open == {0}
        other.stop(run, now=True)
    assert platform.open == set()


def test_stopping_run_is_closed_at_once_after_a_command_was_killed_in_a_call(
    operator: ManualOperator, platform: FakePlatform, database: Database, plugins: Plugins
) -> None:
    platform.faults = [Fault.KILLED_AFTER]
    with suppress(Killed):
        launch(operator)
    run = newest_run(database)
    kill(operator, database, run)

    database.write(lambda tx: begin_stop(tx, run, "stopped"))
    bind_provider(database, plugins, run).delivery().deliver()
    assert platform.open == set()


@pytest.mark.parametrize(
    ("end", "again"),
    [(end_stop, "stop"), (end_stop, "finish"), (begin_finish, "finish"), (begin_finish, "stop")],
)
def test_a_repeated_command_closes_places_left_open_by_a_killed_one(
    end: Callable[[Transaction, int, str], bool],
    again: str,
    operator: ManualOperator,
    other: ManualOperator,
    platform: FakePlatform,
    database: Database,
) -> None:
    run = launch(operator, 3).run_id
    database.write(lambda tx: end(tx, run, "killed"))
    kill(operator, database, run)

    platform.faults = [Fault.THROTTLED] * FOREVER
    with pytest.raises(PlacesOpenError, match=f"`famulus sync {run}` completes it"):
        getattr(other, again)(run)
    platform.faults.clear()
    with suppress(ConflictError):
        getattr(other, again)(run)

    assert platform.open == set()
    if end is begin_finish:
        assert other.progress(run).units == {UnitStatus.EXPIRED: 3}


@pytest.mark.parametrize("is_answered", [True, False])
def test_stop_pauses_places_and_a_finish_ends_them_also_after_the_stop(
    is_answered: bool, operator: ManualOperator, platform: FakePlatform
) -> None:
    run = launch(operator).run_id
    platform.faults = [] if is_answered else [Fault.THROTTLED] * FOREVER
    operator.stop(run, now=True)
    assert set(platform.calls) == {"set_places", "pause_places"}
    platform.faults.clear()

    operator.finish(run)

    calls = [call for call in platform.calls if call.endswith("_places")]
    assert calls[-2:] == ["pause_places", "end_places"]
    assert platform.open == set()


@pytest.mark.parametrize("end", ["block", "close", "stop", "finish"])
def test_ending_a_run_reports_open_places_with_the_remedy(
    end: str,
    operator: ManualOperator,
    other: ManualOperator,
    platform: FakePlatform,
    database: Database,
    plugins: Plugins,
) -> None:
    gateway = launch(operator)
    platform.faults = [Fault.THROTTLED] * FOREVER
    ends: dict[str, Callable[[], object]] = {
        "block": lambda: operator.__exit__(None, None, None),
        "close": operator.close,
        "stop": lambda: other.stop(gateway.run_id, now=True),
        "finish": lambda: other.finish(gateway.run_id),
    }
    with pytest.raises(PlacesOpenError) as raised:
        ends[end]()

    remedy = f"not complete (throttled); `famulus sync {gateway.run_id}` completes it"
    assert remedy in str(raised.value)
    platform.faults.clear()
    bind_provider(database, plugins, gateway.run_id).close_places()
    assert platform.open == set()


@pytest.mark.parametrize("end", ["stop", "finish"])
def test_ending_a_run_whose_provider_cannot_be_constructed_reports_open_places(
    end: str,
    operator: ManualOperator,
    other: ManualOperator,
    platform: FakePlatform,
    database: Database,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(self: Provider, args: object, context: object) -> None:
        raise OSError("no key file")

    run = launch(operator).run_id
    kill(operator, database, run)
    monkeypatch.setattr(plugins.provider("selling"), "__init__", broken)

    with pytest.raises(PlacesOpenError) as raised:
        getattr(other, end)(run)

    assert "the provider 'selling' cannot be constructed: OSError: no key" in str(raised.value)
    assert f"`famulus sync {run}` completes it" in str(raised.value)
    monkeypatch.undo()
    bind_provider(database, plugins, run).close_places()
    assert platform.open == set()


def test_error_that_ends_a_block_is_not_replaced_by_the_one_about_open_places(
    operator: ManualOperator, platform: FakePlatform
) -> None:
    launch(operator)
    platform.faults = [Fault.THROTTLED] * FOREVER

    with pytest.raises(KeyError), operator:
        raise KeyError


def test_wait_for_a_call_that_does_not_return_is_bounded(
    database: Database, plugins: Plugins, operator: ManualOperator, platform: FakePlatform
) -> None:
    gateway = launch(operator)
    until = database.clock() + timedelta(days=1)
    claim = OutboxTable.update(
        status=OutboxStatus.PENDING, claimed_by="somebody", claimed_until=until
    )
    database.write(lambda tx: tx.execute(claim))
    bound = bind_provider(database, plugins, gateway.run_id)
    finish_run(database, gateway.run_id, "finished")

    with pytest.raises(PlacesOpenError, match="another process is still calling the platform"):
        bound.close_places(ClosingLimits(pauses=(0.0,), call_timeout=0.05))


def test_places_opened_after_a_closing_with_a_lost_claim_are_closed_again(
    operator: ManualOperator,
    other: ManualOperator,
    platform: FakePlatform,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that was suspended in a call wakes up after another has ended the run."""

    def meanwhile() -> None:
        run = newest_run(database)
        kill(operator, database, run)
        finish_run(database, run, "finished")
        clean_up(database, run)
        bind_provider(database, operator.plugins, run).close_places()

    during(platform, "set_places", meanwhile, monkeypatch)
    state = RowsState(rows=[{"n": n} for n in range(UNITS)])
    run = operator.launch(rows_configuration(provider="selling"), shared_state=state).run_id
    bind_provider(database, operator.plugins, run).close_places()

    assert platform.open == set()


def test_places_that_a_late_pause_closes_after_a_resume_are_replaced(
    operator: ManualOperator,
    other: ManualOperator,
    platform: FakePlatform,
    database: Database,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that was suspended in a call wakes up after another has opened the run again."""
    run = launch(operator, 3).run_id
    call = FakePlatform.call
    resumed: list[int] = []

    def suspended(self: FakePlatform, name: str, effect: Callable[[], Any]) -> Any:
        if name == "pause_places" and not resumed:
            resumed.append(run)
            kill(operator, database, run)
            other.resume(run)
            assert len(platform.open) == 3
        return call(self, name, effect)

    monkeypatch.setattr(FakePlatform, "call", suspended)
    operator.stop(run, now=True)
    for _ in range(3):
        clock.advance(2)
        other.turn()

    assert resumed
    assert len(platform.open) == 3


def test_run_without_an_operator_is_closed_and_opened_again_when_one_wakes_up(
    operator: ManualOperator,
    platform: FakePlatform,
    database: Database,
    plugins: Plugins,
    clock: MovableClock,
) -> None:
    gateway = launch(operator, 3)
    GatewayWorker(gateway, "a").arrive("visit")
    clock.advance(60)
    assert clean_up(database, gateway.run_id)
    bind_provider(database, plugins, gateway.run_id).close_places()
    assert platform.open == set()
    assert not clean_up(database, gateway.run_id)

    for _ in range(2):
        clock.advance(2)
        operator.turn()
    assert platform.open == {3, 4}
    operator.close()
    assert platform.open == set()


def test_interrupted_finish_is_completed(operator: ManualOperator, database: Database) -> None:
    gateway = launch(operator, 3)
    kill(operator, database, gateway.run_id)
    finish = "UPDATE task_run SET status = 'finished'"
    database.write(lambda tx: tx.sql(finish))

    clean_up(database, gateway.run_id)
    assert operator.progress(gateway.run_id).units == {"expired": 3}


@pytest.mark.parametrize("status", [OutboxStatus.DONE, OutboxStatus.FAILED])
def test_verdict_that_waits_for_another_is_due_when_the_other_is_finished(
    status: OutboxStatus, operator: ManualOperator, database: Database
) -> None:
    run = launch(operator).run_id

    def enqueue(tx: Transaction) -> None:
        for n in (1, 2):
            outbox_rows.enqueue(
                tx,
                kind=OutboxKind.DECIDE,
                key=outbox_rows.verdict_key(7, n),
                run=run,
                payload={"visit": 7, "n": n, "verdict": "approved"},
            )

    database.write(enqueue)

    def row(n: int) -> Any:
        with database.read() as tx:
            return outbox_rows.find_outbox_row(tx, outbox_rows.verdict_key(7, n))

    lease = timedelta(minutes=2)
    first, second = row(1), row(2)
    assert database.write(lambda tx: outbox_rows.claim(tx, first, lease, "me"))
    with database.read() as tx:
        predecessor = outbox_rows.predecessor(tx, second)
    assert predecessor is not None
    assert (predecessor.id, predecessor.next_attempt_at) == (first.id, database.clock() + lease)
    database.write(lambda tx: outbox_rows.put_off(tx, second, predecessor.next_attempt_at))
    assert row(2).next_attempt_at == database.clock() + lease

    database.write(lambda tx: outbox_rows.finish(tx, first, status))

    assert row(2).next_attempt_at == database.clock()


def test_operator_with_threads_leaves_nothing_open(
    database_address: str, plugins: Plugins, platform: FakePlatform
) -> None:
    for is_finished in (False, True):
        with Operator(database_address, plugins=plugins) as operator:
            state = RowsState(rows=[{"n": n} for n in range(UNITS)])
            run = operator.launch(rows_configuration(provider="selling"), shared_state=state)
            if is_finished:
                operator.finish(run)
        assert platform.open == set()
