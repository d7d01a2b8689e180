"""``famulus runs``."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click

from famulus.cli.arguments import json_option
from famulus.cli.columns import aligned
from famulus.cli.output import say, say_json
from famulus.cli.session import Session, pass_session
from famulus.data.run_summaries import RunSummary, list_runs
from famulus.iso_time import iso


@click.command
@json_option
@pass_session
def runs(session: Session, as_json: bool) -> None:
    """List the runs, the newest first."""
    with session.open_existing() as database:
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


_HEAD = ("RUN", "STATUS", "UNITS", "LAUNCHED", "BLUEPRINT", "PROVIDER", "ADDRESS", "TASK")
#: The columns of the first line where a run takes two; the others stand in the second.
_NARROW = (0, 1, 2, 3, 7)


def run_table(runs: Sequence[RunSummary]) -> list[str]:
    """Return a line a run; two on a terminal that is too narrow, so that nothing is cut off."""
    rows = [_row(each) for each in runs]
    lines = aligned([_HEAD, *rows])
    width = shutil.get_terminal_size().columns
    if not sys.stdout.isatty() or max(map(len, lines)) <= width:
        return lines
    head, *firsts = aligned([[row[column] for column in _NARROW] for row in (_HEAD, *rows)])
    seconds = [", ".join(filter(None, row[4:7])) for row in rows]
    pairs = zip(firsts, seconds, strict=True)
    return [head, *(line for first, second in pairs for line in (first, f"     {second}"))]


def run_json(run: RunSummary) -> dict[str, Any]:
    """Return a run of the list as JSON."""
    record = run.record
    return {
        "run": record.id,
        "task": record.task_name,
        "status": record.status.value,
        "blueprint": record.blueprint_type,
        "architect": record.architect_type,
        "provider": record.provider_type,
        "units": {status.value: number for status, number in run.units.items()},
        "units_done": run.done,
        "units_total": run.total,
        "launched_at": iso(record.created_at),
        "ended_at": None if record.ended_at is None else iso(record.ended_at),
        "url": record.url,
    }


def _row(run: RunSummary) -> tuple[str, ...]:
    record = run.record
    return (
        str(record.id),
        record.status.value,
        f"{run.done}/{run.total}",
        f"{record.created_at.astimezone():%Y-%m-%d %H:%M}",
        record.blueprint_type,
        record.provider_type,
        record.url,
        record.task_name,
    )
