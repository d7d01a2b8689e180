"""A run script as a program: its command line, its help, and how it ends."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import click

from famulus.cli.confirm import yes_option
from famulus.cli.failures import report
from famulus.cli.logs import log_to_stderr
from famulus.cli.reporting import Reporting
from famulus.cli.scripts.decorator import RunScript
from famulus.cli.scripts.help import write_help
from famulus.cli.session import Session, database_option, verbose_option


class ScriptProgram(Reporting):
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

    def report(self, error: Exception, *, verbose: bool) -> int:
        frames = traceback.extract_tb(error.__traceback__)
        own = [each for each in frames if Path(each.filename) == self._script.file]
        place = f"{self._script.name}, line {own[-1].lineno}" if own else self._script.name
        return report(error, verbose=verbose, hint=f"{place}; -v shows the traceback")

    def _call(
        self, overrides: tuple[str, ...], database: str | None, verbose: bool, yes: bool
    ) -> None:
        from famulus.cli.scripts.operator import ScriptOperator

        ctx = click.get_current_context()
        typed = ctx.get_parameter_source("database") is click.core.ParameterSource.COMMANDLINE
        session = Session(database, address_typed=typed, verbose=verbose)
        with (
            log_to_stderr(verbose=verbose),
            session.open_database() as opened,
            ScriptOperator(opened, session, self._script, overrides, yes=yes) as operator,
        ):
            try:
                self._script.call(operator, overrides)
            except KeyboardInterrupt:
                if not operator.interrupt():
                    raise
        ctx.exit(operator.status)


def run_as_program(script: RunScript) -> int:
    """Run a script with the command line of this process; return the exit status."""
    name = f"python -m {script.module}" if script.module else f"python {script.name}"
    return ScriptProgram(script).run(sys.argv[1:], name)
