"""``famulus status``."""

from __future__ import annotations

import click

from famulus.cli.arguments import json_option, run_argument
from famulus.cli.output import say, say_json
from famulus.cli.session import Session, pass_session
from famulus.cli.texts.run_report import read_report
from famulus.cli.texts.run_texts import report_json, report_lines


@click.command
@run_argument
@json_option
@pass_session
def status(session: Session, run: int, as_json: bool) -> None:
    """Show how run RUN is getting on."""
    with session.open_database() as database:
        report = read_report(database, run)
    if as_json:
        say_json(report_json(report))
        return
    for line in report_lines(report, session):
        say(line)
