"""Run a plugin's command as ``famulus`` runs it, in the process of the test."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click
from click.testing import CliRunner, Result

from famulus.cli.program import Program, program


def run_command(
    command: click.Command, *arguments: object, database: Path | str, words: Sequence[str] = ()
) -> Result:
    """Run a command and return its output and its exit status.

    As with ``famulus``, errors are printed and determine the exit status. The command needs no
    entry point.

    :param database: the database's address, which is set as ``FAMULUS_DATABASE``.
    :param words: options of ``famulus`` itself, which precede the command.
    """
    name = command.name or "command"
    group = _OneCommand(
        "famulus", commands={name: command}, params=program.params, callback=program.callback
    )
    environment = {**os.environ, "FAMULUS_DATABASE": str(database)}
    line = [*words, name, *map(str, arguments)]
    return CliRunner(env=environment).invoke(group, line, prog_name="famulus")


class _OneCommand(Program):
    """The program with one command in place of all others."""

    def __init__(self, name: str, **more: object) -> None:
        super().__init__(name, builtins={}, **more)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self.commands.get(cmd_name)
