"""``famulus runs``."""

from __future__ import annotations

import click

from famulus.cli.arguments import json_option
from famulus.cli.output import say, say_json
from famulus.cli.session import Session, pass_session
from famulus.cli.texts.run_list import run_json, run_table
from famulus.data.run_summaries import list_runs


@click.command
@json_option
@pass_session
def runs(session: Session, as_json: bool) -> None:
    """List the runs, the newest first."""
    with session.open_database() as database:
        found = list_runs(database)
    if as_json:
        say_json([run_json(each) for each in found])
        return
    for line in run_table(found) if found else ():
        say(line)
    if not found:
        shown = database.location.shown
        hint = session.command("launch")
        say(f"No runs yet in {shown}; `{hint} CONFIG` makes the first.", err=True)
