"""``famulus workers``."""

from __future__ import annotations

import click

from famulus.cli.arguments import json_option, provider_options, run_argument
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session

_workers_argument = click.argument("workers", nargs=-1, required=True, metavar="WORKER...")
_on_platform = click.option(
    "--on-platform",
    is_flag=True,
    help="Block on the platform too, which may harm the worker's account with all requesters.",
)


@click.group
def workers() -> None:
    """Workers: their work and qualifications, refusals, and blocks."""


@workers.command(short_help="Show a worker's work and qualifications.")
@click.argument("worker")
@click.option(
    "--provider",
    metavar="TYPE",
    help="Provider of the worker; needed where several workers have that name.",
)
@json_option
@pass_session
@works_in("workers")
def show() -> None:
    """Show what WORKER has done, their qualifications, and whether they are blocked.

    WORKER is the worker's id or, if the provider stores them, their real name or address.
    """


@workers.command(short_help="List who was not let into run RUN, and why.")
@run_argument
@json_option
@pass_session
@works_in("workers")
def refused() -> None:
    """List the workers whom run RUN refused, and the reason, with more detail than workers see."""


@workers.command(short_help="Keep workers from every task.")
@_workers_argument
@click.option("--reason", default="", help="Reason; stored here, and sent with --on-platform.")
@_on_platform
@provider_options
@pass_session
@works_in("workers")
def block() -> None:
    """Keep workers from every task, regardless of their qualifications.

    A block applies at once, also to workers who have never come. They may submit what they have
    begun.
    """


@workers.command
@_workers_argument
@click.option("--reason", default="", help="Reason; stored here, and sent with --on-platform.")
@_on_platform
@provider_options
@pass_session
@works_in("workers")
def unblock() -> None:
    """Let workers work again."""


@workers.command(short_help="Replace a worker's name by a pseudonym, for good.")
@click.argument("name")
@click.option("--answers", is_flag=True, help="Remove their answers and uploaded files as well.")
@click.option(
    "--provider",
    metavar="TYPE",
    help="Provider of the worker; needed where several workers have that name.",
)
@click.option("--yes", is_flag=True, help="Do not ask first.")
@pass_session
@works_in("workers")
def forget() -> None:
    """Replace the name of a worker by a pseudonym everywhere in the database, for good.

    NAME is the worker's id or, if the provider stores them, their real name or address; they need
    not have come yet. What their provider stores about them is deleted, and so are the platform's
    parameters of their visits. Their answers and payments stay, under the pseudonym. Workers who
    are at work, or who are owed a decision or a payment, cannot be forgotten yet.

    A worker who comes again is a new one: blocks, qualifications and limits stay with the
    pseudonym.
    """
