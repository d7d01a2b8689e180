"""``famulus wut``: what can be set, read from the installed classes only."""

from __future__ import annotations

import click

from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session


@click.command
@click.argument("category", required=False, metavar="[CATEGORY[=TYPE]]")
@click.argument("words", nargs=-1)
@pass_session
@works_in("wut")
def wut() -> None:
    """Show what can be set, and what it is for.

    Without arguments: the categories. `famulus wut blueprint` lists the installed types of one;
    `famulus wut blueprint=static_task` shows the options of one type, and the fields that a run
    script can set in addition; `famulus wut task` shows the options of every task.

    With WORDS, only rows whose name contains one of them are shown: `famulus wut task reward`.

    On a terminal the columns fit its width; in a pipe each row is one line.
    """
