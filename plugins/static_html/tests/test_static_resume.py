"""Runs that were launched by earlier versions are resumed with their rows."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

import famulus
from famulus.model.fields import dump_json
from famulus.model.states import LoadingStatus
from famulus.model.tables import AssignmentTable, TaskRunTable
from famulus.operate.loading import Loader
from famulus.testing.inprocess import ManualOperator

ROWS = 700


def _configuration(folder: Path) -> dict[str, Any]:
    page, data = folder / "task.html", folder / "data.csv"
    page.write_text("<p>${text}</p><input name=a>")
    data.write_text("HITId,Input.text\n" + "".join(f"h{n},text {n}\n" for n in range(ROWS)))
    return {
        "defaults": [{"blueprint": "static_task"}, {"architect": "local"}, {"provider": "mock"}],
        "blueprint": {"task_source": str(page), "data_csv": str(data)},
        "architect": {"port": 0},
        "task": {
            "task_name": "results",
            "task_title": "T",
            "task_description": "D",
            "task_reward": "0.10",
        },
    }


def _data(operator: ManualOperator) -> list[Any]:
    query = AssignmentTable.select(AssignmentTable.data).order_by(AssignmentTable.number)
    with operator.database.read() as tx:
        return [row.data for row in tx.rows(query)]


def _with_both_names(row: dict[str, str]) -> dict[str, str]:
    return {"text": row["Input.text"], **row}


def _store_both_names(operator: ManualOperator, run: int) -> None:
    """Store the rows as the version did in which a column had both names."""
    rows = [_with_both_names(row) for row in _data(operator)]
    digest = hashlib.sha256("".join(f"{dump_json(row)}\n" for row in rows).encode())

    def store(tx: Any) -> None:
        for number, row in enumerate(rows):
            query = AssignmentTable.update(data=row).where(AssignmentTable.number == number)
            tx.execute(query)
        hashed = TaskRunTable.update(source_hash=digest.hexdigest())
        tx.execute(hashed.where(TaskRunTable.id == run))

    operator.database.write(store)


@pytest.fixture
def earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """A run that an earlier version was stopped in while it loaded the rows."""
    with ManualOperator(tmp_path / "famulus.db") as operator:
        with monkeypatch.context() as patch:
            patch.setattr(Loader, "load_rest", lambda *_: None)
            run = operator.launch(_configuration(tmp_path)).run_id
        assert 0 < len(_data(operator)) < ROWS
        _store_both_names(operator, run)
    return run


def test_a_launch_that_stored_columns_of_results_under_both_names_is_resumed(
    earlier: int, tmp_path: Path
) -> None:
    with ManualOperator(tmp_path / "famulus.db") as operator:
        operator.load_all(operator.resume(earlier))

        assert operator.progress(earlier).loading is LoadingStatus.COMPLETE
        expected = [{"HITId": f"h{n}", "Input.text": f"text {n}"} for n in range(ROWS)]
        assert _data(operator) == [_with_both_names(row) for row in expected]


def test_other_data_than_an_earlier_version_stored_are_refused(
    earlier: int, tmp_path: Path
) -> None:
    data = tmp_path / "data.csv"
    data.write_text(data.read_text().replace("text 3\n", "text three\n"))

    with (
        ManualOperator(tmp_path / "famulus.db") as operator,
        pytest.raises(famulus.UsageError, match="are not those that run"),
    ):
        operator.resume(earlier)
