"""What the help of a command imports, and that its declaration fits its work."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys

import click
import pytest

from famulus.cli import declarations
from famulus.cli.program import program

#: Nothing of these has to do with a command's help.
HEAVY = frozenset(
    {
        "asyncio",
        "cattrs",
        "famulus.contracts",
        "famulus.data",
        "famulus.engine",
        "famulus.model",
        "famulus.operate",
        "famulus.plan",
        "famulus.plugins",
        "famulus.review",
        "omegaconf",
        "peewee",
        "pluggy",
        "psycopg",
        "rich",
        "sqlite3",
        "yaml",
    }
)
DECLARED = [
    "launch",
    "check",
    "resume",
    "runs",
    "status",
    "stop",
    "finish",
    "quote",
    "sync",
    "doctor",
]


def imported(*words: str) -> set[str]:
    """Return the modules that a command imports, and the packages that they are in."""
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "famulus", *words],
        capture_output=True,
        check=True,
        text=True,
    )
    names = re.findall(r"^import time:.*\| +([\w.]+)$", ended.stderr, re.MULTILINE)
    return {name.rsplit(".", levels)[0] for name in names for levels in range(name.count(".") + 1)}


@pytest.mark.parametrize("words", [(), *((name,) for name in DECLARED)])
def test_a_help_imports_declarations_only(words: tuple[str, ...]) -> None:
    modules = imported(*words, "--help")

    assert "famulus.cli.program" in modules
    assert modules & HEAVY == set()


@pytest.mark.parametrize("name", DECLARED)
def test_a_declared_command_gives_its_work_what_that_takes(name: str) -> None:
    command = program.get_command(click.Context(program), name)
    assert command is not None
    callback = command.callback
    assert callback is not None
    declared = importlib.import_module(callback.__module__)
    assert declared.__name__.startswith(f"{declarations.__name__}.")

    module = declared.__name__.rpartition(".")[2]
    work = getattr(importlib.import_module(f"famulus.cli.commands.{module}"), callback.__name__)

    taken = set(inspect.signature(work).parameters) - {"session", "ctx"}
    # A profile is given to the work among the overrides.
    assert taken == {each.name for each in command.params} - {"profile"}
