"""docs/how-to/export.md describes every column there is, and its commands work."""

from __future__ import annotations

import csv
import hashlib
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from famulus import Database, FormFile, export_records
from famulus.cli.program import program
from famulus.data.copied_files import distinct_names
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

PAGE = Path(__file__).parents[2] / "docs/how-to/export.md"
TEXT = PAGE.read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    famulus (.*)$", TEXT, re.MULTILINE)
TABLES = [
    re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE)
    for table in re.findall(r"^\| (?:column|key) \| \|\n(?:\|.*\n)+", TEXT, re.MULTILINE)
]

Famulus = Callable[..., Result]


@pytest.fixture
def famulus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Famulus]:
    """Run a command on a database where two workers have answered a row, one with a file."""
    path = tmp_path / "f.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAMULUS_DATABASE", str(path))
    with Database(path) as database, ManualOperator(database, plugins=kit_plugins()) as operator:
        for task in ("TASK", "html-static-task-example"):
            gateway = operator.launch_rows(
                [{"n": 1}], task_name=task, blueprint={"units_per_assignment": 2}
            )
            file = received(gateway.upload_folder)
            GatewayWorker(gateway, "A1B2").submit(
                GatewayWorker(gateway, "A1B2").arrive(), files=[file]
            )
            GatewayWorker(gateway, "C3D4").work()
        yield lambda *words: CliRunner().invoke(program, list(words), prog_name="famulus")


def received(folder: Path) -> FormFile:
    path = folder / "received"
    path.write_bytes(b"bytes")
    return FormFile(
        field="picture",
        filename="cat.png",
        content_type="image/png",
        size=5,
        sha256=hashlib.sha256(b"bytes").hexdigest(),
        path=path,
    )


def record_of(path: Path) -> dict[str, Any]:
    with Database(path) as database:
        return next(export_records(database, task="TASK"))


@pytest.mark.usefixtures("famulus")
def test_every_column_is_described_in_its_place(tmp_path: Path) -> None:
    common, of_json, of_csv, of_files = TABLES

    record = record_of(tmp_path / "f.db")

    *columns, last = common
    assert [*columns, *of_json, last] == list(record)
    assert of_csv == ["input.NAME", "output.NAME", "output"]
    assert of_files == list(record["files"][0])


def test_table_has_the_columns_that_are_described(famulus: Famulus, tmp_path: Path) -> None:
    *columns, last = TABLES[0]

    famulus("export", "TASK", "-o", "a.csv")

    with (tmp_path / "a.csv").open(newline="") as stream:
        assert next(csv.reader(stream)) == [
            *columns,
            "input.n",
            "output.answer",
            "output.picture",
            last,
        ]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_page_works(famulus: Famulus, command: str) -> None:
    result = famulus(*shlex.split(command))

    assert result.exit_code == 0
    assert result.stderr.startswith("Wrote ")


def test_two_plugins_of_one_name_behave_as_documented() -> None:
    assert " and ".join(f"`{name}`" for name in distinct_names(["cat.png"] * 2)) in TEXT
