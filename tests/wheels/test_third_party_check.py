"""A third-party qualification check: built, installed from its wheel, tested and asked there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[2] / "sdk_examples"
EXAMPLE = EXAMPLES / "recent_work_check"

Run = Callable[..., str]


@pytest.fixture(scope="module")
def installed(
    third_party_environment: Callable[[Path], Path], copy_files: Callable[[Path, Path], None]
) -> Path:
    """An environment with the check's wheel, and a task to ask it in."""
    folder = third_party_environment(EXAMPLE)
    copy_files(EXAMPLES / "simple_static_task", folder / "task")
    return folder


def test_package_passes_its_own_tests(installed: Path, run: Run) -> None:
    output = run(installed / "env/bin/python", "-m", "pytest", "-q", cwd=installed / "package")

    assert " passed" in output
    assert "failed" not in output


def test_package_is_listed_with_its_types(installed: Path, run: Run) -> None:
    listed = json.loads(run(installed / "env/bin/famulus", "plugins", "--json", cwd=installed))

    [entry] = [each for each in listed if each["distribution"] == "famulus-example-recent-work"]
    assert entry["brings"] == ["check recent_work"]


def test_its_options_are_those_of_a_configuration(installed: Path, run: Run) -> None:
    famulus = (installed / "env/bin/famulus", "--database", installed / "famulus.db")
    check = (*famulus, "check", "task/conf/example.yaml", "architect.port=0")

    run(*check, "task.qualification_checks.recent_work.days=7", cwd=installed)
    wrong = subprocess.run(
        [*map(str, check), "task.qualification_checks.recent_work.dais=7"],
        cwd=installed,
        capture_output=True,
        text=True,
        check=False,
    )

    assert wrong.returncode == 2
    assert "recent_work.dais: unknown option; did you mean 'days'?" in wrong.stderr
