"""The examples of docs/how-to/review.md work as they are written there."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from famulus.contracts.provider_views import Capabilities, PartialBounds
from famulus.data.scope import find_scope
from famulus.model.database import Database
from famulus.model.states import Decision
from famulus.model.tables import UnitTable
from famulus.review.decision_file import read_decisions
from famulus.review.review_session import ReviewSession
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import CrowdProvider

EVERYTHING = Capabilities(
    partial_approvals=PartialBounds(smallest=Decimal("0.01"), largest=Decimal("0.99")),
    requests_return=True,
    rejection_categories={"NO_DATA": "Nothing is answered."},
)
PAGE = Path(__file__).parents[2] / "docs/how-to/review.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Fifteen units that are done."""
    path = tmp_path / "f.db"
    monkeypatch.setenv("FAMULUS_DATABASE", str(path))
    with Database(path) as database:
        operator = ManualOperator(database, plugins=kit_plugins())
        with operator:
            rows = [{"n": n} for n in range(15)]
            gateway = operator.launch_rows(rows, task_name="words", task_reward="1.00")
            for _ in range(15):
                GatewayWorker(gateway, "x").work()
        yield database


@pytest.mark.usefixtures("database")
def test_program_shows_units_its_own_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("e 1\nwords\n"))

    (program,) = blocks("python")
    exec(compile(program, "review.md", "exec"), {})

    assert "x: {'n': 14} -> {" in capsys.readouterr().out


def test_files_are_ones_that_can_be_applied(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.read() as tx:
        assert tx.rows(UnitTable.select(UnitTable.id).where(UnitTable.id << [12, 13, 14]))
    file = tmp_path / "decisions.csv"
    scope = find_scope(database, "words")
    session = ReviewSession(database=database, plugins=kit_plugins(), scope=scope)

    decisions = []
    for text, capabilities in zip(blocks("csv"), (Capabilities(), EVERYTHING), strict=True):
        monkeypatch.setattr(CrowdProvider, "capabilities", capabilities)
        file.write_text(text)
        decisions.append([row.choice.decision for row in read_decisions(session, file)])

    assert decisions == [
        [Decision.ACCEPTED, Decision.SOFT_REJECTED, Decision.REJECTED],
        [Decision.ACCEPTED, Decision.REJECTED, Decision.RETURN_REQUESTED],
    ]
