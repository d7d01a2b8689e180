"""``famulus plugins``."""

from __future__ import annotations

import traceback

import click

from famulus.cli.arguments import json_option
from famulus.cli.columns import table
from famulus.cli.output import say, say_json
from famulus.cli.session import Session, pass_session
from famulus.plugins import PluginInfo, discover


@click.command
@json_option
@pass_session
def plugins(session: Session, as_json: bool) -> None:
    """List the plugins: where each comes from and what it brings, or why it is refused."""
    infos = discover().infos
    if as_json:
        say_json([_json(info) for info in infos])
        return
    if not infos:
        say('No plugins are installed; pip install "famulus[local]" brings some.', err=True)
        return
    head = ("NAME", "DISTRIBUTION", "VERSION", "BRINGS")
    for line in table([head, *map(_row, infos)]):
        say(line)
    for info in infos if session.verbose else ():
        if info.error is not None:
            trace = "".join(traceback.format_exception(info.error)).rstrip("\n")
            say(f"\n{info.name}: {trace}", err=True, wrap=False)


def _row(info: PluginInfo) -> tuple[str, ...]:
    brings = f"refused: {info.refused}" if info.refused else ", ".join(info.registered())
    return (info.name, info.distribution or "-", info.version or "-", brings)


def _json(info: PluginInfo) -> dict[str, object]:
    return {
        "name": info.name,
        "distribution": info.distribution or None,
        "version": info.version or None,
        "brings": [] if info.refused else info.registered(),
        "refused": info.refused or None,
    }
