"""How many units a worker may have, and how many are open at once."""

from __future__ import annotations

from typing import Any

import pytest

from famulus.model.database import Database
from famulus.model.states import UnitStatus
from famulus.model.tables import TaskRunTable
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock


def rows(count: int) -> list[dict[str, int]]:
    return [{"n": n} for n in range(count)]


def edit(database: Database, run: int, **limits: Any) -> None:
    query = TaskRunTable.update(**limits).where(TaskRunTable.id == run)
    database.write(lambda tx: tx.execute(query))


def test_the_maximum_counts_over_runs_of_one_task_name(operator: ManualOperator) -> None:
    one = operator.launch_rows(rows(9), task_name="same", maximum_units_per_worker=3)
    two = operator.launch_rows(rows(9), task_name="same", maximum_units_per_worker=3)
    other = operator.launch_rows(rows(9), task_name="other", maximum_units_per_worker=3)
    for gateway in (one, one, two):
        assert GatewayWorker(gateway, "x").work().status == 200

    assert GatewayWorker(one, "x").arrive().refusal == "maximum_reached"
    assert GatewayWorker(two, "x").arrive("z").refusal == "maximum_reached"
    assert GatewayWorker(other, "x").arrive().row is not None
    assert GatewayWorker(one, "y").arrive().row is not None


def test_open_units_in_another_run_count_towards_the_maximum(operator: ManualOperator) -> None:
    options: dict[str, Any] = {"task_name": "same", "maximum_units_per_worker": 1}
    one, two = operator.launch_rows(rows(2), **options), operator.launch_rows(rows(2), **options)
    page = GatewayWorker(one, "x").arrive()

    assert GatewayWorker(two, "x").arrive("a").refusal == "maximum_reached"
    GatewayWorker(one, "x").give_back(page)
    assert GatewayWorker(two, "x").arrive("b").row == {"n": 0}


def test_units_that_came_to_nothing_do_not_count(
    operator: ManualOperator, clock: MovableClock
) -> None:
    options: dict[str, Any] = {"task_name": "same", "maximum_units_per_worker": 1}
    one, two = operator.launch_rows(rows(3), **options), operator.launch_rows(rows(3), **options)
    worker = GatewayWorker(one, "x")
    worker.give_back(worker.arrive())
    worker.arrive()
    clock.advance(1800)
    operator.turn()
    worker.arrive()
    operator.finish(one.run_id)

    assert GatewayWorker(two, "x").arrive("new").row == {"n": 0}


def test_late_answers_count(operator: ManualOperator, clock: MovableClock) -> None:
    gateway = operator.launch_rows(rows(3), maximum_units_per_worker=1)
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    clock.advance(1800)
    operator.turn()
    worker.submit(page)

    assert worker.arrive().refusal == "maximum_reached"


def test_a_place_is_free_again_after_each_way_out(
    operator: ManualOperator, clock: MovableClock
) -> None:
    worker = GatewayWorker(operator.launch_rows(rows(9), allowed_concurrent=1), "x")

    worker.submit(worker.arrive())
    worker.give_back(worker.arrive())
    worker.arrive()
    clock.advance(1800)
    operator.turn()

    assert worker.arrive("last").row is not None
    assert worker.arrive().refusal == "too_many_open"


