"""Operators with an observer, and without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from famulus import (
    Launched,
    LaunchRequest,
    Operator,
    OperatorObserver,
    UnavailableError,
    UsageError,
)
from famulus.testing.inprocess import kit_plugins, rows_configuration
from famulus.testing.kinds import RowsState

ROWS = [{"n": 1}, {"n": 2}]


class Recorder(OperatorObserver):
    """Notes each call; launches under another name."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def launch(
        self,
        operator: Operator,
        request: LaunchRequest,
        proceed: Callable[[LaunchRequest], Launched],
    ) -> Launched:
        launched = proceed(evolve(request, overrides=["task.task_name=renamed"]))
        self.calls.append(("launch", launched.task_name))
        return launched

    def finishing(self, run: int, expired: int) -> None:
        self.calls.append(("finishing", expired))

    def leaving(self, operator: Operator, runs: Sequence[int]) -> None:
        self.calls.append(("leaving", list(runs)))

    def closed(
        self, operator: Operator, runs: Sequence[int], problem: UnavailableError | None
    ) -> None:
        self.calls.append(("closed", list(runs), problem))


def test_observer_surrounds_a_launch_and_is_called_for_steps_and_the_end(tmp_path: Path) -> None:
    observer = Recorder()

    with Operator(tmp_path / "famulus.db", plugins=kit_plugins(), observer=observer) as operator:
        for _ in range(2):
            run = operator.launch(rows_configuration(), shared_state=RowsState(rows=ROWS)).run_id
        while operator.progress(1).total < len(ROWS):
            pass  # The rest of the rows is still being loaded.
        operator.finish(1)

    assert observer.calls[:2] == [("launch", "renamed")] * 2
    assert sum(each[1] for each in observer.calls if each[0] == "finishing") == len(ROWS)
    assert observer.calls[-2:] == [("leaving", [run]), ("closed", [1, run], None)]


def test_a_block_that_ends_with_an_error_is_not_left_early(tmp_path: Path) -> None:
    observer = Recorder()
    operator = Operator(tmp_path / "famulus.db", plugins=kit_plugins(), observer=observer)

    operator.launch(rows_configuration(), shared_state=RowsState(rows=ROWS))

    with pytest.raises(UsageError), operator:
        raise UsageError("the program's own")

    assert [each[0] for each in observer.calls] == ["launch", "closed"]


class StandIn(OperatorObserver):
    """Launches nothing: returns run 1."""

    def launch(
        self,
        operator: Operator,
        request: LaunchRequest,
        proceed: Callable[[LaunchRequest], Launched],
    ) -> Launched:
        return Launched(run_id=1, task_name="t", url="", entrances=[])


def test_a_run_that_an_observer_returns_without_a_launch_is_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "famulus.db"
    with Operator(file, plugins=kit_plugins()) as operator:
        operator.launch(rows_configuration(), shared_state=RowsState(rows=ROWS))

    with Operator(file, plugins=kit_plugins(), observer=StandIn()) as operator:
        launched = operator.launch(rows_configuration())

        assert operator.wait(launched).id == 1
        assert [look.run_id for look in operator.watch(launched)] == [1]
        assert not operator.holds(launched)
