"""``famulus quote``."""

from __future__ import annotations

import click

from famulus.cli.arguments import json_option, with_configuration
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session


@click.command
@with_configuration
@json_option
@pass_session
@works_in("quote")
def quote() -> None:
    """Estimate what a task will cost with fees and taxes, before it is launched.

    CONFIG and OVERRIDES are those of `famulus launch`. Nothing is written. What the requester
    cannot pay for is a warning here.
    """
