"""A run script as a program: its command line, its help, and how it ends."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import click

from famulus.cli.confirm import yes_option
from famulus.cli.failures import report
from famulus.cli.logs import log_to_stderr
from famulus.cli.reporting import ReportingCommand
from famulus.cli.scripts.run_script import RunScript
from famulus.cli.session import Session, database_option, verbose_option
from famulus.errors import UsageError
from famulus.options.conf_files import conf_names
from famulus.options.configuration import Configuration, read_configuration
from famulus.options.describe import describe_options
from famulus.options.option_class import options_of
from famulus.options.source import ROLES
from famulus.options.task_config import own_arguments


class ScriptProgram(ReportingCommand):
    """The command line of one run script."""

    def __init__(self, script: RunScript) -> None:
        overrides = click.Argument(["overrides"], nargs=-1)
        super().__init__(
            script.name,
            params=[overrides],
            callback=self._call,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        )
        database_option(self)
        verbose_option(self)
        yes_option(self)
        self._script = script

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_usage(ctx, formatter)
        write_help(self._script, formatter)
        self.format_options(ctx, formatter)

    def report(self, error: Exception, *, verbose: bool, located: Callable[[str], str]) -> int:
        frames = traceback.extract_tb(error.__traceback__)
        own = [each for each in frames if Path(each.filename) == self._script.file]
        place = f"{self._script.name}, line {own[-1].lineno}" if own else self._script.name
        hint = f"{place}; -v shows the traceback"
        return report(error, verbose=verbose, hint=hint, located=located)

    def _call(
        self, overrides: tuple[str, ...], database: str | None, verbose: bool, yes: bool
    ) -> None:
        from famulus.cli.scripts.script_observer import ScriptObserver
        from famulus.operate.operator import Operator

        ctx = click.get_current_context()
        typed = ctx.get_parameter_source("database") is click.core.ParameterSource.COMMANDLINE
        ctx.obj = session = Session(database, address_typed=typed, verbose=verbose)
        observer = ScriptObserver(session, self._script, overrides, yes=yes)
        with (
            log_to_stderr(session),
            session.open_database() as opened,
            Operator(opened, observer=observer) as operator,
        ):
            try:
                self._script.call(operator, overrides)
            except KeyboardInterrupt:
                if not observer.interrupt(operator):
                    raise
        ctx.exit(observer.status)


def run_as_program(script: RunScript) -> int:
    """Run a script with the command line of this process; return the exit status."""
    name = f"python -m {script.module}" if script.module else f"python {script.name}"
    return ScriptProgram(script).run(sys.argv[1:], name)


def write_help(script: RunScript, formatter: click.HelpFormatter) -> None:
    """Write the sections that stand between the usage and the options."""
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(inspect.getdoc(script.function) or f"Run {script.name}.")
        formatter.write_paragraph()
        formatter.write_text(
            "OVERRIDES such as architect.port=1234 or architect=local take "
            "precedence over the configuration."
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
        (
            "+profile=NAME",
            "A profile of yours, which the configuration overrides; `famulus profiles` lists them.",
        ),
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
    names = options_of(own_arguments(script.config))
    try:
        return read_configuration(script.conf_file(), task_dir=script.folder, arguments=names)
    except UsageError:
        return None
