"""``famulus launch``, ``check`` and ``resume``."""

from __future__ import annotations

import click

from famulus.cli.arguments import run_argument, with_configuration
from famulus.cli.confirm import yes_option
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session

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
@works_in("launch")
def launch() -> None:
    """Launch a task and wait until it is done.

    CONFIG is a YAML file; OVERRIDES such as architect.port=1234 or architect=local take precedence
    over it.

    Ends with status 0 when every unit is done, with 1 when the run ended otherwise, with 2 when the
    configuration is wrong; nothing is written then.

    Ctrl-C (or SIGTERM) once: no new workers are let in, those at work may finish, and the run is
    stopped, with status 0. Twice: it is stopped at once, with status 130. No answers are lost, and
    `famulus resume` continues the run at the same address.
    """


@click.command
@run_argument
@_log_rate
@click.pass_context
@pass_session
@works_in("launch")
def resume() -> None:
    """Resume run RUN, which was stopped or whose operator has died, at the same address.

    Waits until the run is done and ends like `famulus launch`. Workers who were at work get back
    the time during which the run was not served. For a run that needs functions of its run script,
    the script is run up to the launch. Of a run that finished just before its operator was killed,
    only the outcome is shown.

    Secrets of its configuration are not stored. Each comes from the script, from the environment
    (that of provider.token is FAMULUS_SECRET_PROVIDER_TOKEN), or is asked for on a terminal.
    """


@click.command
@with_configuration
@pass_session
@works_in("launch")
def check() -> None:
    """Find everything that is wrong with a configuration, as a launch would; write nothing.

    If a registered requester pays, the platform is asked for their balance.
    """
