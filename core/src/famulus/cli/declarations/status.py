"""``famulus status``."""

from __future__ import annotations

import click

from famulus.cli.arguments import json_option, run_argument
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session


@click.command
@run_argument
@json_option
@pass_session
@works_in("status")
def status() -> None:
    """Show the progress of run RUN."""
