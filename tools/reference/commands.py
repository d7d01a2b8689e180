"""The page of every command."""

from __future__ import annotations

import inspect
import tomllib
from importlib.metadata import entry_points

import click

from famulus.cli.lazy import COMMANDS
from famulus.cli.program import program

from .markdown import document, table
from .options import ROOT

_INTRODUCTION = """
`famulus COMMAND --help` prints the text of this page. Options of `famulus` itself come before the
command: `famulus --database study.db runs`.
"""


def commands_page() -> str:
    """Return the page: the program's own options, then each command."""
    with click.Context(program, info_name="famulus") as ctx:
        names = [name for name in program.list_commands(ctx) if name not in _of_others()]
        parts = [_help(program), _INTRODUCTION, _parameters(program, ctx)]
        parts.append("\n".join(f"- [`famulus {name}`](#famulus-{name})" for name in names))
        for name in names:
            command = program.get_command(ctx, name)
            assert command is not None
            parts.append(_command(command, name, ctx))
    return document("Commands", *parts)


def _of_others() -> set[str]:
    """Return the commands that packages from elsewhere have brought into this environment."""
    files = ROOT.glob("plugins/*/pyproject.toml")
    own = {tomllib.loads(file.read_text(encoding="utf-8"))["project"]["name"] for file in files}
    entries = entry_points(group=COMMANDS)
    return {each.name for each in entries if each.dist is None or each.dist.name not in own}


def _command(command: click.Command, name: str, parent: click.Context) -> str:
    with click.Context(command, info_name=name, parent=parent) as ctx:
        usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
        parts = [f"## famulus {name}", f"    {usage}", _help(command), _parameters(command, ctx)]
        if isinstance(command, click.Group):
            for below in command.list_commands(ctx):
                found = command.get_command(ctx, below)
                assert found is not None
                parts.append(_command(found, f"{name} {below}", parent))
    return "\n\n".join(part for part in parts if part)


def _help(command: click.Command) -> str:
    """Return a command's help as far as click prints it, without its marks."""
    return inspect.cleandoc((command.help or "").partition("\f")[0]).replace("\b\n", "")


def _parameters(command: click.Command, ctx: click.Context) -> str:
    rows = []
    for parameter in command.params:
        record = parameter.get_help_record(ctx)
        if isinstance(parameter, click.Option) and record is not None:
            words, text = record
            rows.append((f"`{words}`", text))
    return table(("option", "meaning"), rows) if rows else ""
