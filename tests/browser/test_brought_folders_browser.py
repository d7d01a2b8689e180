"""Folders as people bring them: each is launched as it is, and stores what MTurk would.

A folder has a page, its data and files beside them. Libraries are put there from Python packages
that carry them. The first comment of a page says what a worker does; a line ``varies: …`` names
the fields whose values are never the same twice. Eleven are launched with the two options of their
files alone; a page that says ``trust_data`` needs this option too, which ``check`` names.
"""

from __future__ import annotations

import csv
import re
import shutil
import struct
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from famulus import Operator, UsageError
from famulus.testing.served_run import served_run
from mturk_pages import MTurkPage, Sent, both_servers
from page_steps import take_step

pytestmark = pytest.mark.browser

FOLDERS = sorted(Path(__file__).with_name("brought_folders").iterdir())
SHEETS = Path(__file__).with_name("style_sheets")
#: name beside the page -> package and file
LIBRARIES: Mapping[str, tuple[str, str]] = MappingProxyType({
    "jquery.min.js": ("XStatic-jQuery", "xstatic/pkg/jquery/data/jquery.min.js"),
    "bootstrap3.min.js": (
        "XStatic-Bootstrap-SCSS", "xstatic/pkg/bootstrap_scss/data/js/bootstrap.min.js",
    ),
    "bootstrap5.min.css": ("bootstrap-wrapper", "bootstrap/css/bootstrap.min.css"),
    "bootstrap5.bundle.min.js": ("bootstrap-wrapper", "bootstrap/js/bootstrap.bundle.min.js"),
})  # fmt: skip
_VARIES = re.compile(r"^\s*varies: (.*)$", re.MULTILINE)


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_folder_is_launched_as_it_is_and_stores_what_mturk_would(
    folder: Path, browser: Any, tmp_path: Path
) -> None:
    task = tmp_path / folder.name
    shutil.copytree(folder, task)
    _complete(task)
    text = (task / "task.html").read_text(encoding="utf-8")
    page = MTurkPage.read(task / "task.html", _first_row(task / "data.csv"))
    varies = (_VARIES.search(text) or ["", ""])[1].split()

    there = _sent_to_mturk(page, task, browser, tmp_path)
    here = _stored(page, _configuration(task), browser, tmp_path)

    assert set(here) == set(there)
    assert all(here[name] and there[name] for name in varies)
    assert _without(here, varies) == _without(there, varies)


def test_eleven_need_no_more_than_their_files_and_others_the_option_that_check_names(
    tmp_path: Path,
) -> None:
    needing = {}
    with Operator(tmp_path / "famulus.db") as operator:
        for folder in FOLDERS:
            task = tmp_path / folder.name
            shutil.copytree(folder, task)
            _complete(task)
            try:
                operator.check(_configuration(task), overrides=["architect.port=0"])
            except UsageError as error:
                needing[folder.name] = str(error)

    assert len(FOLDERS) - len(needing) == 11
    assert list(needing) == [folder.name for folder in FOLDERS if _is_trusted(folder)]
    assert all("blueprint.trust_data=true" in message for message in needing.values())


def _complete(task: Path) -> None:
    """Put the libraries, and a tenth of a second of silence, beside the page."""
    for name, (package, file) in LIBRARIES.items():
        shutil.copy(Path(str(distribution(package).locate_file(file))), task / name)
    sheet = SHEETS / "bootstrap-3.4.1" / "bootstrap.min.css"
    shutil.copy(sheet, task / "bootstrap3.min.css")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    data = struct.pack("<4sI", b"data", 800) + bytes([128]) * 800
    size = 4 + len(form) + len(data)
    (task / "clip.wav").write_bytes(struct.pack("<4sI4s", b"RIFF", size, b"WAVE") + form + data)


def _is_trusted(folder: Path) -> bool:
    return MTurkPage.read(folder / "task.html").trusted


def _configuration(task: Path) -> Path:
    """Write a configuration with what the tutorial's has."""
    file = task / "task.yaml"
    file.write_text(
        "defaults: [{blueprint: static_task}, {architect: local}, {provider: mock}]\n"
        "task: {task_name: brought, task_title: B, task_description: D, task_reward: 0.1}\n"
        "blueprint:\n"
        "  task_source: ${task_dir}/task.html\n"
        "  data_csv: ${task_dir}/data.csv\n",
        encoding="utf-8",
    )
    return file


def _first_row(path: Path) -> dict[str, str]:
    """Read the first row as a spreadsheet does that knows the separator."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        separator = ","
        if file.readline().startswith("sep=;"):
            separator = ";"
        else:
            file.seek(0)
        row = next(csv.DictReader(file, delimiter=separator))
    return {name: value for name, value in row.items() if name}


def _sent_to_mturk(page: MTurkPage, files: Path, browser: Any, folder: Path) -> dict[str, Any]:
    with both_servers(page, files) as server, browser.new_context() as context:
        tab = context.new_page()
        tab.goto(server.url("mturk"))
        _work(tab, page, folder)
        return _by_name(server.received.get(timeout=15))


def _stored(page: MTurkPage, configuration: Path, browser: Any, folder: Path) -> dict[str, Any]:
    database = folder / "famulus.db"
    options = ["architect.port=0", *["blueprint.trust_data=true"] * page.trusted]
    with (
        served_run(configuration, database, overrides=options) as run,
        browser.new_context() as context,
    ):
        tab = context.new_page()
        tab.goto(f"{run.url}?worker_id=ann&assignment_id=1")
        _work(tab, page, folder)
        tab.get_by_text("Your answers are stored").wait_for()
        (record,) = [each for each in run.records() if each["outputs"]]
    return {
        name: value if isinstance(value, list) else [value]
        for name, value in record["outputs"].items()
    }


def _work(tab: Any, page: MTurkPage, folder: Path) -> None:
    tab.set_default_timeout(15_000)
    for step in page.steps:
        take_step(tab, step, folder)


def _by_name(sent: Sent) -> dict[str, list[str]]:
    return {name: [value for other, value in sent if other == name] for name, _ in sent}


def _without(answers: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: value for name, value in answers.items() if name not in names}
