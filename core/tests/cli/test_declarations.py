"""What the help of a command imports, and that its declaration fits its work."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator

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


def commands(group: click.Group, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield the commands of Famulus itself, with the words that name each."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if command.callback is None or not command.callback.__module__.startswith("famulus."):
            continue
        yield (*words, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *words, name)


BUILTINS = dict(commands(program))
WORKING = {words: each for words, each in BUILTINS.items() if not isinstance(each, click.Group)}
#: Shows the help of the program and of each command, then the modules that were imported for all.
SHOW_HELPS = """
import sys
from famulus.cli.program import program
for words in ["", *sys.argv[1:]]:
    program.main([*words.split(), "--help"], "famulus", standalone_mode=False)
print(*sys.modules, file=sys.stderr)
"""


def test_helps_import_declarations_only() -> None:
    names = map(" ".join, BUILTINS)
    ended = subprocess.run(
        [sys.executable, "-c", SHOW_HELPS, *names], capture_output=True, check=True, text=True
    )
    modules = set(ended.stderr.split())

    assert {f"{declarations.__name__}.launch", f"{declarations.__name__}.payments"} <= modules
    assert modules & HEAVY == set()


@pytest.mark.parametrize("words", WORKING, ids=" ".join)
def test_a_command_gives_its_work_what_that_takes(words: tuple[str, ...]) -> None:
    command = WORKING[words]
    callback = command.callback
    assert callback is not None
    declared = importlib.import_module(callback.__module__)
    assert declared.__name__.startswith(f"{declarations.__name__}.")

    module = declared.__name__.rpartition(".")[2]
    work = getattr(importlib.import_module(f"famulus.cli.commands.{module}"), callback.__name__)

    taken = set(inspect.signature(work).parameters) - {"session", "ctx"}
    # A profile is given to the work among the overrides.
    assert taken == {each.name for each in command.params} - {"profile"}
