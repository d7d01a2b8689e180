"""The command line as a test sees it: one call, its output, its exit status."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from famulus.cli.program import program

EXAMPLE = Path(__file__).resolve().parents[3] / "sdk_examples/simple_static_task/conf/example.yaml"

Famulus = Callable[..., Result]


@pytest.fixture
def example() -> Path:
    """The configuration of the example task: two rows, two units each."""
    return EXAMPLE


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    """Where the database of :func:`famulus` is, or will be."""
    return tmp_path / "data" / "famulus.db"


@pytest.fixture
def famulus(database_file: Path) -> Famulus:
    """Run a command within this process."""

    def run(*arguments: object, database: object = database_file) -> Result:
        environment = {**os.environ, "FAMULUS_DATABASE": str(database)}
        return CliRunner(env=environment).invoke(
            program, list(map(str, arguments)), prog_name="famulus"
        )

    return run
