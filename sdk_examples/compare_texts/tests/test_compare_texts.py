from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import famulus
from famulus.testing import BlueprintConformance, ServedRun
from famulus_compare_texts import SharedCompareTextsState
from famulus_compare_texts.blueprint import CompareTexts, first_side
from famulus_compare_texts.pairs import file_problems

Launch = Callable[..., ServedRun]

PAIRS = [{"a": f"one {n}", "b": f"two {n}", "context": "ctx"} for n in range(3)]


def write_pairs(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


class TestCompareTexts(BlueprintConformance):
    blueprint = CompareTexts

    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return {"pairs": write_pairs(tmp_path / "pairs.jsonl", PAIRS), "reason": "required"}

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        lacking = write_pairs(tmp_path / "lacking.jsonl", [*PAIRS, {"a": "alone"}])
        return {
            "no pairs": {},
            "no such file": {"pairs": tmp_path / "none.jsonl"},
            "a pair without its second text": {"pairs": lacking},
        }

    def big_configuration(self, tmp_path: Path, rows: int) -> dict[str, Any]:
        return {"pairs": write_pairs(tmp_path / "big.jsonl", PAIRS[:1] * rows)}


class TestPairsFromPython(TestCompareTexts):
    def configuration(self, tmp_path: Path) -> dict[str, Any]:
        return {}

    def broken_configurations(self, tmp_path: Path) -> dict[str, dict[str, Any]]:
        pairs = write_pairs(tmp_path / "pairs.jsonl", PAIRS)
        return {"pairs in two places": {"pairs": pairs}}

    def big_configuration(self, tmp_path: Path, rows: int) -> Any:
        return None

    def shared_state(self) -> SharedCompareTextsState:
        return SharedCompareTextsState(pairs=(dict(pair) for pair in PAIRS))


def test_two_workers_of_a_pair_see_it_both_ways_round() -> None:
    units = [
        famulus.UnitView(id=n, assignment_id=n // 2, index=n % 2, data=PAIRS[0]) for n in range(40)
    ]

    sides = [first_side(unit) for unit in units]

    assert all({sides[n], sides[n + 1]} == {"a", "b"} for n in range(0, 40, 2))
    assert {"a", "b"} == set(sides[::2])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pairs.csv", "a,b\none,two\nalone,\n"),
        ("pairs.csv", "a,b\none,two\none,two,three\n"),
        ("pairs.jsonl", '{"a": "1", "b": "2"}\n\n'),
        ("pairs.jsonl", '{"a": "1", "b": "2"}\n{"a": "1", "b": "2", "n": NaN}\n'),
        ("pairs.jsonl", '{"a": "1", "b": "2"}\n{"a": "1", "b": "\\ud800"}\n'),
    ],
)
def test_pair_that_is_none_is_named_with_its_line(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)

    [problem] = file_problems(path)

    assert problem.file == path
    assert problem.line == text.count("\n")


def test_answers_record_which_text_was_first(tmp_path: Path, launched_run: Launch) -> None:
    pairs = write_pairs(tmp_path / "pairs.jsonl", PAIRS)
    run = launched_run(
        {
            "defaults": [{"blueprint": "compare_texts"}],
            "blueprint": {"pairs": str(pairs)},
            "task": {"task_title": "T", "task_description": "D", "task_reward": "0.10"},
        }
    )

    for number in range(2):
        run.worker(f"worker-{number}").submit_all()

    chosen = [(record["outputs"]["first"], record["outputs"]["better"]) for record in run.records()]
    assert len(chosen) == 6
    assert all(first == better for first, better in chosen)
