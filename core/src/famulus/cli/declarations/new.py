"""``famulus new``."""

from __future__ import annotations

from pathlib import Path

import click

from famulus.cli.arguments import json_option
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session


@click.group
def new() -> None:
    """Make something to begin with."""


@new.command
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--from", "name", metavar="NAME", help="The task to copy.")
@click.option("--list", "is_list", is_flag=True, help="List the tasks that can be copied.")
@json_option
@pass_session
@works_in("new")
def task() -> None:
    """Copy a complete task into FOLDER, to launch it and to change it.

    Without FOLDER, the copy is in a folder of the task's name. Nothing is overwritten. The tasks
    come with plugins: those of the blueprint `form` are shown in docs/gallery.
    """
