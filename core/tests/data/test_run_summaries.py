"""The list of runs, on both databases."""

from __future__ import annotations

import os
from pathlib import Path

from famulus.data.run_summaries import list_runs
from famulus.model.database import Database
from famulus.model.states import RunStatus, UnitStatus
from famulus.operate import lease
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock


def test_newest_run_comes_first_with_its_units(
    operator: ManualOperator, database: Database
) -> None:
    operator.launch_rows([{"n": 1}], task_name="old")
    gateway = operator.launch_rows([{"n": 1}, {"n": 2}], task_name="new")
    GatewayWorker(gateway, "x").work()

    new, old = list_runs(database)

    assert (new.record.task_name, old.record.task_name) == ("new", "old")
    assert new.units == {UnitStatus.LAUNCHED: 1, UnitStatus.COMPLETED: 1}
    assert (new.done, new.total) == (1, 2)
    assert (old.done, old.total) == (0, 1)


def test_run_has_its_operator_until_the_lease_expires(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    operator.launch_rows([{"n": 1}])

    (before,) = list_runs(database)
    clock.advance(lease.LEASE_SECONDS + 1)
    (after,) = list_runs(database)

    assert before.record.status is after.record.status is RunStatus.RUNNING
    assert before.operated_by is not None
    assert before.operated_by.startswith(f"process {os.getpid()} on ")
    assert after.operated_by is None


def test_missing_database_has_no_runs_and_is_not_created(tmp_path: Path) -> None:
    with Database(tmp_path / "none.db") as database:
        assert list_runs(database) == []

    assert list(tmp_path.iterdir()) == []
