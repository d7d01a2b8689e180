"""``famulus launch``, ``check`` and ``resume``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from famulus.cli.arguments import run_argument
from famulus.cli.interrupts import Interrupts
from famulus.cli.session import Session, pass_session
from famulus.cli.staying import announce, stay
from famulus.cli.words import say
from famulus.operate.operator import Checked, Operator
from famulus.work.runs import find_run

F = TypeVar("F", bound=Callable[..., Any])


def _configuration(function: F) -> F:
    """Add the arguments ``CONFIG [OVERRIDES]...``."""
    overrides = click.argument("overrides", nargs=-1)
    return click.argument("config", type=click.Path())(overrides(function))


_log_rate = click.option(
    "--log-rate",
    type=click.FloatRange(min=1),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="Time between two lines of progress where the output is no terminal.",
)


@click.command
@_configuration
@_log_rate
@click.pass_context
@pass_session
def launch(
    session: Session,
    ctx: click.Context,
    config: str,
    overrides: tuple[str, ...],
    log_rate: float,
) -> None:
    """Launch a task and stay until it is done.

    CONFIG is a YAML file; OVERRIDES such as architect.port=1234 or architect=local come before what
    it says.

    Ends with status 0 when every unit is done, with 1 when the run ended otherwise, with 2 when the
    configuration is wrong; nothing is written then.

    Ctrl-C (or SIGTERM) once: nobody new is let in, who is at work may finish, and the run is
    stopped, with status 0. Twice: it is stopped at once, with status 130. Either way nothing is
    lost, and `famulus resume` goes on at the same address.
    """
    with session.open_database() as database, Operator(database) as operator:
        checked = operator.check(config, overrides=overrides)
        _warn(checked)
        say(f"Creating a task run under task name: {checked.plan.task_name}")
        say(f"Database: {database.location.shown}")
        with Interrupts() as interrupts:
            launched = operator.launch(checked)
            announce(launched, session)
            status = stay(session, operator, launched.run_id, interrupts, log_rate)
    ctx.exit(status)


@click.command
@run_argument
@_log_rate
@click.pass_context
@pass_session
def resume(session: Session, ctx: click.Context, run: int, log_rate: float) -> None:
    """Go on with run RUN, which was stopped or whose operator has died, at the same address.

    Stays until the run is done and ends like `famulus launch`. Those who were at work get back the
    time during which nobody served them.
    """
    with session.open_database() as database, Operator(database) as operator:
        record = find_run(database, run)
        say(f"Resuming run {run} of the task {record.task_name}")
        say(f"Database: {database.location.shown}")
        with Interrupts() as interrupts:
            announce(operator.resume(run), session)
            status = stay(session, operator, run, interrupts, log_rate)
    ctx.exit(status)


@click.command
@_configuration
@pass_session
def check(session: Session, config: str, overrides: tuple[str, ...]) -> None:
    """Find everything that is wrong with a configuration, as a launch would; write nothing."""
    with session.open_database() as database, Operator(database) as operator:
        checked = operator.check(config, overrides=overrides)
    _warn(checked)
    plan = checked.plan
    click.echo(
        f"{config} is fine: task {plan.task_name}, blueprint {plan.blueprint.type}, "
        f"architect {plan.architect.type}, provider {plan.provider.type}"
    )


def _warn(checked: Checked) -> None:
    for warning in checked.warnings:
        click.echo(f"{click.style('famulus: warning:', fg='yellow')} {warning}", err=True)
