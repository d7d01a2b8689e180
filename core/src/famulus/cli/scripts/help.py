"""The help of a run script: what can be set, and where its files lie."""

from __future__ import annotations

import inspect

import click

from famulus.cli.scripts.decorator import RunScript
from famulus.errors import UsageError
from famulus.options.conf_files import conf_names
from famulus.options.describing import describe_options
from famulus.options.layers import ROLES
from famulus.options.option_classes import option_fields
from famulus.options.reading import Configuration, read_configuration
from famulus.options.task_config import own_arguments


def write_help(script: RunScript, formatter: click.HelpFormatter) -> None:
    """Write the sections that stand between the usage and the options."""
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(inspect.getdoc(script.function) or f"Run {script.name}.")
        formatter.write_paragraph()
        formatter.write_text(
            "OVERRIDES such as architect.port=1234 or architect=local come before what the "
            "configuration says."
        )
    for title, rows in (
        ("Configuration", _files(script)),
        ("Arguments of this script", _arguments(script)),
        ("Options of the run", _sections(script)),
    ):
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _files(script: RunScript) -> list[tuple[str, str]]:
    try:
        folders = script.conf_folders()
    except UsageError as error:
        return [("conf=NAME", str(error))]
    names = ", ".join(conf_names(folders))
    default = script.config.default_config_file
    places = ", ".join(f"{folder}{'/'}" for folder in folders)
    return [
        ("conf=NAME", f"One of: {names}; {default} unless given. They lie in {places}"),
        ("+profile=NAME", "A configuration of your own under it; `famulus profiles` lists them."),
    ]


def _arguments(script: RunScript) -> list[tuple[str, str]]:
    return [
        (
            f"{each.dest}={'' if each.required else each.default}",
            f"{each.help} ({each.type}{', required' if each.required else ''})".strip(),
        )
        for each in describe_options(own_arguments(script.config))
    ]


def _sections(script: RunScript) -> list[tuple[str, str]]:
    configuration = _configuration(script)
    chosen = {} if configuration is None else configuration.roles
    words = [f"{role}={chosen[role]}" if role in chosen else role for role in ROLES]
    return [
        (f"{word.partition('=')[0]}.OPTION=…", f"See `famulus wut {word}`.")
        for word in (*words, "task")
    ]


def _configuration(script: RunScript) -> Configuration | None:
    names = option_fields(own_arguments(script.config))
    try:
        return read_configuration(script.conf_file(), task_dir=script.folder, arguments=names)
    except UsageError:
        return None
