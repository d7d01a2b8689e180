"""``famulus export``."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from famulus.cli.arguments import run_number
from famulus.cli.lazy import works_in
from famulus.cli.session import pass_session


def comma_separated(text: str) -> tuple[str, ...]:
    """Read ``accepted,rejected``."""
    words = tuple(filter(None, (word.strip() for word in text.split(","))))
    if not words:
        raise click.BadParameter("is empty; leave the option out to export everything")
    return words


def aware_time(text: str) -> datetime:
    """Read a date or a time; it is in UTC unless it names another zone. Return it in UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is not a date or time, such as 2030-01-31 or 2030-01-31T18:00"
        ) from None


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
    help="By default, the format that the file's name ends in, or jsonl for the output.",
)
@click.option(
    "--status",
    "statuses",
    type=comma_separated,
    metavar="STATUS[,...]",
    help="Only answers that completed a unit whose status is now: "
    "completed (not reviewed yet), accepted, soft_rejected, rejected.",
)
@click.option(
    "--since",
    type=aware_time,
    metavar="TIME",
    help="Only what was submitted then or later: 2030-01-31, 2030-01-31T18:00 (in UTC), or "
    "2030-01-31T18:00+02:00.",
)
@click.option(
    "--worker",
    "workers",
    multiple=True,
    metavar="WORKER",
    help="Only what this worker has submitted; can be repeated.",
)
@click.option(
    "--spreadsheet",
    is_flag=True,
    help="Put an apostrophe before texts that a spreadsheet would take for a formula.",
)
@click.option(
    "--each",
    metavar="NAME",
    help="Write a record for each item of the list NAME in inputs and outputs, such as items.",
)
@click.option(
    "--files", "with_files", is_flag=True, help="Copy uploaded files into a folder beside FILE."
)
@click.pass_context
@pass_session
@works_in("export")
def export() -> None:
    """Write the answers to all runs of TASK, or to one run, as JSON lines or CSV.

    Works at any time, also while the run goes on: one record for each submission there is. In CSV
    each column of the data is `input.NAME` and each answer `output.NAME`; lists and files are JSON.
    Values are written as they are. A spreadsheet may take a worker's text that begins with `=` for
    a formula: --spreadsheet writes such texts with an apostrophe in front.
    """
