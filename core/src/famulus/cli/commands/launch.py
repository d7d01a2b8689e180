"""``famulus launch``, ``check`` and ``resume``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from famulus.cli.arguments import run_argument, with_configuration
from famulus.cli.confirm import yes_option
from famulus.cli.follow import announce, announce_launch, conclude, follow
from famulus.cli.interrupts import Interrupts
from famulus.cli.output import ask, say
from famulus.cli.scripts.script_resume import Resumption, needs_script, resume_by_script
from famulus.cli.session import Session, pass_session
from famulus.engine.runs import find_run
from famulus.errors import UsageError, without_warnings
from famulus.operate.operator import Operator
from famulus.operate.resuming import complete_unattended_end, refuse_ended
from famulus.options.command_line import split_conf
from famulus.plan import lacking_secrets, stored_script
from famulus.plugins import discover

_log_rate = click.option(
    "--log-rate",
    type=click.FloatRange(min=1),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="Time between two lines of progress when the output is not a terminal.",
)


@click.command
@with_configuration
@yes_option
@_log_rate
@click.pass_context
@pass_session
def launch(
    session: Session,
    ctx: click.Context,
    config: str,
    overrides: tuple[str, ...],
    yes: bool,
    log_rate: float,
) -> None:
    """Launch a task and wait until it is done.

    CONFIG is a YAML file; OVERRIDES such as architect.port=1234 or architect=local take precedence
    over it.

    Ends with status 0 when every unit is done, with 1 when the run ended otherwise, with 2 when the
    configuration is wrong; nothing is written then.

    Ctrl-C (or SIGTERM) once: no new workers are let in, those at work may finish, and the run is
    stopped, with status 0. Twice: it is stopped at once, with status 130. No answers are lost, and
    `famulus resume` continues the run at the same address.
    """
    with session.open_database() as database, Operator(database) as operator:
        checked = operator.check(config, overrides=overrides)
        session.warn(*checked.warnings)
        announce_launch(session, operator, checked, yes=yes)
        with Interrupts() as interrupts:
            launched = operator.launch(checked)
            announce(launched, session)
            status = follow(session, operator, [launched.run_id], interrupts, log_rate)
    ctx.exit(status)


@click.command
@run_argument
@_log_rate
@click.pass_context
@pass_session
def resume(session: Session, ctx: click.Context, run: int, log_rate: float) -> None:
    """Resume run RUN, which was stopped or whose operator has died, at the same address.

    Waits until the run is done and ends like `famulus launch`. Workers who were at work get back
    the time during which the run was not served. For a run that needs functions of its run script,
    the script is run up to the launch. Of a run that finished just before its operator was killed,
    only the outcome is shown.

    A secret of its configuration was not stored. It comes from the script, from the environment
    (that of provider.token is FAMULUS_SECRET_PROVIDER_TOKEN), or is asked for on a terminal.
    """
    with session.open_existing() as database:
        record = find_run(database, run)
        if complete_unattended_end(database, discover(), record):
            ctx.exit(conclude(session, database, run))
        refuse_ended(record)
        say(f"Resuming run {run} of the task {record.task_name}")
        say(f"Database: {database.location.shown}")
        script = stored_script(record.plan) if needs_script(record) else None
        if script is not None:
            resumption = Resumption(
                database=database, session=session, record=record, call=script, log_rate=log_rate
            )
            ctx.exit(resume_by_script(resumption))
        secrets = _asked_for(lacking_secrets(record.plan))
        with Operator(database) as operator, Interrupts() as interrupts:
            announce(operator.resume(run, secrets=secrets), session)
            status = follow(session, operator, [run], interrupts, log_rate)
    ctx.exit(status)


def _asked_for(keys: Sequence[str]) -> dict[str, str]:
    """Ask for secrets, if there is a terminal to ask on."""
    if not sys.stdin.isatty():
        return {}
    return {key: ask(f"Secret {key}", hidden=True) for key in keys}


@click.command
@with_configuration
@pass_session
def check(session: Session, config: str, overrides: tuple[str, ...]) -> None:
    """Find everything that is wrong with a configuration, as a launch would; write nothing.

    Where a registered requester pays, the platform is asked for their balance.
    """
    with session.open_database() as database, Operator(database) as operator:
        checked = operator.check(config, overrides=overrides)
        unpaid = operator.balance_problems(checked)
    session.warn(*checked.warnings, *(each for each in unpaid if each.warning))
    if problems := without_warnings(unpaid):
        raise UsageError(problems)
    plan, (picked, _) = checked.plan, split_conf(overrides)
    say(
        f"{picked or config} is fine: task {plan.task_name}, blueprint {plan.blueprint.type}, "
        f"architect {plan.architect.type}, provider {plan.provider.type}"
    )