def test_limits_can_be_edited_while_the_run_goes_on(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = operator.launch_rows(rows(9), allowed_concurrent=1, maximum_units_per_worker=2)
    worker = GatewayWorker(gateway, "x")
    worker.arrive()
    assert worker.arrive().refusal == "too_many_open"

    edit(database, gateway.run_id, allowed_concurrent=5)
    worker.arrive()
    assert worker.arrive().refusal == "maximum_reached"

    edit(database, gateway.run_id, maximum_units_per_worker=0, assignment_duration_in_seconds=10)
    worker.arrive("short")
    clock.advance(10)
    operator.turn()
    assert worker.arrive("short").refusal == "time_over"


def out(operator: ManualOperator, run: int) -> int:
    units = operator.progress(run).units
    return units.get(UnitStatus.LAUNCHED, 0) + units.get(UnitStatus.ASSIGNED, 0)


def test_no_more_units_are_out_than_the_window_has_room_for(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(
        rows(7), max_num_concurrent_units=3, blueprint={"units_per_assignment": 2}
    )
    seen: list[int] = [out(operator, gateway.run_id)]

    for name in "abcdefg":
        worker = GatewayWorker(gateway, name)
        while (page := worker.arrive()).has_form:
            seen.append(out(operator, gateway.run_id))
            worker.submit(page)
            seen.append(out(operator, gateway.run_id))
    operator.turn()

    assert max(seen) == 3
    assert operator.progress(gateway.run_id).units == {UnitStatus.COMPLETED: 14}
    assert operator.progress(gateway.run_id).status == "finished"


def test_a_window_is_kept_through_returns_timeouts_and_late_answers(
    operator: ManualOperator, clock: MovableClock
) -> None:
    gateway = operator.launch_rows(rows(12), max_num_concurrent_units=2)
    late = []
    for n in range(6):
        worker = GatewayWorker(gateway, f"w{n}")
        page = worker.arrive()
        assert out(operator, gateway.run_id) == 2
        if n % 3 == 0:
            worker.give_back(page)
        elif n % 3 == 1:
            late.append((worker, page))
            clock.advance(1800)
            operator.turn()
        else:
            worker.submit(page)
        assert out(operator, gateway.run_id) == 2
    for worker, page in late:
        worker.submit(page)
        assert out(operator, gateway.run_id) <= 2

    rest = GatewayWorker(gateway, "rest")
    while (page := rest.arrive()).has_form:
        rest.submit(page)
        assert out(operator, gateway.run_id) <= 2
    operator.turn()

    assert operator.progress(gateway.run_id).units == {UnitStatus.COMPLETED: 12}


def test_finishing_expires_what_still_waits_for_the_window(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(rows(5), max_num_concurrent_units=1)
    GatewayWorker(gateway, "x").work()

    operator.finish(gateway.run_id)

    assert operator.progress(gateway.run_id).units == {
        UnitStatus.COMPLETED: 1,
        UnitStatus.EXPIRED: 4,
    }


@pytest.mark.parametrize("window", [0, 600])
def test_a_window_that_is_edited_wider_lets_everything_out_in_time(
    operator: ManualOperator, database: Database, window: int
) -> None:
    gateway = operator.launch_rows(rows(520), max_num_concurrent_units=1)
    edit(database, gateway.run_id, max_num_concurrent_units=window)

    operator.turn()
    operator.turn()

    assert out(operator, gateway.run_id) == 520


def test_a_window_that_is_edited_narrower_is_kept_from_then_on(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(rows(9), max_num_concurrent_units=4)
    edit(database, gateway.run_id, max_num_concurrent_units=2)
    worker = GatewayWorker(gateway, "x")

    left = []
    for _ in range(5):
        worker.work()
        left.append(out(operator, gateway.run_id))

    assert left == [3, 2, 2, 2, 2]


def test_a_worker_has_one_open_unit_by_default_where_visits_are_unlimited(
    operator: ManualOperator,
) -> None:
    unset = operator.launch_rows(rows(3), allowed_concurrent=None)
    unlimited = operator.launch_rows(rows(3), allowed_concurrent=0)

    for gateway, second in ((unset, "too_many_open"), (unlimited, None)):
        worker = GatewayWorker(gateway, "x")
        page = worker.arrive("a")
        assert worker.arrive("b").refusal == second
        assert worker.arrive("a").row == page.row
        worker.submit(page)
        assert worker.arrive("b").row is not None


def test_unless_set_the_places_of_a_platform_are_the_limit(database: Database) -> None:
    platform = FakePlatform()
    plugins = kit_plugins(platform=PlatformPlugin(platform.provider("selling", sells_places=True)))
    with ManualOperator(database, plugins=plugins) as operator:
        gateway = operator.launch_rows(rows(3), provider="selling", allowed_concurrent=None)

        assert GatewayWorker(gateway, "x").arrive("a").row is not None
        assert GatewayWorker(gateway, "x").arrive("b").row is not None
