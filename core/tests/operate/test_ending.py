"""Stopping, finishing and resuming, by this operator or another, alive or dead."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest
from attrs import evolve

from famulus.contracts.architect import Deployed, ServerHealth
from famulus.engine.runs import find_run
from famulus.errors import ConflictError, NotFoundError, RunBusyError, UnavailableError
from famulus.model.database import Database
from famulus.model.states import RunStatus, UnitStatus
from famulus.model.tables import TaskRunTable
from famulus.operate import lease
from famulus.process import ProcessIdentity
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import NowhereArchitect
from famulus.testing.movable_clock import MovableClock

ROWS = [{"n": 1}, {"n": 2}]


@pytest.fixture
def other(database: Database) -> ManualOperator:
    """A second operator on the same database."""
    return ManualOperator(database, plugins=kit_plugins())


def status(operator: ManualOperator, run: int) -> RunStatus:
    return operator.progress(run).status


def seconds_left(worker: GatewayWorker, reference: str) -> int:
    text = worker.arrive(reference).text
    return int(text.partition('data-seconds="')[2].partition('"')[0])


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def die(operator: ManualOperator, database: Database, run: int) -> None:
    """Leave a run as an operator that was killed leaves it."""
    operator._runs.pop(run)
    query = TaskRunTable.update(
        lease_process=str(evolve(ProcessIdentity.current(), pid=dead_pid()))
    )
    database.write(lambda tx: tx.execute(query.where(TaskRunTable.id == run)))


def test_a_stop_waits_for_those_at_work_and_leaves_the_rest(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()

    operator.stop(gateway.run_id)
    operator.turn()
    assert status(operator, gateway.run_id) is RunStatus.STOPPING
    assert operator.progress(gateway.run_id).at_work == 1
    worker.submit(page)
    operator.turn()

    assert status(operator, gateway.run_id) is RunStatus.STOPPED
    assert operator.progress(gateway.run_id).units == {"completed": 1, "launched": 1}
    assert not operator.holds(gateway.run_id)


def test_a_stop_now_does_not_wait_and_changes_no_unit(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)
    GatewayWorker(gateway, "x").arrive()

    operator.stop(gateway.run_id, now=True)

    assert status(operator, gateway.run_id) is RunStatus.STOPPED
    assert operator.progress(gateway.run_id).units == {"assigned": 1, "launched": 1}


@pytest.mark.parametrize("end", ["stop", "finish"])
def test_a_finished_run_cannot_end_again(operator: ManualOperator, end: str) -> None:
    gateway = operator.launch_rows(ROWS)
    operator.finish(gateway.run_id)

    with pytest.raises(ConflictError, match="is finished already"):
        getattr(operator, end)(gateway.run_id)


def test_a_run_that_is_not_there_is_named(operator: ManualOperator) -> None:
    for act in (operator.stop, operator.finish, operator.resume, operator.progress):
        with pytest.raises(NotFoundError, match="there is no run 4711"):
            act(4711)


def test_all_done_finishes_by_itself(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)
    for _ in ROWS:
        GatewayWorker(gateway, "x").work()

    operator.turn()

    assert status(operator, gateway.run_id) is RunStatus.FINISHED
    assert operator.wait(gateway.run_id, timeout=0).ended_at is not None
    assert [each.done for each in operator.watch(gateway.run_id)] == [2]


def test_a_finish_that_waits_closes_the_run_until_those_at_work_are_done(
    operator: ManualOperator, other: ManualOperator
) -> None:
    gateway = operator.launch_rows(ROWS)
    x, y = GatewayWorker(gateway, "x"), GatewayWorker(gateway, "y")
    page = x.arrive("a")

    with other:
        other.finish(gateway.run_id, now=False)

    operator.turn()
    assert status(operator, gateway.run_id) is RunStatus.STOPPING
    assert y.arrive().refusal == "run_closed"
    assert x.arrive("a").row == page.row
    x.submit(page)
    operator.turn()
    assert status(operator, gateway.run_id) is RunStatus.FINISHED
    assert operator.progress(gateway.run_id).units[UnitStatus.EXPIRED] == 1


@pytest.mark.parametrize("dies", [False, True])
def test_a_run_that_is_resumed_while_it_finishes_is_not_over(
    operator: ManualOperator,
    other: ManualOperator,
    database: Database,
    clock: MovableClock,
    dies: bool,
) -> None:
    gateway = operator.launch_rows(ROWS)
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")
    operator.finish(gateway.run_id, now=False)

    if dies:
        die(operator, database, gateway.run_id)
        clock.advance(lease.LEASE_SECONDS + 1)
    else:
        operator.stop(gateway.run_id, now=True)
        assert GatewayWorker(gateway, "y").arrive().refusal == "run_stopped"

    with other:
        other.resume(gateway.run_id)
        other.turn()
        assert status(other, gateway.run_id) is RunStatus.RUNNING
        worker.submit(page)
        assert GatewayWorker(gateway, "y").arrive().row == ROWS[1]


def test_a_stop_after_a_finish_that_waits_leaves_the_rest(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    operator.finish(gateway.run_id, now=False)

    operator.stop(gateway.run_id)

    assert GatewayWorker(gateway, "y").arrive().refusal == "run_stopped"
    worker.submit(page)
    operator.turn()
    assert status(operator, gateway.run_id) is RunStatus.STOPPED
    assert operator.progress(gateway.run_id).units == {"completed": 1, "launched": 1}


def test_a_finish_that_would_wait_ends_a_run_without_an_operator_at_once(
    operator: ManualOperator, other: ManualOperator
) -> None:
    gateway = operator.launch_rows(ROWS)
    GatewayWorker(gateway, "x").arrive()
    operator.stop(gateway.run_id, now=True)

    with other:
        other.finish(gateway.run_id, now=False)

    assert status(other, gateway.run_id) is RunStatus.FINISHED


def test_leaving_the_block_stops_what_goes_on(database: Database) -> None:
    with ManualOperator(database, plugins=kit_plugins()) as operator:
        assert isinstance(operator, ManualOperator)
        gateway = operator.launch_rows(ROWS)

    record = find_run(database, gateway.run_id)
    assert (record.status, record.lease_holder) == (RunStatus.STOPPED, "")


def test_a_resumed_run_goes_on_with_the_same_units(
    operator: ManualOperator, other: ManualOperator
) -> None:
    gateway = operator.launch_rows(ROWS)
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")
    operator.stop(gateway.run_id, now=True)
    assert GatewayWorker(gateway, "y").arrive("a").refusal == "run_stopped"

    with other:
        launched = other.resume(gateway.run_id)

        assert launched.url == NowhereArchitect.url
        assert worker.arrive("a").row == page.row
        assert worker.submit(page).status == 200
        assert GatewayWorker(gateway, "y").work().status == 200
        other.turn()
        assert status(other, gateway.run_id) is RunStatus.FINISHED


def test_a_run_that_the_operator_manages_is_not_resumed(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)

    with pytest.raises(ConflictError, match="already"):
        operator.resume(gateway.run_id)

    assert status(operator, gateway.run_id) is RunStatus.RUNNING
    operator.turn()
    assert operator.holds(gateway.run_id)


def test_a_run_of_a_live_operator_is_left_alone(
    operator: ManualOperator, other: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = operator.launch_rows(ROWS)
    record = find_run(database, gateway.run_id)
    done = threading.Event()

    def go_on() -> None:
        while not done.wait(0.02):
            clock.advance(lease.RENEWAL_SECONDS)
            operator.turn()

    going_on = threading.Thread(target=go_on)
    with other:
        going_on.start()
        with pytest.raises(RunBusyError, match=r"is being operated by process \d+"):
            other.resume(gateway.run_id)
        done.set()
        going_on.join()

    assert find_run(database, gateway.run_id).lease_holder == record.lease_holder


def test_the_run_of_a_dead_process_is_taken_over_at_once(
    operator: ManualOperator, other: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(ROWS)
    die(operator, database, gateway.run_id)

    with other:
        other.resume(gateway.run_id)

        assert other.holds(gateway.run_id)
        assert status(other, gateway.run_id) is RunStatus.RUNNING


def test_the_run_of_a_machine_that_is_gone_is_taken_over_when_its_lease_is_over(
    operator: ManualOperator, other: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = operator.launch_rows(ROWS)
    operator._runs.pop(gateway.run_id)
    elsewhere = evolve(ProcessIdentity.current(), pid=dead_pid(), boot="another-machine")
    query = TaskRunTable.update(lease_process=str(elsewhere))
    database.write(lambda tx: tx.execute(query))
    with database.read() as tx:
        assert lease.is_operated(tx, find_run(database, gateway.run_id))
    clock.advance(lease.LEASE_SECONDS + 1)

    with other:
        other.resume(gateway.run_id)

        assert other.holds(gateway.run_id)


def test_an_operator_releases_a_run_that_was_taken_over(
    operator: ManualOperator, other: ManualOperator, clock: MovableClock, database: Database
) -> None:
    gateway = operator.launch_rows(ROWS)
    clock.advance(lease.LEASE_SECONDS + 1)

    with other:
        other.resume(gateway.run_id)
        with pytest.raises(RunBusyError, match="was taken over"):
            operator.turn()

        assert not operator.holds(gateway.run_id)
        other.turn()
        assert other.holds(gateway.run_id)
        assert status(other, gateway.run_id) is RunStatus.RUNNING


@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_workers_get_back_the_time_in_which_the_run_was_not_served(
    operator: ManualOperator,
    other: ManualOperator,
    database: Database,
    clock: MovableClock,
    end: str,
) -> None:
    gateway = operator.launch_rows(ROWS, assignment_duration_in_seconds=600)
    worker = GatewayWorker(gateway, "x")
    worker.arrive("a")
    clock.advance(100)
    operator.turn()
    if end == "stopped":
        operator.stop(gateway.run_id, now=True)
    else:
        die(operator, database, gateway.run_id)
    clock.advance(5000)

    with other:
        other.resume(gateway.run_id)
        other.turn()

        assert seconds_left(worker, "a") == 500


@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_a_resume_that_fails_takes_none_of_that_time(
    operator: ManualOperator,
    other: ManualOperator,
    database: Database,
    clock: MovableClock,
    end: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def taken(*_: object) -> Any:
        raise UnavailableError("the port is taken")

    gateway = operator.launch_rows(ROWS, assignment_duration_in_seconds=600)
    worker = GatewayWorker(gateway, "x")
    clock.advance(5000)
    operator.turn()
    worker.arrive("a")
    if end == "stopped":
        operator.stop(gateway.run_id, now=True)
    else:
        die(operator, database, gateway.run_id)
    clock.advance(1000)

    with other:
        with monkeypatch.context() as patch:
            patch.setattr(NowhereArchitect, "deploy", taken)
            with pytest.raises(UnavailableError, match="the port is taken"):
                other.resume(gateway.run_id)
        clock.advance(1000)
        other.resume(gateway.run_id)

        assert seconds_left(worker, "a") == 600


def test_a_dead_run_that_is_stopped_first_gives_the_time_back_too(
    operator: ManualOperator, other: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = operator.launch_rows(ROWS, assignment_duration_in_seconds=600)
    worker = GatewayWorker(gateway, "x")
    worker.arrive("a")
    die(operator, database, gateway.run_id)
    clock.advance(1000)

    with other:
        other.stop(gateway.run_id)
        assert status(other, gateway.run_id) is RunStatus.STOPPED
        clock.advance(1000)
        other.resume(gateway.run_id)

        assert seconds_left(worker, "a") == 600


def test_another_operator_asks_to_stop_and_the_holder_does(
    operator: ManualOperator, other: ManualOperator
) -> None:
    gateway = operator.launch_rows(ROWS)
    page = GatewayWorker(gateway, "x").arrive()

    with other:
        other.stop(gateway.run_id)
    operator.turn()
    assert status(operator, gateway.run_id) is RunStatus.STOPPING
    GatewayWorker(gateway, "x").submit(page)
    operator.turn()

    assert status(operator, gateway.run_id) is RunStatus.STOPPED
    assert not operator.holds(gateway.run_id)


def test_another_operator_finishes_and_the_holder_releases_the_run(
    operator: ManualOperator, other: ManualOperator
) -> None:
    gateway = operator.launch_rows(ROWS)

    with other:
        other.finish(gateway.run_id)
    assert operator.progress(gateway.run_id).units == {UnitStatus.EXPIRED: 2}
    operator.turn()

    assert not operator.holds(gateway.run_id)
    assert status(operator, gateway.run_id) is RunStatus.FINISHED


def test_a_finish_that_was_cut_off_is_finished_by_the_next_look(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(ROWS)
    GatewayWorker(gateway, "x").arrive()
    operator.stop(gateway.run_id, now=True)

    operator.finish(gateway.run_id)

    assert operator.progress(gateway.run_id).units == {UnitStatus.EXPIRED: 2}
    assert operator.progress(gateway.run_id).at_work == 0


def test_a_server_that_died_is_started_again(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch, clock: MovableClock
) -> None:
    gateway = operator.launch_rows(ROWS)
    deployed: list[object] = []

    def deploy(self: object, deployment: object) -> Deployed:
        deployed.append(deployment)
        return Deployed(NowhereArchitect.url)

    monkeypatch.setattr(
        NowhereArchitect,
        "health",
        lambda _: ServerHealth.SERVING if deployed else ServerHealth.GONE,
    )
    monkeypatch.setattr(NowhereArchitect, "deploy", deploy)

    clock.advance(2)
    operator.turn()
    clock.advance(2)
    operator.turn()

    assert len(deployed) == 1
    assert operator.holds(gateway.run_id)


@pytest.mark.parametrize("end", [{"now": True}, {}])
def test_a_server_that_ends_with_its_run_is_not_started_again(
    operator: ManualOperator,
    monkeypatch: pytest.MonkeyPatch,
    clock: MovableClock,
    end: dict[str, bool],
) -> None:
    """Another thread may end the run while the server is asked whether it is alive."""
    gateway = operator.launch_rows(ROWS)
    deployed: list[object] = []

    def health(_: object) -> ServerHealth:
        act = operator.stop if end else operator.finish
        ending = threading.Thread(target=act, args=(gateway.run_id,), kwargs=end)
        ending.start()
        ending.join()
        return ServerHealth.GONE

    monkeypatch.setattr(NowhereArchitect, "health", health)
    monkeypatch.setattr(
        NowhereArchitect, "deploy", lambda _, deployment: deployed.append(deployment)
    )
    clock.advance(2)
    operator.turn()

    assert deployed == []
    assert not operator.holds(gateway.run_id)


def test_a_server_that_cannot_be_ended_keeps_nothing_from_ending(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = operator.launch_rows(ROWS)

    def broken(_: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(NowhereArchitect, "shutdown", broken)

    operator.finish(gateway.run_id)

    assert not operator.holds(gateway.run_id)
    assert "the architect 'nowhere' could not end the server" in caplog.text


def test_threads_that_shut_a_run_down_together_do_it_once(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = operator.launch_rows(ROWS)
    ended: list[object] = []
    monkeypatch.setattr(NowhereArchitect, "shutdown", lambda self: ended.append(self))
    managed = operator.managed(gateway.run_id)
    gate = threading.Barrier(4)

    def shut_down() -> None:
        gate.wait()
        managed.shut_down()

    threads = [threading.Thread(target=shut_down) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ended) == 1
