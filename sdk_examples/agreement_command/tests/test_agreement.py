from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from famulus.testing import GatewayTransport, ScriptedWorker, run_command
from famulus_agreement.command import agreement, measure

ROWS = [{"n": 1}, {"n": 2}]


def record(assignment: int, outputs: object, *, counts: bool = True) -> dict[str, Any]:
    return {"assignment": assignment, "outputs": outputs, "counts": counts}


def test_each_two_answers_to_one_assignment_are_a_pair() -> None:
    records = [
        record(1, {"a": "x", "b": ["1", "2"]}),
        record(1, {"a": "x", "b": ["1"]}),
        record(1, {"a": "y"}),
        record(1, {"a": "x"}, counts=False),
        record(2, {"a": "x"}),
        record(2, "no fields"),
    ]

    found = measure(records)

    assert {name: (each.pairs, each.equal) for name, each in found.items()} == {
        "a": (3, 1),
        "b": (1, 0),
    }


@pytest.fixture
def answered(operator: Any, database_address: str) -> str:
    """The address of a database with the task ``words``, which two workers have done."""
    gateway = operator.launch_rows(ROWS, task_name="words", blueprint={"units_per_assignment": 2})
    for name in ("x", "y"):
        worker = ScriptedWorker(GatewayTransport(gateway), name)
        assert [answer.outcome for answer in worker.submit_all(len(ROWS))] == ["stored", "stored"]
    return database_address


def test_command_prints_a_table(answered: str) -> None:
    done = run_command(agreement, "words", database=answered)

    assert done.exit_code == 0, done.output
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["FIELD", "PAIRS", "EQUAL"],
        ["answer", "2", "100%"],
    ]


def test_command_prints_json(answered: str) -> None:
    done = run_command(agreement, "words", "--json", database=answered)

    assert json.loads(done.stdout) == [{"field": "answer", "pairs": 2, "share": 1.0}]


def test_unknown_field_is_one_line_and_status_2(answered: str) -> None:
    done = run_command(agreement, "words", "--field", "anwser", database=answered)

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "famulus: error: no two workers have answered 'anwser'; fields: answer\n"
    )


def test_missing_database_is_named(tmp_path: Path) -> None:
    done = run_command(agreement, "words", database=tmp_path / "none.db")

    assert done.exit_code == 2
    assert "there is no database at" in done.stderr
