"""The program ``famulus``: its global options, its commands, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

import famulus
from famulus.cli.failures import INTERRUPTED, report, report_usage
from famulus.cli.lazy import Builtin, LazyGroup
from famulus.cli.session import Session

_BUILTINS = {
    "launch": Builtin("famulus.cli.launching:launch", "Launch a task and stay until it is done."),
    "check": Builtin("famulus.cli.launching:check", "Check a configuration; write nothing."),
    "runs": Builtin("famulus.cli.runs:runs", "List the runs."),
    "status": Builtin("famulus.cli.runs:status", "Show how a run is getting on."),
    "stop": Builtin("famulus.cli.ending:stop", "Stop a run; it can be resumed."),
    "resume": Builtin("famulus.cli.launching:resume", "Go on with a run that was stopped."),
    "finish": Builtin("famulus.cli.ending:finish", "End a run for good."),
    "export": Builtin("famulus.cli.export:export", "Write the answers to a file."),
    "plugins": Builtin("famulus.cli.plugins:plugins", "List the plugins."),
}


class Program(LazyGroup):
    """Ends with a line a problem and a status, never with a traceback that nobody asked for."""

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        *,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **extra)
        try:
            status = super().main(args, prog_name, standalone_mode=False, **extra)
        except click.Abort:
            click.echo("famulus: interrupted", err=True)
            status = INTERRUPTED
        except click.ClickException as error:
            status = report_usage(error)
        sys.exit(status)

    def invoke(self, ctx: click.Context) -> None:
        try:
            super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - the outermost place: told, not raised
            ctx.exit(report(error, verbose=ctx.params["verbose"]))


@click.group(
    cls=Program,
    builtins=_BUILTINS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=False,
)
@click.option(
    "--database",
    metavar="ADDRESS",
    envvar="FAMULUS_DATABASE",
    show_envvar=True,
    help="An SQLite file, or a PostgreSQL URL. Unless given, a file in your data folder.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks and the debug log.")
@click.version_option(famulus.__version__, prog_name="famulus", message="%(prog)s %(version)s")
@click.pass_context
def program(ctx: click.Context, database: str | None, verbose: bool) -> None:
    """Run human annotation and crowdsourcing tasks.

    Exit status: 0 when done; 1 when something failed; 2 when what was given is wrong, and then
    nothing was written; 130 when interrupted.
    """
    from famulus.cli.logs import log_to_stderr

    typed = ctx.get_parameter_source("database") is click.core.ParameterSource.COMMANDLINE
    ctx.obj = Session(database, address_typed=typed, verbose=verbose)
    ctx.with_resource(log_to_stderr(verbose=verbose))
