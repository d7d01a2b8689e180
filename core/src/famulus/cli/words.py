"""Numbers, times and places in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from famulus.model.states import ENDED_RUNS, LIVE_RUNS, RunStatus, UnitStatus


def counted(number: int, noun: str) -> str:
    """Return ``1 unit`` or ``2,000 units``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def people(number: int) -> str:
    """Return ``1 worker is`` or ``3 workers are``."""
    return f"{counted(number, 'worker')} {'is' if number == 1 else 'are'}"


def duration(time: timedelta) -> str:
    """Return a length of time in its two largest parts: ``2 hours 5 minutes``."""
    seconds = max(round(time.total_seconds()), 0)
    parts: list[str] = []
    for name, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        number, seconds = divmod(seconds, size)
        if number or (name == "second" and not parts):
            parts.append(counted(number, name))
        elif parts:
            break
    return " ".join(parts[:2])


def moment(time: datetime, now: datetime) -> str:
    """Return a time on the local clock, with its date unless that is today."""
    local = time.astimezone()
    is_today = local.date() == now.astimezone().date()
    return f"{local:%H:%M:%S}" if is_today else f"{local:%Y-%m-%d %H:%M:%S}"


def run_status(status: RunStatus, operated_by: str | None) -> str:
    """Return ``running``, or ``running (no process)`` if no process operates the run.

    A run whose operator was killed keeps its status until it is resumed or ended.
    """
    return f"{status} (no process)" if status in LIVE_RUNS and operated_by is None else f"{status}"


def units_by_status(units: Mapping[UnitStatus, int]) -> str:
    """Return ``launched 2, completed 1``, in the order of a unit's life."""
    return ", ".join(f"{status} {units[status]:,}" for status in UnitStatus if units.get(status))


def address(status: RunStatus, url: str) -> str:
    """Return where a run is served; empty once it has ended, when something else may be there."""
    return "" if status in ENDED_RUNS else url
