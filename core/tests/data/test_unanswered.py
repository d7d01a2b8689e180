"""A submission without any answer is flagged wherever its run or its answers are shown."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from famulus.cli.commands.status import report_json, report_lines
from famulus.cli.session import Session
from famulus.contracts.views import FormFile
from famulus.data.export import export_records
from famulus.data.newest_units import newest_units
from famulus.data.scope import find_scope
from famulus.engine.answers import count_unanswered
from famulus.engine.gateway import Gateway
from famulus.engine.submitted_answers import holds_answer
from famulus.model.database import Database
from famulus.model.migrations import read_migration
from famulus.model.tables import AgentTable
from famulus.operate.run_report import read_report
from famulus.review.unit_page import UnitPages
from famulus.review.unit_text import BlueprintFormatter, ScriptFormatter, unit_text
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.kinds import RowsBlueprint

EMPTY: list[Any] = [
    *({}, [], "", None, {"a": ""}, {"a": " \n", "b": [], "c": [""], "d": None}),
    *("\u200b", ["\u3164\ufe0f", "\u2800"]),
]
ANSWERED: list[Any] = ["x", 0, False, {"a": "", "b": "x"}, {"a": [{"b": [0]}]}]


@pytest.mark.parametrize("answers", EMPTY)
def test_blanks_are_no_answer(answers: Any) -> None:
    assert not holds_answer(answers)


@pytest.mark.parametrize("answers", ANSWERED)
def test_any_value_is_an_answer(answers: Any) -> None:
    assert holds_answer(answers)


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return operator.launch_rows([{"n": n} for n in range(3)], task_name="words")


def _unanswered(database: Database, gateway: Gateway) -> int:
    with database.read() as tx:
        return count_unanswered(tx, gateway.run_id)


def test_a_submission_without_an_answer_is_flagged_everywhere(
    gateway: Gateway, database: Database
) -> None:
    GatewayWorker(gateway, "x").work("an answer")
    GatewayWorker(gateway, "y").work("")

    report = read_report(database, gateway.run_id)
    lines = [*report_lines(report, Session(None, address_typed=False, verbose=False))]
    [of_x, of_y] = export_records(database, task="words")
    units = {unit.worker: unit for unit in newest_units(database, find_scope(database, "words"))}
    by_blueprint = BlueprintFormatter(database, kit_plugins())
    in_browser = UnitPages(database, kit_plugins())
    by_function = ScriptFormatter(database, lambda unit: f"unit {unit['unit_id']}")

    assert any("1 submission without any answer" in line for line in lines)
    assert report_json(report)["unanswered"] == 1
    assert (of_x["unanswered"], of_y["unanswered"]) == (False, True)
    assert "Status: completed, without any answer" in unit_text(by_blueprint, units["y"])
    assert "without" not in unit_text(by_blueprint, units["x"])
    assert "<dd>completed, without any answer</dd>" in in_browser(units["y"])
    assert "without any" not in in_browser(units["x"])
    assert "contains no answer" in unit_text(by_function, units["y"])
    assert "contains no answer" not in unit_text(by_function, units["x"])


def test_a_file_is_an_answer(gateway: Gateway, database: Database) -> None:
    received = gateway.upload_folder / "received"
    received.write_bytes(b"bytes")
    file = FormFile(
        field="picture", filename="cat.png", content_type="image/png", size=5,
        sha256=hashlib.sha256(b"bytes").hexdigest(), path=received,
    )  # fmt: skip
    worker = GatewayWorker(gateway, "x")
    worker.submit(worker.arrive(), "", files=[file])

    [record] = export_records(database, task="words")

    assert (record["unanswered"], _unanswered(database, gateway)) == (False, 0)


def test_an_onboarding_without_answers_is_none_of_them(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(
        [{"n": 1}], task_name="words", blueprint={"onboarding_qualification": "q"}
    )
    worker = GatewayWorker(gateway, "x")
    worker.submit(worker.arrive(), "")

    assert _unanswered(database, gateway) == 0


def test_answers_stored_before_are_flagged_by_the_upgrade(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RowsBlueprint, "read_answers", lambda *_: {})
    GatewayWorker(gateway, "x").work()
    database.write(lambda tx: tx.execute(AgentTable.update({AgentTable.unanswered: False})))

    step = read_migration(6)
    *_, update = step.postgresql if database.location.path is None else step.sqlite
    database.write(lambda tx: tx.sql(update))

    assert _unanswered(database, gateway) == 1
