"""The wheels of all members, installed where there is no checkout, launch the example."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from urllib.parse import urlencode, urljoin
from urllib.request import urlopen
from zipfile import ZipFile

import pytest
from tools.workspace import members

from famulus.testing.command import python_command

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).resolve().parents[2] / "sdk_examples/simple_static_task"

Run = Callable[..., str]
_PLUGINS = (
    "famulus-static-html",
    "famulus-crowd-form",
    "famulus-form",
    "famulus-flask",
    "famulus-links",
    "famulus-mock",
    "famulus-mturk",
    "famulus-prolific",
)
#: What the packages have besides modules, of each kind one.
_FILES = frozenset({
    "famulus_crowd_form/locale/ar/LC_MESSAGES/famulus_crowd_form.mo",
    "famulus_crowd_form/static/famulus_crowd.js",
    "famulus_form/locale/ar/LC_MESSAGES/famulus_form.mo",
    "famulus_form/studies/summary-quality/form.yaml",
    "famulus_marks/locale/ar/LC_MESSAGES/famulus_marks.mo",
    "famulus_marks/static/famulus_marks.css",
})  # fmt: skip


@pytest.fixture(scope="module")
def installed(empty_environment: Path, copy_files: Callable[..., None]) -> Path:
    """An environment with nothing but the wheels, and the example copied beside it."""
    copy_files(EXAMPLE, empty_environment / "example")
    return empty_environment


def test_plugins_of_the_wheels_are_found(installed: Path, run: Run) -> None:
    listed = run(installed / "env/bin/famulus", "plugins", cwd=installed)

    for distribution in _PLUGINS:
        assert distribution in listed


def test_wheels_have_all_files_of_their_packages(famulus_wheels: list[Path]) -> None:
    found: set[str] = set()
    for member, wheel in zip(members(), famulus_wheels, strict=True):
        source = member / "src"
        with ZipFile(wheel) as archive:
            names = set(archive.namelist())
        files = (path for path in source.rglob("*") if path.is_file())
        expected = {
            path.relative_to(source).as_posix() for path in files if "__pycache__" not in path.parts
        }
        assert expected - names == set(), wheel.name
        found |= names

    assert found >= _FILES


def test_fake_of_mturk_comes_with_its_provider(installed: Path, run: Run) -> None:
    shown = run(installed / "env/bin/python", "-m", "famulus_mturk.fake", "--help", cwd=installed)

    assert "Amazon Mechanical Turk on this machine" in shown


def test_example_is_launched_worked_on_and_exported(
    installed: Path, tmp_path: Path, run: Run
) -> None:
    with python_command(
        *("-m", "famulus", "launch", "conf/example.yaml", "architect.port=0"),
        database=tmp_path / "famulus.db",
        folder=installed / "example",
        python=installed / "env/bin/python",
    ) as launched:
        url = launched.url()
        for worker in ("x", "y"):
            for visit in ("1", "2"):
                query = urlencode({"worker_id": worker, "assignment_id": visit})
                with urlopen(f"{url}?{query}") as response:
                    page = response.read().decode()
                hidden = re.findall(r'name="(famulus_\w+)" value="([^"]+)"', page)
                (action,) = re.findall(r'<form [^>]*action="([^"]+)"', page)
                form = urlencode([*hidden, ("rating", "good")]).encode()
                with urlopen(urljoin(url, unescape(action)), data=form) as response:
                    assert response.status == 200

        assert launched.wait() == 0, launched.output
    target = tmp_path / "out.jsonl"
    database = ("--database", tmp_path / "famulus.db")
    task = "html-static-task-example"
    run(installed / "env/bin/famulus", *database, "export", task, "-o", target, cwd=installed)
    records = [json.loads(line) for line in target.read_text().splitlines()]
    assert len(records) == 4
