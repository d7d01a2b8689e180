"""Limits that are changed while the run goes on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from famulus.engine.gateway import Gateway
from famulus.engine.limits import LimitChange, set_limits
from famulus.engine.run_limits import LIVE_LIMITS, run_limits
from famulus.engine.runs import find_run
from famulus.errors import ConflictError, NotFoundError, UsageError
from famulus.model.database import Database
from famulus.model.states import UnitStatus
from famulus.model.tables import EventTable
from famulus.options.scalars import Typed
from famulus.testing.inprocess import GatewayWorker, ManualOperator, Seen, rows_configuration
from famulus.testing.kinds import RowsState
from famulus.testing.movable_clock import MovableClock


def rows(count: int) -> list[dict[str, int]]:
    return [{"n": n} for n in range(count)]


def units(operator: ManualOperator, run: int) -> dict[str, int]:
    return {status.value: count for status, count in operator.progress(run).units.items()}


def out(operator: ManualOperator, run: int) -> int:
    found = operator.progress(run).units
    return found.get(UnitStatus.LAUNCHED, 0) + found.get(UnitStatus.ASSIGNED, 0)


def problems_of(database: Database, run: int, **limits: Any) -> list[str]:
    with pytest.raises(UsageError) as caught:
        set_limits(database, run, **limits)
    return list(map(str, caught.value.problems))


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return operator.launch_rows(rows(9))


def test_limits_hold_from_the_next_arrival_on(
    operator: ManualOperator, database: Database, clock: MovableClock, gateway: Gateway
) -> None:
    run, worker = gateway.run_id, GatewayWorker(gateway, "x")
    worker.arrive("first")

    set_limits(database, run, allowed_concurrent=1)
    assert worker.arrive().refusal == "too_many_open"

    set_limits(database, run, allowed_concurrent=0, maximum_units_per_worker=1)
    assert worker.arrive().refusal == "maximum_reached"

    set_limits(database, run, maximum_units_per_worker=9, assignment_duration_in_seconds=10)
    worker.arrive("short")
    clock.advance(10)
    operator.turn()
    assert worker.arrive("short").refusal == "time_over"
    assert worker.arrive("first").has_form

    set_limits(database, run, task_lifetime_in_seconds=60)
    clock.advance(50)
    assert worker.arrive().refusal == "run_closed"


def test_a_change_is_an_event_with_old_and_new_values(database: Database, gateway: Gateway) -> None:
    changes = set_limits(
        database,
        gateway.run_id,
        allowed_concurrent=Typed("2"),
        max_spend=Typed("12.50"),
        submission_timeout=600,
    )

    with database.read() as tx:
        [event] = tx.rows(EventTable.select().where(EventTable.subject == "limits"))
    assert [change.name for change in changes] == ["allowed_concurrent", "max_spend"]
    assert (event.new, event.cause, event.subject_id) == ("set", "limits", gateway.run_id)
    assert event.detail == {
        "allowed_concurrent": {"old": 0, "new": 2},
        "max_spend": {"old": "0.00", "new": "12.50"},
    }
    assert find_run(database, gateway.run_id).max_spend == 1250


def test_the_same_again_changes_nothing(database: Database, gateway: Gateway) -> None:
    assert set_limits(database, gateway.run_id, allowed_concurrent=2) == [
        LimitChange(name="allowed_concurrent", old=0, new=2)
    ]
    assert set_limits(database, gateway.run_id, allowed_concurrent=2) == []
    with database.read() as tx:
        assert (
            len(tx.rows(EventTable.select(EventTable.id).where(EventTable.subject == "limits")))
            == 1
        )


def test_every_limit_is_as_it_was_launched(operator: ManualOperator, database: Database) -> None:
    given: dict[str, Any] = {name: 7 for name in LIVE_LIMITS if name != "max_spend"}
    gateway = operator.launch_rows(rows(1), **given)

    limits = run_limits(find_run(database, gateway.run_id))

    assert {name: limits[name] for name in given} == given


def test_wrong_values_are_reported_together_and_change_nothing(
    database: Database, gateway: Gateway
) -> None:
    problems = problems_of(
        database,
        gateway.run_id,
        allowed_concurrent=-1,
        maximum_units_per_worker=Typed("many"),
        submission_timeout=5,
    )

    assert problems == [
        "task.maximum_units_per_worker: 'many' is not a whole number, such as 3",
        "task.allowed_concurrent: -1 is not from 0 (no limit) to 2147483647",
    ]
    assert find_run(database, gateway.run_id).submission_timeout == 600


def test_an_unknown_limit_is_refused_with_the_known_ones(
    database: Database, gateway: Gateway
) -> None:
    first, second, third = problems_of(
        database, gateway.run_id, allowed_concurent=1, task_reward=1, colour=1
    )

    assert "allowed_concurent: is not a limit of a run" in first
    assert "; did you mean 'allowed_concurrent'? (" in first
    assert second.startswith("task.task_reward: cannot be changed once a run is launched;")
    assert all(name in third for name in LIVE_LIMITS)


def test_a_lifetime_that_is_over_already_is_refused(
    database: Database, clock: MovableClock, gateway: Gateway
) -> None:
    clock.advance(60)

    [problem] = problems_of(database, gateway.run_id, task_lifetime_in_seconds=60)

    assert problem.endswith(f"over already; `famulus finish {gateway.run_id}` ends the run")


def test_a_patience_that_is_at_its_end_already_is_refused(
    database: Database, clock: MovableClock, gateway: Gateway
) -> None:
    clock.advance(100)
    GatewayWorker(gateway, "x").work()
    clock.advance(60)

    [problem] = problems_of(database, gateway.run_id, no_submission_patience=60)
    set_limits(database, gateway.run_id, no_submission_patience=61)

    assert problem.startswith(
        "task.no_submission_patience: there was no submission for 60 seconds already;"
    )


def test_a_run_that_is_over_keeps_its_limits(
    operator: ManualOperator, database: Database, gateway: Gateway
) -> None:
    operator.finish(gateway.run_id)

    with pytest.raises(ConflictError, match="is finished; its limits can no longer be changed"):
        set_limits(database, gateway.run_id, allowed_concurrent=1)
    with pytest.raises(NotFoundError):
        set_limits(database, gateway.run_id + 1, allowed_concurrent=1)


def test_a_stopped_run_can_be_given_limits(
    operator: ManualOperator, database: Database, gateway: Gateway
) -> None:
    operator.stop(gateway.run_id, now=True)

    set_limits(database, gateway.run_id, max_num_concurrent_units=2)

    assert units(operator, gateway.run_id) == {"launched": 2, "created": 7}


def test_a_window_set_on_a_running_run_withdraws_units_without_a_worker(
    operator: ManualOperator, database: Database, gateway: Gateway
) -> None:
    run = gateway.run_id
    pages = [
        (worker, worker.arrive()) for worker in (GatewayWorker(gateway, name) for name in "abc")
    ]

    set_limits(database, run, max_num_concurrent_units=2)

    assert units(operator, run) == {"assigned": 3, "created": 6}
    assert GatewayWorker(gateway, "d").arrive().refusal == "nothing_left"
    left = []
    for worker, page in pages:
        worker.submit(page)
        left.append(out(operator, run))
    assert left == [2, 2, 2]
    _work_off(gateway)
    assert units(operator, run) == {"completed": 9}


def test_a_window_set_and_removed_again_gives_each_worker_every_unit_once(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(rows(6), blueprint={"units_per_assignment": 2})
    run, worker = gateway.run_id, GatewayWorker(gateway, "x")
    seen = [worker.work().status]
    for window in (3, 0, 1, 5, 0, 2):
        set_limits(database, run, max_num_concurrent_units=window)
        assert out(operator, run) == (window or 12 - len(seen))
        seen.append(worker.work().status)
        assert out(operator, run) == min(window or 12, 12 - len(seen))

    assert seen[:6] == [200] * 6
    set_limits(database, run, max_num_concurrent_units=0)
    _work_off(gateway)
    assert units(operator, run) == {"completed": 12}


def test_answers_that_come_late_complete_a_unit_that_waits_again(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = operator.launch_rows(rows(2))
    run, worker = gateway.run_id, GatewayWorker(gateway, "x")
    page = worker.arrive()
    clock.advance(1800)
    operator.turn()
    set_limits(database, run, max_num_concurrent_units=1)
    waiting = units(operator, run)

    worker.submit(page)

    assert waiting == {"launched": 1, "created": 1}
    assert units(operator, run) == {"launched": 1, "completed": 1}


@pytest.mark.parametrize("window", [1, 0])
def test_rows_that_come_after_the_change_go_by_it(
    operator: ManualOperator, database: Database, window: int
) -> None:
    coming = queue.Queue[int | None]()

    def generated() -> Iterator[dict[str, int]]:
        while (n := coming.get()) is not None:
            yield {"n": n}

    coming.put(0)
    configuration = rows_configuration(max_num_concurrent_units=1 - window)
    launched = operator.launch(configuration, shared_state=RowsState(rows=generated()))

    set_limits(database, launched.run_id, max_num_concurrent_units=window)
    for n in (1, 2, 3, None):
        coming.put(n)
    operator.load_all(launched)

    expected = {"launched": 1, "created": 3} if window else {"launched": 4}
    assert units(operator, launched.run_id) == expected
    _work_off(operator.gateway(launched))
    assert units(operator, launched.run_id) == {"completed": 4}


def test_a_large_run_is_taken_back_in_steps(operator: ManualOperator, database: Database) -> None:
    gateway = operator.launch_rows(rows(2600))

    set_limits(database, gateway.run_id, max_num_concurrent_units=100)
    first = out(operator, gateway.run_id)
    operator.turn()

    assert (first, out(operator, gateway.run_id)) == (600, 100)
    GatewayWorker(gateway, "x").work()
    assert out(operator, gateway.run_id) == 100


def test_a_window_is_put_on_under_workers_who_come_and_go(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(rows(40))
    done = queue.Queue[Seen]()

    def work(name: str) -> None:
        while (page := GatewayWorker(gateway, name).work()).refusal is None:
            done.put(page)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for window in (3, 0, 2, 5):
        set_limits(database, gateway.run_id, max_num_concurrent_units=window)
    for thread in threads:
        thread.join()
    operator.turn()
    left = units(operator, gateway.run_id)

    assert left["completed"] == done.qsize()
    assert out(operator, gateway.run_id) == min(5, 40 - left["completed"])
    _work_off(gateway)
    assert units(operator, gateway.run_id) == {"completed": 40}


def _work_off(gateway: Gateway) -> None:
    """Do all that is left, by workers who have done nothing before."""
    for n in range(gateway.run_id, gateway.run_id + 20):
        worker = GatewayWorker(gateway, f"fresh {n}")
        while worker.work().refusal is None:
            pass  # the next one
