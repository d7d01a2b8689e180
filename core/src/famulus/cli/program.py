"""The program ``famulus``: its global options, its commands, and how it ends."""

from __future__ import annotations

import click

import famulus
from famulus.cli.lazy import Builtin, LazyGroup
from famulus.cli.reporting import Reporting
from famulus.cli.session import Session, database_option, verbose_option

_BUILTINS = {
    "launch": Builtin("famulus.cli.launching:launch", "Launch a task and stay until it is done."),
    "check": Builtin("famulus.cli.launching:check", "Check a configuration; write nothing."),
    "quote": Builtin("famulus.cli.quoting:quote", "Say what a task will cost."),
    "runs": Builtin("famulus.cli.runs:runs", "List the runs."),
    "status": Builtin("famulus.cli.runs:status", "Show how a run is getting on."),
    "set": Builtin("famulus.cli.limits:set_command", "Change limits of a run that goes on."),
    "sync": Builtin("famulus.cli.syncing:sync", "Ask the platform what has become of visits."),
    "doctor": Builtin("famulus.cli.syncing:doctor", "List what differs from the platform."),
    "stop": Builtin("famulus.cli.ending:stop", "Stop a run; it can be resumed."),
    "resume": Builtin("famulus.cli.launching:resume", "Go on with a run that was stopped."),
    "finish": Builtin("famulus.cli.ending:finish", "End a run for good."),
    "payments": Builtin("famulus.cli.payments:payments", "List what was paid, and settle it."),
    "bonus": Builtin("famulus.cli.payments:bonus", "Pay somebody on top for a unit."),
    "compensate": Builtin("famulus.cli.payments:compensate", "Pay somebody for lost work."),
    "examine": Builtin("famulus.cli.reviewing:examine", "Show what was done, the newest first."),
    "review": Builtin("famulus.cli.reviewing:review", "Accept, pass or reject what was done."),
    "export": Builtin("famulus.cli.export:export", "Write the answers to a file."),
    "qualifications": Builtin(
        "famulus.cli.qualifications:qualifications", "Say who may work: create, grant, import."
    ),
    "workers": Builtin("famulus.cli.workers:workers", "Show a worker; block one."),
    "wut": Builtin("famulus.cli.wut:wut", "Show what can be set, and what it is for."),
    "config": Builtin("famulus.cli.configs:config", "Show what a configuration resolves to."),
    "register": Builtin("famulus.cli.requesters:register", "Register an account that pays."),
    "requesters": Builtin("famulus.cli.requesters:requesters", "List the accounts that pay."),
    "profiles": Builtin("famulus.cli.profiles:profiles", "List your profiles."),
    "plugins": Builtin("famulus.cli.plugins:plugins", "List the plugins."),
}


class Program(Reporting, LazyGroup):
    """The commands by name."""


@click.group(
    cls=Program,
    builtins=_BUILTINS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=False,
)
@database_option
@verbose_option
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
