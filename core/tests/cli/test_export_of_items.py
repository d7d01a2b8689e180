"""An export with a record for each item of a unit."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from famulus.data.item_records import records_of_items
from famulus.model.database import Database
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins


def items(inputs: Any, outputs: Any) -> list[tuple[Any, Any, Any]]:
    record = {"unit": 7, "inputs": inputs, "outputs": outputs, "files": []}
    found = list(records_of_items([record], "items"))
    assert all(each["unit"] == 7 for each in found)
    return [(each["item"], each["inputs"], each["outputs"]) for each in found]


def test_each_item_has_its_row_its_answers_and_those_to_the_whole() -> None:
    found = items(
        {"items": [{"text": "a"}, {"text": "b"}], "page": 1},
        {"items": [{"mood": 1}, {"mood": None}], "note": "n", "mood": "whole"},
    )

    assert found == [
        (0, {"page": 1, "text": "a"}, {"note": "n", "mood": 1}),
        (1, {"page": 1, "text": "b"}, {"note": "n", "mood": None}),
    ]


@pytest.mark.parametrize(
    ("inputs", "outputs", "found"),
    [
        ({"a": 1}, {"b": 2}, [(None, {"a": 1}, {"b": 2})]),
        ({"items": []}, None, [(None, {"items": []}, None)]),
        ({"items": "x"}, ["y"], [(None, {"items": "x"}, ["y"])]),
        ({"items": [1, 2]}, {"b": 2}, [(0, {"items": 1}, {"b": 2}), (1, {"items": 2}, {"b": 2})]),
        (
            {"items": [{"a": 1}, {"a": 2}]},
            {"items": [{"b": 1}]},
            [(0, {"a": 1}, {"b": 1}), (1, {"a": 2}, {})],
        ),
    ],
)
def test_what_has_no_such_list_or_a_shorter_one_is_exported_too(
    inputs: Any, outputs: Any, found: list[tuple[Any, Any, Any]]
) -> None:
    assert items(inputs, outputs) == found


def test_a_table_has_a_row_for_each_item(
    famulus: Callable[..., Result], database_file: Path, tmp_path: Path
) -> None:
    rows = [{"items": [{"text": "a"}, {"text": "b"}]}, {"items": [{"text": "c"}]}]
    with Database(database_file) as database, ManualOperator(database, plugins=kit_plugins()) as op:
        gateway = op.launch_rows(rows, task_name="words")
        for number in range(2):
            GatewayWorker(gateway, f"w{number}").work()

    for target in ("a.csv", "a.jsonl"):
        famulus("export", "words", "-o", tmp_path / target, "--each", "items")

    with (tmp_path / "a.csv").open(newline="") as file:
        table = [(row["item"], row["input.text"]) for row in csv.DictReader(file)]
    assert table == [("0", "a"), ("1", "b"), ("0", "c")]
    lines = map(json.loads, (tmp_path / "a.jsonl").read_text().splitlines())
    assert [(line["item"], line["inputs"]["text"]) for line in lines] == [
        (0, "a"),
        (1, "b"),
        (0, "c"),
    ]
