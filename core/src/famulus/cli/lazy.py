"""A group of commands that loads a command when it is used, and none to show the help."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple

import click

from famulus.options.suggest import did_you_mean

#: The entry-point group of commands that other packages bring.
COMMANDS = "famulus.commands"
_OURS = "famulus.cli.commands"


class Builtin(NamedTuple):
    """A command of our own: ``module:object`` below ``famulus.cli.commands``, and its line in the
    help.
    """

    target: str
    help: str


class LazyGroup(click.Group):
    """Commands by name: our own first, which no other package can replace, then everybody's."""

    def __init__(self, *args: Any, builtins: Mapping[str, Builtin], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._builtins = builtins

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._builtins, *self._others()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self._builtins:
            module, _, name = self._builtins[cmd_name].target.partition(":")
            loaded = importlib.import_module(f"{_OURS}.{module}")
            command: click.Command = getattr(loaded, name)
            return command
        entries = self._others().get(cmd_name)
        return _load(entries) if entries else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        known = self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            raise click.UsageError(f"there is no command {name!r}{did_you_mean(name, known)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, builtin.help) for name, builtin in self._builtins.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        others = [(name, _origin(entries)) for name, entries in self._others().items()]
        if others:
            with formatter.section("Commands of other packages"):
                formatter.write_dl(others)

    def _others(self) -> dict[str, list[EntryPoint]]:
        found: dict[str, list[EntryPoint]] = {}
        for entry in sorted(entry_points(group=COMMANDS), key=lambda each: each.name):
            if entry.name not in self._builtins:
                found.setdefault(entry.name, []).append(entry)
        return found


def _load(entries: Sequence[EntryPoint]) -> click.Command:
    from famulus.errors import PluginError

    entry = entries[0]
    if len(entries) > 1:
        raise PluginError(f"the command {entry.name!r} is claimed by {_origin(entries)}")
    intro = f"the command {entry.name!r} of {_origin(entries)} cannot be used: "
    try:
        command = entry.load()
    except Exception as error:
        raise PluginError(f"{intro}{type(error).__name__}: {error}") from error
    if not isinstance(command, click.Command):
        raise PluginError(f"{intro}{entry.value} is no click command")
    return command


def _origin(entries: Sequence[EntryPoint]) -> str:
    return " and ".join(entry.dist.name if entry.dist else entry.value for entry in entries)
