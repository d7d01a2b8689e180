"""The examples of docs/how-to/review.md work as they are written there."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus.data.scope import find_scope
from famulus.model.database import Database
from famulus.model.states import Decision
from famulus.model.tables import UnitTable
from famulus.review.decision_file import read_decisions
from famulus.review.review_session import ReviewSession
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

PAGE = Path(__file__).parents[2] / "docs/how-to/review.md"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Fifteen units that are done."""
    path = tmp_path / "f.db"
    monkeypatch.setenv("FAMULUS_DATABASE", str(path))
    with Database(path) as database:
        operator = ManualOperator(database, plugins=kit_plugins())
        with operator:
            gateway = operator.launch_rows([{"n": n} for n in range(15)], task_name="words")
            for _ in range(15):
                GatewayWorker(gateway, "x").work()
        yield database


@pytest.mark.usefixtures("database")
def test_program_shows_units_its_own_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("e 1\nwords\n"))

    exec(compile(block("python"), "review.md", "exec"), {})

    assert "x: {'n': 14} -> {" in capsys.readouterr().out


def test_file_is_one_that_can_be_applied(database: Database, tmp_path: Path) -> None:
    with database.read() as tx:
        assert tx.rows(UnitTable.select(UnitTable.id).where(UnitTable.id << [12, 13, 14]))
    file = tmp_path / "decisions.csv"
    file.write_text(block("csv"))
    scope = find_scope(database, "words")

    rows = read_decisions(
        ReviewSession(database=database, plugins=kit_plugins(), scope=scope), file
    )

    assert [row.decision for row in rows] == [
        Decision.ACCEPTED,
        Decision.SOFT_REJECTED,
        Decision.REJECTED,
    ]
