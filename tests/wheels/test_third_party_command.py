"""A third-party command: built, installed from its wheel, tested and used there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).resolve().parents[2] / "sdk_examples/agreement_command"

Run = Callable[..., str]


@pytest.fixture(scope="module")
def installed(third_party_environment: Callable[[Path], Path]) -> Path:
    """An environment with the command's wheel."""
    return third_party_environment(EXAMPLE)


def test_package_passes_its_own_tests(installed: Path, run: Run) -> None:
    output = run(installed / "env/bin/python", "-m", "pytest", "-q", cwd=installed / "package")

    assert " passed" in output
    assert "failed" not in output


def test_command_is_in_the_help_and_among_the_plugins(installed: Path, run: Run) -> None:
    famulus = installed / "env/bin/famulus"

    listed = json.loads(run(famulus, "plugins", "--json", cwd=installed))

    [entry] = [each for each in listed if each["distribution"] == "famulus-example-agreement"]
    assert entry["brings"] == ["command agreement"]
    assert "agreement  famulus-example-agreement" in run(famulus, "--help", cwd=installed)
    assert "Usage: famulus agreement" in run(famulus, "agreement", "--help", cwd=installed)
