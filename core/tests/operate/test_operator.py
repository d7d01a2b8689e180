"""The API of run scripts, in other programs: nothing is printed, asked or caught."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus.engine.runs import find_run
from famulus.errors import ConflictError
from famulus.model.database import Database
from famulus.model.states import RunStatus
from famulus.operate.operator import Operator
from famulus.testing.inprocess import kit_plugins, rows_configuration
from famulus.testing.kinds import RowsState


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database on the machine's clock."""
    with Database(tmp_path / "famulus.db") as opened:
        yield opened


def test_waiting_logs_lines_until_the_runs_are_over_and_closes_the_operator(
    database: Database, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO, logger="famulus")
    configuration = rows_configuration(no_submission_patience=1)
    operator = Operator(database, plugins=kit_plugins())

    runs = [operator.launch_task_run(configuration, RowsState(rows=[{"n": 1}])) for _ in range(2)]
    operator.wait_for_runs_then_shutdown(skip_input=True, log_rate=0.2)

    assert [find_run(database, run).status for run in runs] == [RunStatus.FINISHED] * 2
    assert f"run {runs[0]}: 0 of 1 units done, 0 at work" in caplog.messages
    assert capsys.readouterr() == ("", "")
    with pytest.raises(ConflictError, match="this operator is closed"):
        operator.launch_task_run(configuration, RowsState(rows=[{"n": 1}]))


def test_waiting_for_nothing_returns(database: Database) -> None:
    Operator(database, plugins=kit_plugins()).wait_for_runs_then_shutdown()
