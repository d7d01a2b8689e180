"""``famulus sync`` and ``famulus doctor``."""

from __future__ import annotations

import click

from famulus.cli.arguments import json_option, run_number
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session


@click.command
@click.argument("run", type=run_number, required=False)
@click.option(
    "--acknowledge",
    is_flag=True,
    help="Then count verdicts that the platform refuses as settled: reviews here stay as they are, "
    "and so does what the platform has decided.",
)
@pass_session
@works_in("sync")
def sync() -> None:
    """Ask the platform of run RUN for the status of its visits, and send it what is due.

    The operator of a run does this all the time; the command is for runs that are over, or when you
    do not want to wait. What the platform has refused is sent again. Places of a run without an
    operator are closed; `famulus resume` opens new ones. Without RUN, what concerns the requesters'
    accounts is sent, or sent again.
    """


@click.command
@click.argument("run", type=run_number, required=False)
@json_option
@click.pass_context
@pass_session
@works_in("sync")
def doctor() -> None:
    """List differences between the platform and the database, and what to do about them.

    Covers all runs, unless RUN is given: then its platform is asked about all of its visits, even
    if there are many. Ends with status 1 when there is a difference. Changes nothing.
    """
