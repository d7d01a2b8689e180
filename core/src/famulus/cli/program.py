"""The program ``famulus``: its global options, its commands, and how it ends."""

from __future__ import annotations

import click

import famulus
from famulus.cli.lazy import Builtin, LazyGroup
from famulus.cli.reporting import ReportingCommand
from famulus.cli.session import Session, database_option, verbose_option

_BUILTINS = {
    "launch": Builtin("launch:launch", "Launch a task and wait until it is done."),
    "new": Builtin("new:new", "Copy a complete task, to begin with."),
    "check": Builtin("launch:check", "Check a configuration; write nothing."),
    "quote": Builtin("quote:quote", "Estimate what a task will cost."),
    "runs": Builtin("runs:runs", "List the runs."),
    "status": Builtin("status:status", "Show the progress of a run."),
    "set": Builtin("set:set_command", "Show or change the limits of a run."),
    "sync": Builtin("sync:sync", "Sync a run with its platform."),
    "doctor": Builtin("sync:doctor", "List differences from the platform."),
    "stop": Builtin("stop:stop", "Stop a run; it can be resumed."),
    "resume": Builtin("launch:resume", "Resume a run that was stopped."),
    "finish": Builtin("stop:finish", "End a run for good."),
    "payments": Builtin("payments:payments", "List payments; settle unknown ones."),
    "bonus": Builtin("payments:bonus", "Pay a worker a bonus for a unit."),
    "compensate": Builtin("payments:compensate", "Pay a worker for lost work."),
    "topup": Builtin("topup:topup", "Raise the pay to an hourly wage."),
    "examine": Builtin("review:examine", "Show finished units, the newest first."),
    "review": Builtin("review:review", "Accept, pass or reject finished units."),
    "export": Builtin("export:export", "Write the answers to a file."),
    "qualifications": Builtin(
        "qualifications:qualifications", "Decide who may work: create, grant, import."
    ),
    "workers": Builtin("workers:workers", "Show a worker; block one."),
    "wut": Builtin("wut:wut", "Show what can be set, and what it is for."),
    "config": Builtin("config:config", "Show what a configuration resolves to."),
    "register": Builtin("requesters:register", "Register an account that pays."),
    "requesters": Builtin("requesters:requesters", "List the accounts that pay."),
    "profiles": Builtin("profiles:profiles", "List your profiles."),
    "plugins": Builtin("plugins:plugins", "List the plugins."),
}


class Program(ReportingCommand, LazyGroup):
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

    Exit status: 0 when done; 1 when something failed; 2 when the input is wrong, and then
    nothing was written; 130 when interrupted.
    """
    from famulus.cli.logs import log_to_stderr

    typed = ctx.get_parameter_source("database") is click.core.ParameterSource.COMMANDLINE
    ctx.obj = session = Session(database, address_typed=typed, verbose=verbose)
    ctx.with_resource(log_to_stderr(session))
