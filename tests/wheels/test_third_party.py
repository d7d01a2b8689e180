"""The example packages: built, installed from their wheels, tested and used there."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.workspace import example_packages as packages

pytestmark = pytest.mark.slow

TASK = Path(__file__).resolve().parents[2] / "sdk_examples/simple_static_task"

Run = Callable[..., str]


@pytest.mark.parametrize("name", [package.name for package in packages()])
def test_package_passes_its_own_tests(example_packages: Path, run: Run, name: str) -> None:
    python = example_packages / "env/bin/python"

    output = run(python, "-m", "pytest", "-q", cwd=example_packages / name)

    assert " passed" in output
    assert "failed" not in output


def test_packages_are_listed_with_what_they_bring(example_packages: Path, run: Run) -> None:
    listed = run(example_packages / "env/bin/famulus", "plugins", "--json", cwd=example_packages)

    brought = {each["distribution"]: each["brings"] for each in json.loads(listed)}
    assert {name: brings for name, brings in brought.items() if "-example-" in name} == {
        "famulus-example-agreement": ["command agreement"],
        "famulus-example-compare-texts": ["blueprint compare_texts"],
        "famulus-example-gunicorn": ["architect gunicorn"],
        "famulus-example-recent-work": ["check recent_work"],
    }


def test_command_has_its_help(example_packages: Path, run: Run) -> None:
    famulus = example_packages / "env/bin/famulus"

    help_of_all = run(famulus, "--help", cwd=example_packages)
    own = run(famulus, "agreement", "--help", cwd=example_packages)

    assert "agreement  famulus-example-agreement" in help_of_all
    assert "Usage: famulus agreement" in own


def test_options_of_a_check_are_those_of_a_configuration(
    example_packages: Path, run: Run, tmp_path: Path
) -> None:
    shutil.copytree(TASK, tmp_path / "task")
    famulus = (example_packages / "env/bin/famulus", "--database", tmp_path / "famulus.db")
    check = (*famulus, "check", "task/conf/example.yaml", "architect.port=0")

    run(*check, "task.qualification_checks.recent_work.days=7", cwd=tmp_path)
    wrong = subprocess.run(
        [*map(str, check), "task.qualification_checks.recent_work.dais=7"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert wrong.returncode == 2
    assert "recent_work.dais: unknown option; did you mean 'days'?" in wrong.stderr
