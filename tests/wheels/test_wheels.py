"""The four wheels, installed where there is no checkout, launch the example."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = ("core", "plugins/static_html", "plugins/flask_architect", "plugins/mock_provider")


def run(*command: str | Path, cwd: Path, **env: str) -> str:
    outside = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**outside, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing but the wheels, and the example copied beside it."""
    folder = tmp_path_factory.mktemp("wheels")
    for member in MEMBERS:
        run(
            sys.executable, "-m", "build", "--quiet", "--wheel", "--outdir", folder / "dist",
            ROOT / member, cwd=folder,
        )
    venv.create(folder / "env", with_pip=True)
    wheels = sorted((folder / "dist").glob("*.whl"))
    pip = (folder / "env/bin/python", "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "install", *wheels, cwd=folder)
    example = ROOT / "sdk_examples/simple_static_task"
    for file in example.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            target = folder / "example" / file.relative_to(example)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    return folder


@pytest.fixture
def launched(installed: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [
            installed / "env/bin/famulus", "--database", tmp_path / "famulus.db", "launch",
            "conf/example.yaml", "architect.port=0",
        ],
        cwd=installed / "example",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(r"(http://\S+/)\?worker_id=", line)
        if found:
            yield process, found[1]
            break
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait()


def test_plugins_of_the_wheels_are_found(installed: Path) -> None:
    listed = run(installed / "env/bin/famulus", "plugins", cwd=installed)

    for distribution in ("famulus-static-html", "famulus-flask", "famulus-mock"):
        assert distribution in listed


def test_example_is_launched_worked_on_and_exported(
    installed: Path, launched: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process, url = launched

    for worker in ("x", "y"):
        for visit in ("1", "2"):
            query = urlencode({"worker_id": worker, "assignment_id": visit})
            with urlopen(f"{url}?{query}") as response:
                page = response.read().decode()
            hidden = re.findall(r'name="(famulus_\w+)" value="([^"]+)"', page)
            form = urlencode([*hidden, ("rating", "good")]).encode()
            with urlopen(f"{url}submit", data=form) as response:
                assert response.status == 200

    assert process.wait(timeout=30) == 0
    target = tmp_path / "out.jsonl"
    database = ("--database", tmp_path / "famulus.db")
    task = "html-static-task-example"
    run(installed / "env/bin/famulus", *database, "export", task, "-o", target, cwd=installed)
    records = [json.loads(line) for line in target.read_text().splitlines()]
    assert len(records) == 4
