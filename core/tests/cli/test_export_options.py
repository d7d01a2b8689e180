"""Choosing what is exported, and having the files copied beside it."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from famulus.contracts.views import FormFile
from famulus.engine.ledger.decisions import decide
from famulus.model.database import Database
from famulus.model.states import Decision
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

Famulus = Callable[..., Result]


@pytest.fixture
def done(database_file: Path) -> Iterator[Database]:
    """Three units, done by ``x``, ``y`` and ``z``, a day apart, each with two files."""
    clock = MovableClock(datetime(2030, 1, 1, 12, tzinfo=UTC))
    with Database(database_file, clock=clock) as database:
        operator = ManualOperator(database, plugins=kit_plugins())
        with operator:
            gateway = operator.launch_rows([{"n": n} for n in range(3)], task_name="words")
            for name in "xyz":
                page = GatewayWorker(gateway, name).arrive()
                files = [received(gateway.upload_folder, f"{name}{number}") for number in (1, 2)]
                GatewayWorker(gateway, name).submit(page, files=files)
                clock.advance(24 * 3600)
        yield database


def received(folder: Path, content: str) -> FormFile:
    path = folder / content
    path.write_text(content)
    return FormFile(
        field="picture",
        filename="cat.png",
        content_type="image/png",
        size=len(content),
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        path=path,
    )


def workers(target: Path) -> list[str]:
    return [json.loads(line)["worker"] for line in target.read_text().splitlines()]


def test_status_and_worker_choose_the_records(
    famulus: Famulus, done: Database, tmp_path: Path
) -> None:
    target = tmp_path / "a.jsonl"
    for unit, decision in ((1, Decision.ACCEPTED), (2, Decision.SOFT_REJECTED)):
        done.write(lambda tx: decide(tx, unit, decision))  # noqa: B023

    famulus("export", "words", "-o", target, "--status", "accepted,soft_rejected")
    assert workers(target) == ["x", "y"]

    famulus("export", "words", "-o", target, "--worker", "z", "--worker", "x")
    assert workers(target) == ["x", "z"]

    famulus("export", "words", "-o", target, "--worker", "z", "--status", "accepted")
    assert workers(target) == []


@pytest.mark.parametrize(
    ("since", "expected", "left"),
    [
        ("2030-01-02", "2030-01-02 00:00:00 UTC", ["y", "z"]),
        ("2030-01-02T12:00:00.001", "2030-01-02 12:00:00 UTC", ["z"]),
        ("2030-01-02T14:00+02:00", "2030-01-02 12:00:00 UTC", ["y", "z"]),
        ("2030-01-02T12:00Z", "2030-01-02 12:00:00 UTC", ["y", "z"]),
    ],
)
@pytest.mark.usefixtures("done")
def test_since_is_in_utc_unless_it_names_a_zone(
    famulus: Famulus, tmp_path: Path, since: str, expected: str, left: list[str]
) -> None:
    target = tmp_path / "a.jsonl"

    result = famulus("export", "words", "-o", target, "--since", since)

    assert workers(target) == left
    assert f"{target}, submitted since {expected}." in result.stderr


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--since", "yesterday", "'yesterday' is not a date or time, such as 2030-01-31"),
        ("--since", "0001-01-01T00:00+02:00", "is not a date or time, such as"),
        ("--status", ",", "is empty; leave the option out to export everything"),
        ("--status", "accepted,rejectd", "'rejectd' is not a status .*did you mean 'rejected'"),
        ("--worker", "v", "no worker 'v' has worked on 'words'; there are: x, y, z"),
    ],
)
@pytest.mark.usefixtures("done")
def test_wrong_option_is_one_line_and_no_file(
    famulus: Famulus, tmp_path: Path, option: str, value: str, expected: str
) -> None:
    target = tmp_path / "a.jsonl"

    result = famulus("export", "words", "-o", target, option, value)

    assert result.exit_code == 2
    assert re.search(expected, result.stderr)
    assert len(result.stderr.splitlines()) == 1
    assert not target.exists()


@pytest.mark.usefixtures("done")
def test_an_empty_export_is_reported(famulus: Famulus, tmp_path: Path) -> None:
    result = famulus("export", "words", "-o", tmp_path / "a.csv", "--status", "accepted")

    assert result.exit_code == 0
    assert result.stderr.endswith("a.csv; no submission matches the options.\n")


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
@pytest.mark.usefixtures("done")
def test_files_lie_beside_the_export_and_are_named_from_there(
    famulus: Famulus, tmp_path: Path, name: str
) -> None:
    target = tmp_path / name

    result = famulus("export", "words", "-o", target, "--files")

    assert result.stderr.splitlines() == [
        f"Wrote 3 records to {target}.",
        f"Copied 6 files into {tmp_path / 'a_files'}.",
    ]
    paths = [file["path"] for record in read(target) for file in record["files"]]
    assert [(tmp_path / path).read_text() for path in paths] == ["x1", "x2", "y1", "y2", "z1", "z2"]


def test_missing_file_is_reported_and_the_rest_is_exported(
    famulus: Famulus, done: Database, tmp_path: Path
) -> None:
    target = tmp_path / "a.jsonl"
    famulus("export", "words", "-o", target)
    gone = Path(read(target)[1]["files"][0]["path"])
    gone.unlink()

    result = famulus("export", "words", "-o", target, "--files")

    assert result.exit_code == 1
    assert f"unit 2: cat.png not copied: {gone}: No such file" in result.stderr
    assert "Copied 5 files" in result.stderr
    assert [record["files"][0]["path"] is None for record in read(target)] == [False, True, False]


@pytest.mark.usefixtures("done")
def test_files_need_a_file_to_lie_beside(famulus: Famulus) -> None:
    result = famulus("export", "words", "-o", "-", "--files")

    assert result.exit_code == 2
    assert "--files puts them beside a file; name one with -o" in result.stderr


def read(target: Path) -> list[dict[str, Any]]:
    with target.open(newline="") as stream:
        if target.suffix == ".jsonl":
            return [json.loads(line) for line in stream]
        return [{**row, "files": json.loads(row["files"])} for row in csv.DictReader(stream)]
