"""``famulus qualifications``."""

from __future__ import annotations

from pathlib import Path

import click

from famulus.cli.arguments import json_option, provider_options
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session

_create_option = click.option(
    "--create", is_flag=True, help="Create the qualification where there is none of that name."
)


@click.group
def qualifications() -> None:
    """Qualifications: named numbers of workers, which decide who may work on what."""


@qualifications.command("list")
@json_option
@pass_session
@works_in("qualifications")
def list_all() -> None:
    """List the qualifications."""


@qualifications.command
@click.argument("name")
@click.option("--description", default="", help="What the qualification means.")
@pass_session
@works_in("qualifications")
def create() -> None:
    """Create the qualification NAME."""


@qualifications.command(short_help="Grant the qualification NAME to workers.")
@click.argument("name")
@click.argument("workers", nargs=-1, required=True, metavar="WORKER...")
@click.option("--value", type=int, default=1, show_default=True, help="The value to grant.")
@_create_option
@provider_options
@pass_session
@works_in("qualifications")
def grant() -> None:
    """Grant the qualification NAME to workers, or change its value.

    A WORKER is named by the provider's id for them, and need not have come yet. The platform is
    informed too, if it has qualifications.
    """


@qualifications.command
@click.argument("name")
@click.argument("workers", nargs=-1, required=True, metavar="WORKER...")
@provider_options
@pass_session
@works_in("qualifications")
def revoke() -> None:
    """Take the qualification NAME from workers."""


@qualifications.command
@click.argument("name")
@click.option("--provider", metavar="TYPE", help="Only workers of this provider.")
@json_option
@pass_session
@works_in("qualifications")
def workers() -> None:
    """List the workers who have the qualification NAME."""


@qualifications.command("import", short_help="Grant what a CSV file lists.")
@click.argument(
    "file", metavar="FILE.csv", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.argument("name", required=False)
@_create_option
@provider_options
@pass_session
@works_in("qualifications")
def import_() -> None:
    """Grant what FILE.csv lists, such as an allow list or a block list of thousands.

    Its first line names the columns: `worker`; `value`, if it is not 1 for all; `qualification`,
    unless NAME is given. Workers need not have come yet. The file is checked whole before the first
    row is granted; importing it again changes nothing.
    """


@qualifications.command("reset-onboarding", short_help="Let workers repeat an onboarding.")
@click.argument("name")
@click.argument("workers", nargs=-1, required=True, metavar="WORKER...")
@provider_options
@pass_session
@works_in("qualifications")
def reset_onboarding() -> None:
    """Let workers repeat the onboarding of the qualification NAME.

    Forgets that they have passed or failed it, here and on the platform.
    """
