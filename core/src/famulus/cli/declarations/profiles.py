"""``famulus profiles``."""

from __future__ import annotations

import click

from famulus.cli.arguments import json_option
from famulus.cli.lazy import works_in


@click.command
@json_option
@works_in("profiles")
def profiles() -> None:
    """List your profiles: configurations that `--profile NAME` puts under that of a task."""
