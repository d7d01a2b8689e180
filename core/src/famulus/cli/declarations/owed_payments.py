"""``famulus payments owed`` and ``famulus payments paid``."""

from __future__ import annotations

import click

from famulus.cli.arguments import json_option, row_number
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session


@click.command(short_help="List what each worker is owed.")
@click.argument("scope", metavar="[RUN | TASK]", required=False)
@click.option("--task", help="The same as TASK, for a task whose name is a number.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("-o", "--output", metavar="FILE", help="Write CSV into this file.")
@json_option
@pass_session
@works_in("owed_payments")
def owed() -> None:
    """List what each worker is owed and is paid outside of the platform.

    Of run RUN, of all runs of TASK, or of all runs: one line for each worker and currency, with the
    worker's name as far as the provider knows it, and the numbers of the payments. Providers that
    do not pay leave it to you; `famulus payments paid` marks what was paid, by number or with the
    CSV file, which only you can read.
    """


@click.command(short_help="Mark what was paid outside of the platform.")
@click.argument("numbers", nargs=-1, type=row_number("payment", "payments owed"))
@click.option("--file", type=click.Path(), help="CSV that `famulus payments owed` has written.")
@click.option(
    "--note",
    required=True,
    help="How it was paid, such as the number of a bank transfer.",
)
@pass_session
@works_in("owed_payments")
def paid() -> None:
    """Mark the payments NUMBERS, or those of a list, as paid outside of the platform.

    All or none: each has to be owed, and in a list the amounts have to be those that are owed now.
    The same payments with the same note again change nothing; with another note they are refused,
    since they would have been paid twice.
    """
