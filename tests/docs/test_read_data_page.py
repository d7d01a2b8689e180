"""The programs of docs/how-to/read-data.md run, one after the other as a reader would type them."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus import Database, DataBrowser
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

PAGE = Path(__file__).parents[2] / "docs/how-to/read-data.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
NEEDS_PANDAS = [block for block in BLOCKS if "import pandas" in block]
PLAIN = [block for block in BLOCKS if block not in NEEDS_PANDAS]

TASK = "html-static-task-example"


@pytest.fixture
def ratings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two characters, the first of which two workers rate alike."""
    monkeypatch.setenv("FAMULUS_DATABASE", str(tmp_path / "f.db"))
    with Database() as database, ManualOperator(database, plugins=kit_plugins()) as operator:
        gateway = operator.launch_rows(
            [{"character_name": name} for name in ("Ada", "Bo")],
            task_name=TASK,
            blueprint={"units_per_assignment": 2},
        )
        for worker, given in (("x", ("good", "bad")), ("y", ("good", "good"))):
            for rating in given:
                page = GatewayWorker(gateway, worker).arrive()
                GatewayWorker(gateway, worker).submit(page, rating=rating)
        yield


def run(blocks: list[str]) -> None:
    names: dict[str, object] = {}
    try:
        for block in blocks:
            exec(compile(block, "read-data.md", "exec"), names)
    finally:
        database = names["database"]
        assert isinstance(database, Database)
        database.close()


@pytest.mark.usefixtures("ratings")
def test_programs_print_what_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    run(PLAIN)

    printed = capsys.readouterr().out
    assert printed.startswith(f"['{TASK}']\n0 completed Ada good\n0 completed Ada good\n1 ")
    assert "\n['x', 'y']\n" in printed
    assert "assignment 1: agree {'x': 'good', 'y': 'good'}" in printed
    assert "assignment 2: differ {'x': 'bad', 'y': 'good'}" in printed
    assert "\nx {'answer': 'an answer', 'rating': 'bad'} None None\n" in printed


@pytest.mark.usefixtures("ratings")
@pytest.mark.skipif(
    importlib.util.find_spec("pandas") is None, reason="pandas, which nothing needs, is missing"
)
def test_table_of_pandas_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    run([*PLAIN, *NEEDS_PANDAS])

    assert re.search(r"Ada +good +2\nBo +bad +1\n +good +1", capsys.readouterr().out)


def test_every_method_has_its_line() -> None:
    described = set(re.findall(r"^\| `(\w+)\(", TEXT, re.MULTILINE))
    mentioned = set(re.findall(r"get_\w+", TEXT))

    methods = {name for name in vars(DataBrowser) if not name.startswith("_")}
    assert described <= methods <= described | mentioned
