"""The list of runs, as a table and as JSON."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Any

from famulus.cli.texts.columns import aligned
from famulus.data.run_summaries import RunSummary
from famulus.iso_time import iso

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
