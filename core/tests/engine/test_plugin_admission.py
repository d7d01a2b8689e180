"""``worker_can_do_unit`` decides, and is asked no more often than it has to be."""

from __future__ import annotations

import pytest

from famulus.contracts.views import UnitView, WorkerView
from famulus.testing.inprocess import GatewayWorker, ManualOperator


def rows(count: int) -> list[dict[str, int]]:
    return [{"n": n} for n in range(count)]


class Asked:
    """A predicate that counts its calls, and accepts some rows."""

    def __init__(self, *allowed: int) -> None:
        self.allowed = allowed
        self.rows: list[int] = []

    def __call__(self, worker: WorkerView, unit: UnitView) -> bool:
        self.rows.append(unit.data["n"])
        return unit.data["n"] in self.allowed


def test_only_units_it_agrees_to_are_given(operator: ManualOperator) -> None:
    asked = Asked(1, 3)
    worker = GatewayWorker(operator.launch_rows(rows(5), shared={"worker_can_do_unit": asked}), "x")

    assert worker.arrive().row == {"n": 1}
    assert worker.arrive().row == {"n": 3}
    assert worker.arrive().refusal == "nothing_left"


def test_units_come_in_their_order(operator: ManualOperator) -> None:
    asked = Asked(*range(120))
    worker = GatewayWorker(
        operator.launch_rows(rows(120), shared={"worker_can_do_unit": asked}), "x"
    )

    got = [worker.arrive().row for _ in range(120)]

    assert got == rows(120)
    assert worker.arrive().refusal == "all_done"


def test_no_unit_is_asked_about_twice_in_one_arrival(operator: ManualOperator) -> None:
    asked = Asked()
    worker = GatewayWorker(
        operator.launch_rows(rows(30), shared={"worker_can_do_unit": asked}), "x"
    )

    assert worker.arrive().refusal == "nothing_left"

    assert asked.rows == list(range(30))


def test_a_reload_asks_nothing(operator: ManualOperator) -> None:
    asked = Asked(0)
    worker = GatewayWorker(operator.launch_rows(rows(3), shared={"worker_can_do_unit": asked}), "x")
    worker.arrive("a")
    before = len(asked.rows)

    assert worker.arrive("a").row == {"n": 0}
    assert len(asked.rows) == before


def test_questions_are_bounded_and_a_unit_far_away_is_reached_in_the_end(
    operator: ManualOperator,
) -> None:
    asked = Asked(1203)
    worker = GatewayWorker(
        operator.launch_rows(rows(1300), shared={"worker_can_do_unit": asked}), "x"
    )
    questions, row, arrivals = 0, None, 0

    while row is None and arrivals < 10:
        row, arrivals = worker.arrive().row, arrivals + 1
        assert len(asked.rows) - questions <= 550
        questions = len(asked.rows)

    assert row == {"n": 1203}
    assert arrivals == 3


def test_a_unit_that_comes_back_is_asked_about_again(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(rows(3), shared={"worker_can_do_unit": Asked(1)})
    x, y = GatewayWorker(gateway, "x"), GatewayWorker(gateway, "y")
    page = x.arrive()
    assert y.arrive().refusal == "nothing_left"

    x.give_back(page)

    assert y.arrive().row == {"n": 1}


def test_a_predicate_that_fails_gives_nothing_out(
    operator: ManualOperator, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(worker: WorkerView, unit: UnitView) -> bool:
        raise ZeroDivisionError("on purpose")

    gateway = operator.launch_rows(rows(3), shared={"worker_can_do_unit": broken})

    reply = GatewayWorker(gateway, "x").arrive()

    assert reply.status == 500
    assert "on purpose" in caplog.text
    assert operator.progress(gateway.run_id).units == {"launched": 3}
