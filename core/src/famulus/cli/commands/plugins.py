"""``famulus plugins``."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import click

from famulus.cli.lazy import ForeignCommand, LazyGroup
from famulus.cli.output import say, say_json
from famulus.cli.session import Session
from famulus.cli.text_layout import table
from famulus.plugins import PluginInfo, Plugins, conflict_text, discover

#: Every command that needs plugins waits as long as their imports take.
_SLOW_SECONDS = 0.5


def plugins(session: Session, ctx: click.Context, as_json: bool) -> None:
    """List the plugins and the commands of other packages."""
    found, commands = discover(), _commands(ctx)
    if as_json:
        say_json([*(_json(info, found) for info in found.infos), *map(_command_json, commands)])
        return
    if not found.infos and not commands:
        say('No plugins are installed; pip install "famulus[local]" installs some.', err=True)
        return
    head = ("NAME", "DISTRIBUTION", "VERSION", "BRINGS")
    for line in table([head, *map(_row, found.infos), *map(_command_row, commands)]):
        say(line)
    for doubt in _doubts(found):
        say(doubt, err=True, label="warning")
    for info in found.infos if session.verbose else ():
        if info.error is not None:
            trace = "".join(traceback.format_exception(info.error)).rstrip("\n")
            say(f"\n{info.name}: {trace}", err=True, wrap=False)


def _commands(ctx: click.Context) -> list[ForeignCommand]:
    program = ctx.find_root().command
    return program.foreign_commands() if isinstance(program, LazyGroup) else []


def _doubts(plugins: Plugins) -> Iterator[str]:
    for (kind, type_name), infos in plugins.conflicts().items():
        yield conflict_text(kind, type_name, infos)
    for info in plugins.infos:
        if info.import_seconds >= _SLOW_SECONDS:
            seconds = f"{info.import_seconds:.1f} seconds"
            yield f"the plugin {info.name!r} takes {seconds} to import, and commands wait for it"


def _row(info: PluginInfo) -> tuple[str, ...]:
    brings = f"refused: {info.refused}" if info.refused else ", ".join(info.registered())
    return (info.name, info.distribution or "-", info.version or "-", brings)


def _command_row(command: ForeignCommand) -> tuple[str, ...]:
    brings = f"refused: {command.fault}" if command.fault else f"command {command.name}"
    return (command.name, command.distribution, command.version or "-", brings)


def _json(info: PluginInfo, plugins: Plugins) -> dict[str, object]:
    return {
        "name": info.name,
        "distribution": info.distribution or None,
        "version": info.version or None,
        "brings": [] if info.refused else info.registered(),
        "refused": info.refused or None,
        "conflicts": [
            conflict_text(kind, type_name, infos)
            for (kind, type_name), infos in plugins.conflicts().items()
            if info in infos
        ],
        "import_seconds": round(info.import_seconds, 3),
    }


def _command_json(command: ForeignCommand) -> dict[str, object]:
    return {
        "name": command.name,
        "distribution": command.distribution,
        "version": command.version or None,
        "brings": [] if command.fault else [f"command {command.name}"],
        "refused": command.fault or None,
        "conflicts": [],
        "import_seconds": None,
    }
