"""The limits of a run in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from famulus.cli.words import counted, duration
from famulus.engine.run_limits import run_limits
from famulus.engine.runs import RunRecord

_IN_SECONDS = ("_in_seconds", "_timeout", "_patience")


def limit_words(name: str, value: Any, run: RunRecord) -> str:
    """Return one limit's value."""
    if name.endswith(_IN_SECONDS):
        return f"{value} ({duration(timedelta(seconds=value))})"
    if not value:
        return "no limit"
    return f"{value} {run.currency}" if name == "max_spend" else str(value)


def limits_line(run: RunRecord) -> str:
    """Return the limits on workers in one line, without the limits on time."""
    return ", ".join(_parts(run_limits(run), run))


def _parts(limits: dict[str, Any], run: RunRecord) -> Iterator[str]:
    yield f"{duration(timedelta(seconds=limits['assignment_duration_in_seconds']))} for a unit"
    if limits["maximum_units_per_worker"]:
        yield f"{counted(limits['maximum_units_per_worker'], 'unit')} a worker"
    if limits["allowed_concurrent"]:
        yield f"{limits['allowed_concurrent']:,} at a time for one worker"
    if limits["max_num_concurrent_units"]:
        yield f"{counted(limits['max_num_concurrent_units'], 'unit')} open at once"
    if limits.get("max_spend"):
        yield f"{limits['max_spend']} {run.currency} in all"
