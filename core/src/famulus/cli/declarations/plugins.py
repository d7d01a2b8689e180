"""``famulus plugins``."""

from __future__ import annotations

import click

from famulus.cli.arguments import json_option
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session


@click.command
@json_option
@click.pass_context
@pass_session
@works_in("plugins")
def plugins() -> None:
    """List the plugins and the commands of other packages.

    Shows where each comes from and what it brings, or why it cannot be used; also which types are
    registered twice, and which plugin takes long to import.
    """
