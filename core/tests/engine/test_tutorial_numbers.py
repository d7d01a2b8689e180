"""The tutorial's numbers, on both databases."""

from __future__ import annotations

from famulus.testing.inprocess import GatewayWorker, ManualOperator

ROWS = [{"n": 1}, {"n": 2}]


def test_two_workers_do_two_units_each_and_the_run_finishes(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS, blueprint={"units_per_assignment": 2})
    x, y = GatewayWorker(gateway, "x"), GatewayWorker(gateway, "y")

    stored = [worker.work().status for worker in (x, x, y, y)]
    operator.turn()

    assert stored == [200] * 4
    assert operator.progress(gateway.run_id).status == "finished"
