"""``famulus export``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from famulus.cli.arguments import run_number
from famulus.cli.formats import writer
from famulus.cli.session import Session, pass_session
from famulus.cli.whole_file import folder_aside, text_on, whole_file
from famulus.cli.words import counted
from famulus.review.export import export_records

_SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}


@click.command
@click.argument("task", required=False)
@click.option("--run", type=run_number, metavar="RUN", help="Only this run, instead of a task.")
@click.option(
    "-o", "--output", required=True, metavar="FILE", help="The file to write; - for the output."
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["jsonl", "csv"]),
    help="Unless given, what the file's name ends in; jsonl for the output.",
)
@pass_session
def export(
    session: Session, task: str | None, run: int | None, output: str, format_name: str | None
) -> None:
    """Write the answers to all runs of TASK, or to one run, as JSON lines or CSV.

    Works at any time, also while the run goes on: one record for each submission there is. In CSV
    each column of the data is `input.NAME` and each answer `output.NAME`; lists and files are JSON.
    Values are written as they are: a spreadsheet may take a worker's text that begins with `=` for
    a formula.
    """
    if (task is None) == (run is None):
        raise click.UsageError("name a TASK, or a run with --run, to export")
    write = writer(format_name or _format_of(output))
    with session.open_database() as database:
        records = export_records(database, task=task, run=run)
        if output == "-":
            with text_on(sys.stdout.buffer) as stream:
                number = write(records, stream, None)
        else:
            with whole_file(Path(output)) as stream:
                number = write(records, stream, folder_aside(Path(output)))
    target = "" if output == "-" else f" to {output}"
    hint = "" if number else "; nobody has submitted anything yet"
    click.echo(f"Wrote {counted(number, 'record')}{target}{hint}.", err=True)


def _format_of(output: str) -> str:
    if output == "-":
        return "jsonl"
    suffix = Path(output).suffix.lower()
    if suffix not in _SUFFIXES:
        raise click.UsageError(
            f"{output!r} does not say which format is meant; give --format jsonl or --format csv"
        )
    return _SUFFIXES[suffix]
