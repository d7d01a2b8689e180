"""``famulus config show``."""

from __future__ import annotations

import click

from famulus.cli.arguments import with_configuration
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session


@click.group
def config() -> None:
    """Look at configurations."""


@config.command(short_help="Show a configuration and its origins.")
@with_configuration
@pass_session
@works_in("config")
def show() -> None:
    """Show what a configuration resolves to, and where each value came from.

    Takes what `famulus launch` takes. Prints YAML that can be used as a configuration again, all
    options and defaults in it; secrets are left out. Problems are printed on standard error, as
    `famulus check` does, and end with status 2; what could be resolved is printed all the same.
    """
