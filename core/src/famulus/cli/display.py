"""The progress of runs: a live display on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol

from famulus.cli.output import say
from famulus.cli.words import counted, duration, moment, units_by_status
from famulus.model.states import LoadingStatus, RunStatus
from famulus.operate.progress import Progress

_WINDOW = timedelta(minutes=10)
#: A rate measured for a shorter time, or over fewer units, would be a guess.
_LEAST = timedelta(seconds=10)
_LEAST_DONE = 2
#: Longer estimates are only shown as "more than a year".
TOO_LONG = timedelta(days=365)


class Rate:
    """The number of units done per minute, measured over the last ten minutes."""

    def __init__(self) -> None:
        self._looks: deque[tuple[datetime, int]] = deque()

    def look(self, at: datetime, done: int) -> None:
        """Record how many units were done at a time."""
        self._looks.append((at, done))
        while self._looks[0][0] < at - _WINDOW:
            self._looks.popleft()

    @property
    def per_minute(self) -> float | None:
        """Units per minute; None while there are too few data."""
        if len(self._looks) < 2:
            return None
        (start, before), (end, after) = self._looks[0], self._looks[-1]
        if end - start < _LEAST or after - before < _LEAST_DONE:
            return None
        return (after - before) / ((end - start) / timedelta(minutes=1))

    def time_for(self, units: int) -> timedelta | None:
        """Return how long a number of units will take; None while the rate is unknown.

        It is never more than :data:`TOO_LONG`.
        """
        rate = self.per_minute
        if rate is None:
            return None
        return timedelta(minutes=min(units / rate, TOO_LONG / timedelta(minutes=1)))


class Display(Protocol):
    """Shows the progress of runs; ``every`` is the number of seconds between two updates."""

    every: float

    def show(self, *looks: Progress) -> None:
        """Show the current progress of each run."""


@contextmanager
def display(log_rate: float) -> Iterator[Display]:
    """Show progress on standard output until the block ends.

    :param log_rate: seconds between lines if standard output is not a terminal.
    """
    if not sys.stdout.isatty():
        yield Lines(log_rate)
        return
    # Drawing takes a library that is slow to import.
    from famulus.cli.live_display import live_display

    with live_display() as screen:
        yield screen or Lines(log_rate)


class Lines:
    """Prints one line per update of a run, with the run's name if there are several runs."""

    def __init__(self, every: float) -> None:
        self.every = every
        self._rates: dict[int, Rate] = {}

    def show(self, *looks: Progress) -> None:
        """Print the progress of each run as one line with the time."""
        for look in looks:
            self._rates.setdefault(look.run_id, Rate()).look(look.at, look.done)
        for look in looks:
            parts = [done_units(look), *details(look, self._rates[look.run_id])]
            run = f"run {look.run_id}: " if len(self._rates) > 1 else ""
            states = units_by_status(look.units)
            time = f"{look.at.astimezone():%H:%M:%S}"
            say(f"{time} {run}{', '.join(parts)} ({states})", hang=len(time) + 1)
            for rows in look.undelivered:
                say(f"         {run}{rows}")


def done_units(look: Progress) -> str:
    """Return ``3 of 10 units done``."""
    return f"{look.done:,} of {counted(look.total, 'unit')} done"


def details(progress: Progress, rate: Rate) -> list[str]:
    """Return the other parts of a run's progress: workers at work, rate, time left."""
    words = f"{progress.at_work:,} at work"
    if progress.status is RunStatus.STOPPING:
        words = f"stopping: {words}"
        if progress.until is not None:
            words += f" until {moment(progress.until, progress.at)}"
    parts = [words]
    if progress.awaited_until is not None:
        parts.append(f"waiting for {awaited(progress)} (Ctrl-C ends it)")
    if progress.loading is LoadingStatus.LOADING:
        parts.append(f"{counted(progress.rows_loaded, 'row')} loaded so far")
    elif progress.loading is LoadingStatus.FAILED:
        parts.append("loading failed")
    per_minute = rate.per_minute
    if per_minute is None or progress.status is RunStatus.STOPPING:
        return parts
    digits = 1 if per_minute < 100 else 0
    parts.append(f"{per_minute:,.{digits}f} per minute")
    left = rate.time_for(progress.open)
    if left and progress.loading is not LoadingStatus.LOADING:
        parts.append(f"{_estimated(left)} left")
    return parts


def awaited(progress: Progress) -> str:
    """Return for how many visits the server of a finished run stays, and until when at most."""
    assert progress.awaited_until is not None
    visits = f"{counted(progress.awaited_visits, 'visit')} open on the platform"
    return f"{visits}, until {moment(progress.awaited_until, progress.at)} at most"


def _estimated(time: timedelta) -> str:
    """Return an estimate rounded to whole minutes, or to whole days from three days on."""
    minute, day = timedelta(minutes=1), timedelta(days=1)
    if time >= TOO_LONG:
        return "more than a year"
    unit = day if time >= 3 * day else minute
    return f"about {duration(time if time < minute else round(time / unit) * unit)}"


class FinishingLines:
    """Prints lines while a large run is being finished, on a terminal and elsewhere.

    :param every: seconds before the first line, and between two lines.
    """

    def __init__(self, every: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._due = clock() + every
        self._expired = 0

    def step(self, run: int, expired: int) -> None:
        """Count units of a run that have expired; print a line when it is due."""
        self._expired += expired
        if self._clock() >= self._due:
            say(f"Finishing run {run}: {counted(self._expired, 'unit')} expired so far.")
            self._due = self._clock() + self._every
