"""``famulus runs``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from famulus.cli.output import say, say_json
from famulus.cli.session import Session
from famulus.cli.text_layout import aligned, text_width
from famulus.cli.words import address, run_status
from famulus.data.run_summaries import RunSummary, list_runs
from famulus.iso_time import iso

_HEAD = ("RUN", "STATUS", "UNITS", "LAUNCHED", "BLUEPRINT", "PROVIDER", "ADDRESS", "TASK")
#: The columns of the first line where a run takes two; the others stand in the second.
_NARROW = (0, 1, 2, 3, 7)


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


def run_table(runs: Sequence[RunSummary]) -> list[str]:
    """Return one line per run, or two if one would be too wide."""
    rows = [_row(each) for each in runs]
    lines = aligned([_HEAD, *rows])
    if max(map(len, lines)) <= text_width():
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
        "url": address(record.status, record.url) or None,
        "operated_by": run.operated_by,
    }


def _row(run: RunSummary) -> tuple[str, ...]:
    record = run.record
    return (
        str(record.id),
        run_status(record.status, run.operated_by),
        f"{run.done}/{run.total}",
        f"{record.created_at.astimezone():%Y-%m-%d %H:%M}",
        record.blueprint_type,
        record.provider_type,
        address(record.status, record.url),
        record.task_name,
    )
