"""``famulus runs``."""

from __future__ import annotations

import click

from famulus.cli.arguments import json_option
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session


@click.command
@json_option
@pass_session
@works_in("runs")
def runs() -> None:
    """List the runs, the newest first."""
