"""``famulus register`` and ``famulus requesters``."""

from __future__ import annotations

import click

from famulus.cli.arguments import json_option
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session


@click.command
@click.argument("provider")
@click.argument("settings", nargs=-1, metavar="[name=NAME] [KEY=VALUE]...")
@json_option
@pass_session
@works_in("requesters")
def register() -> None:
    """Register an account that pays for runs: a requester of PROVIDER.

    Missing settings are asked for on a terminal; a secret only there, so that neither the shell's
    history nor other users see it. The provider checks the account before anything is written.
    Registering a name again changes its settings. The amount that the account can spend is shown if
    the platform reports it.

    `famulus wut provider=PROVIDER` shows what can be set.
    """


@click.command
@json_option
@pass_session
@works_in("requesters")
def requesters() -> None:
    """List the accounts that pay for runs."""
