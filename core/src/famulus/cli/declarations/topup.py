"""``famulus topup``."""

from __future__ import annotations

import click

from famulus.cli.arguments import json_option, run_argument
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session


@click.command
@run_argument
@click.option("--hourly", required=True, metavar="AMOUNT", help="The wage to raise the pay to.")
@click.option("--reason", help="What it is for, instead of a sentence with the wage.")
@click.option("--yes", is_flag=True, help="Pay without asking.")
@json_option
@click.pass_context
@pass_session
@works_in("topup")
def topup() -> None:
    """Raise the pay of run RUN's accepted work to an hourly wage.

    Each unit counts as long as the median of the measured times. Lists what each visit gets, and
    asks before it pays. Only visits whose reward is paid or owed are topped up, and none twice to
    the same wage, however often the command is given. With --json and without --yes, nothing is
    paid.

    Ends with status 1 if a payment has failed or its outcome is unknown, and with 0 if each is
    made, was accepted, or is still to be made.
    """
