"""``famulus set``."""

from __future__ import annotations

import click

from famulus.cli.arguments import run_argument
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session


@click.command("set")
@run_argument
@click.argument("limits", nargs=-1, metavar="[LIMIT=VALUE]...")
@pass_session
@works_in("set")
def set_command() -> None:
    """Change limits of run RUN, whichever process operates it; without LIMITS, show them.

    They are options of the task: `famulus set 3 maximum_units_per_worker=5 allowed_concurrent=1`.
    A limit applies from the next arrival on; workers who are at work already are not affected.
    """
