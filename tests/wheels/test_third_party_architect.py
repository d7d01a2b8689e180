"""A third-party architect: built, installed from its wheel, tested and used there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).resolve().parents[2] / "sdk_examples/gunicorn_architect"

Run = Callable[..., str]


@pytest.fixture(scope="module")
def installed(third_party_environment: Callable[[Path], Path]) -> Path:
    """An environment with the architect's wheel."""
    return third_party_environment(EXAMPLE)


def test_package_passes_its_own_tests(installed: Path, run: Run) -> None:
    output = run(installed / "env/bin/python", "-m", "pytest", "-q", cwd=installed / "package")

    assert " passed" in output
    assert "failed" not in output


def test_package_is_listed_with_its_types(installed: Path, run: Run) -> None:
    listed = json.loads(run(installed / "env/bin/famulus", "plugins", "--json", cwd=installed))

    [entry] = [each for each in listed if each["distribution"] == "famulus-example-gunicorn"]
    assert entry["brings"] == ["architect gunicorn"]
