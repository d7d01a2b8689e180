"""Writing answers to files: the formats, and files that are whole or not there."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from famulus.cli.atomic_file import whole_file
from famulus.cli.export_formats import write_csv, write_jsonl, write_spreadsheet
from famulus.model.database import Database
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

RECORD: dict[str, Any] = {
    "run": 1,
    "task": "words",
    "unit": 1,
    "assignment": 1,
    "row": 0,
    "unit_index": 0,
    "unit_status": "completed",
    "agent": 1,
    "agent_status": "completed",
    "worker": "x",
    "provider": "mock",
    "started_at": "2030-01-01T12:00:00.000Z",
    "submitted_at": "2030-01-01T12:00:12.500Z",
    "language": "de",
    "duration_seconds": 12.5,
    "late": False,
    "unanswered": False,
    "counts": True,
    "clock_set_back": False,
    "review_decision": "accepted",
    "review_note": "",
    "review_amount": None,
    "review_category": None,
    "reviewed_at": "2030-01-01T13:00:00.000Z",
    "reward": "0.10",
    "reward_status": "confirmed",
    "bonus": None,
    "bonus_status": None,
    "currency": "USD",
    "inputs": {"text": 'two\nlines, "quoted"', "n": None},
    "outputs": {"rating": "bad", "colours": ["red", "blue"]},
    "files": [],
}


def as_csv(*records: dict[str, Any]) -> list[dict[str, str]]:
    stream = io.StringIO(newline="")
    write_csv(records, stream)
    stream.seek(0)
    return list(csv.DictReader(stream))


@pytest.fixture
def four_answers(database_file: Path) -> Iterator[None]:
    with Database(database_file) as database:
        operator = ManualOperator(database, plugins=kit_plugins())
        with operator:
            gateway = operator.launch_rows(
                [{"n": 1}, {"n": 2}], task_name="words", blueprint={"units_per_assignment": 2}
            )
            for name in ("x", "x", "y", "y"):
                GatewayWorker(gateway, name).work()
            yield


def test_csv_flattens_inputs_and_outputs(four_answers: None) -> None:
    (row,) = as_csv(RECORD)

    assert row["input.text"] == 'two\nlines, "quoted"'
    assert row["input.n"] == ""
    assert row["output.rating"] == "bad"
    assert json.loads(row["output.colours"]) == ["red", "blue"]
    assert (row["late"], row["counts"], row["duration_seconds"]) == ("false", "true", "12.5")
    assert list(row)[-1] == "files"


def test_csv_has_a_column_for_every_key_of_any_record() -> None:
    first, second = as_csv(RECORD, {**RECORD, "outputs": {"comment": "late key"}})

    assert list(first) == list(second)
    assert (first["output.comment"], second["output.comment"]) == ("", "late key")
    assert second["output.rating"] == ""


def test_csv_of_nothing_has_its_header() -> None:
    stream = io.StringIO(newline="")

    assert write_csv([], stream) == 0
    assert stream.getvalue().startswith("run,task,unit,")


def test_csv_takes_answers_that_are_no_object() -> None:
    (row,) = as_csv({**RECORD, "outputs": [1, 2]})

    assert row["output"] == "[1,2]"


def test_names_of_data_and_answers_do_not_mix() -> None:
    (row,) = as_csv({**RECORD, "inputs": {"worker": "a"}, "outputs": {"worker": "b"}})

    assert (row["worker"], row["input.worker"], row["output.worker"]) == ("x", "a", "b")


def test_values_are_written_as_they_are() -> None:
    (row,) = as_csv({**RECORD, "outputs": {"a": "=1+1"}})

    assert row["output.a"] == "=1+1"


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]


def test_a_spreadsheet_gets_no_formula_from_outside() -> None:
    outputs = {**{f"f{n}": text for n, text in enumerate(FORMULAS)}, "plain": "a=1", "n": -5}
    stream = io.StringIO(newline="")

    write_spreadsheet(
        [
            {
                **RECORD,
                "worker": "=x",
                "review_note": "=y",
                "inputs": {"q": "=z"},
                "outputs": outputs,
            }
        ],
        stream,
    )

    (row,) = csv.DictReader(io.StringIO(stream.getvalue(), newline=""))
    assert [row[f"output.f{n}"] for n in range(len(FORMULAS))] == [f"'{t}" for t in FORMULAS]
    assert (row["output.plain"], row["output.n"]) == ("a=1", "-5")
    assert (row["worker"], row["review_note"], row["input.q"]) == ("'=x", "'=y", "'=z")


def test_a_carriage_return_ends_no_row() -> None:
    (row,) = as_csv({**RECORD, "outputs": {"a": "x\ry", "b\r": "z"}})

    assert (row["output.a"], row["output.b\r"]) == ("x\ry", "z")


def test_made_up_names_become_one_column() -> None:
    made_up = {f"x{n}": "" for n in range(10_000)}
    everyday = [{**RECORD, "outputs": {"a": "1", "b": ["2"]}}] * 3

    rows = as_csv({**RECORD, "outputs": {**made_up, "b": "3"}}, *everyday)

    assert len([name for name in rows[0] if name.startswith("output.")]) == 300
    assert [(row["output.a"], row["output.b"]) for row in rows[1:]] == [("1", '["2"]')] * 3
    own = {
        name.removeprefix("output."): value
        for name, value in rows[0].items()
        if name.startswith("output.") and name != "output.a"
    }
    assert own | json.loads(rows[0]["other_outputs"]) == {**made_up, "b": "3"}
    assert rows[1]["other_outputs"] == ""
    assert list(rows[0])[-2:] == ["other_outputs", "files"]


def test_json_lines_are_the_records() -> None:
    stream = io.StringIO()

    assert write_jsonl([RECORD, RECORD], stream) == 2
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [RECORD, RECORD]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_jsonl_has_one_line_per_record_for_readers_with_other_line_ends(
    separator: str,
) -> None:
    stream = io.StringIO(newline="")
    record = {**RECORD, "outputs": {f"a{separator}": f"b{separator}c"}}

    write_jsonl([record, record], stream)

    lines = stream.getvalue().splitlines()
    assert [json.loads(line) for line in lines] == [record, record]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_half_a_surrogate_pair_stops_no_export(tmp_path: Path, name: str) -> None:
    broken = {**RECORD, "outputs": {"a": "\ud800"}}

    with whole_file(tmp_path / name) as stream:
        (write_csv if name.endswith("csv") else write_jsonl)([broken], stream)

    assert "\\ud800" in (tmp_path / name).read_text(encoding="utf-8")


def test_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "a.jsonl"
    target.write_text("before")

    def broken() -> Iterator[dict[str, Any]]:
        yield RECORD
        raise RuntimeError

    def export() -> None:
        with whole_file(target) as stream:
            write_jsonl(broken(), stream)

    with pytest.raises(RuntimeError):
        export()

    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("before")
    link = tmp_path / "link.txt"
    link.symlink_to("real.txt")

    with whole_file(link) as stream:
        stream.write("after")

    assert link.is_symlink()
    assert (tmp_path / "real.txt").read_text() == "after"


def test_device_is_written_to_and_not_replaced(
    famulus: Callable[..., Result], four_answers: None
) -> None:
    device = Path("/dev/null")

    done = famulus("export", "words", "--format", "csv", "-o", device)

    assert done.exit_code == 0
    assert stat.S_ISCHR(device.stat().st_mode)


@pytest.mark.parametrize("which", [["words"], ["--run", 1]])
def test_export_writes_one_record_per_submission(
    famulus: Callable[..., Result], four_answers: None, tmp_path: Path, which: list[object]
) -> None:
    target = tmp_path / "out.jsonl"

    done = famulus("export", *which, "-o", target)

    assert done.stderr == f"Wrote 4 records to {target}.\n"
    records = [json.loads(line) for line in target.read_text().splitlines()]
    assert sorted((each["worker"], each["row"]) for each in records) == [
        ("x", 0),
        ("x", 1),
        ("y", 0),
        ("y", 1),
    ]


def test_output_contains_only_the_records(
    famulus: Callable[..., Result], four_answers: None
) -> None:
    done = famulus("export", "words", "-o", "-", "--format", "csv")

    assert len(list(csv.DictReader(io.StringIO(done.stdout)))) == 4
    assert done.stderr == "Wrote 4 records.\n"


def test_only_a_table_can_be_for_a_spreadsheet(
    famulus: Callable[..., Result], four_answers: None, tmp_path: Path
) -> None:
    assert famulus("export", "words", "-o", tmp_path / "a.csv", "--spreadsheet").exit_code == 0
    refused = famulus("export", "words", "-o", tmp_path / "a.jsonl", "--spreadsheet")

    assert refused.exit_code == 2
    assert "is for CSV" in refused.stderr


def test_suffix_sets_the_format(
    famulus: Callable[..., Result], four_answers: None, tmp_path: Path
) -> None:
    famulus("export", "words", "-o", tmp_path / "a.csv")
    unclear = famulus("export", "words", "-o", tmp_path / "a.xlsx")

    assert (tmp_path / "a.csv").read_text().startswith("run,task,")
    assert unclear.exit_code == 2
    assert "--format jsonl or --format csv" in unclear.stderr


def test_unknown_task_is_guessed_and_no_file_is_made(
    famulus: Callable[..., Result], four_answers: None, tmp_path: Path
) -> None:
    target = tmp_path / "a.jsonl"

    done = famulus("export", "wrods", "-o", target)

    assert done.exit_code == 2
    assert done.stderr.endswith("did you mean 'words'?\n")
    assert not target.exists()


@pytest.mark.parametrize("which", [[], ["words", "--run", 1]])
def test_task_or_run_has_to_be_given(famulus: Callable[..., Result], which: list[object]) -> None:
    done = famulus("export", *which, "-o", "-")

    assert done.exit_code == 2
    assert "name a TASK, or a run with --run" in done.stderr


def test_file_that_cannot_be_written_is_named(
    famulus: Callable[..., Result], four_answers: None, tmp_path: Path
) -> None:
    target = tmp_path / "none" / "a.jsonl"

    done = famulus("export", "words", "-o", target)

    assert done.exit_code == 2
    assert f"cannot write {target}: " in done.stderr


@pytest.mark.parametrize("target", ["/dev/full", "-"])
def test_full_disk_is_named(four_answers: None, database_file: Path, target: str) -> None:
    command = [sys.executable, "-m", "famulus", "export", "words", "--format", "csv", "-o", target]

    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command,
            env={**os.environ, "FAMULUS_DATABASE": str(database_file)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    name = "the output" if target == "-" else target
    assert done.stderr.startswith(f"famulus: error: cannot write {name}: No space left on device\n")
