"""A run's progress: a calm display on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from famulus.cli.pace import Pace
from famulus.cli.words import counted, duration, moment, say, units_by_status
from famulus.model.states import LoadingStatus, RunStatus
from famulus.operate.progress import Progress

_BAR_WIDTH = 40


class Display(Protocol):
    """Shows looks at a run; ``every`` is the number of seconds between them."""

    every: float

    def show(self, progress: Progress) -> None:
        """Show one look."""


@contextmanager
def display(log_rate: float) -> Iterator[Display]:
    """Show progress on standard output until the block ends.

    :param log_rate: seconds between lines where that is no terminal.
    """
    console = Console(file=sys.stdout)
    if not console.is_terminal or console.is_dumb_terminal:
        yield Lines(log_rate)
        return
    live = Live(console=console, transient=True, auto_refresh=False)
    with suppress(OSError):
        live.start()
    try:
        yield _Screen(live)
    finally:
        with suppress(OSError):
            live.stop()


class Lines:
    """One line a look."""

    def __init__(self, every: float) -> None:
        self.every = every
        self._pace = Pace()

    def show(self, progress: Progress) -> None:
        """Print the look as one line with its time."""
        self._pace.look(progress.at, progress.done)
        parts = [f"{progress.done:,} of {counted(progress.total, 'unit')} done"]
        parts += details(progress, self._pace)
        states = units_by_status(progress.units)
        say(f"{progress.at.astimezone():%H:%M:%S} {', '.join(parts)} ({states})")


class _Screen:
    """Three lines that stay in place."""

    every = 1.0

    def __init__(self, live: Live) -> None:
        self._live = live
        self._pace = Pace()

    def show(self, progress: Progress) -> None:
        """Draw the look in the place of the one before."""
        self._pace.look(progress.at, progress.done)
        head = Table.grid(padding=(0, 2))
        head.add_row(
            ProgressBar(total=max(progress.total, 1), completed=progress.done, width=_BAR_WIDTH),
            Text(f"{progress.done:,} of {counted(progress.total, 'unit')} done"),
        )
        lines = (", ".join(details(progress, self._pace)), units_by_status(progress.units))
        texts = [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in lines]
        with suppress(OSError):
            self._live.update(Group(Text(), head, *texts), refresh=True)


def details(progress: Progress, pace: Pace) -> list[str]:
    """Return what there is to say of a look beside its units: who works, how fast, how long yet."""
    words = f"{progress.at_work:,} at work"
    if progress.status is RunStatus.STOPPING:
        words = f"stopping: {words}"
        if progress.until is not None:
            words += f" until {moment(progress.until, progress.at)}"
    parts = [words]
    if progress.loading is LoadingStatus.LOADING:
        parts.append(f"loading ({counted(progress.rows_loaded, 'row')} so far)")
    elif progress.loading is LoadingStatus.FAILED:
        parts.append("loading failed")
    rate = pace.per_minute
    if rate is None or progress.status is RunStatus.STOPPING:
        return parts
    parts.append(f"{rate:,.1f} a minute" if rate < 100 else f"{rate:,.0f} a minute")
    left = pace.time_for(progress.open)
    if left and progress.loading is not LoadingStatus.LOADING:
        parts.append(f"about {duration(_rounded(left))} left")
    return parts


def _rounded(time: timedelta) -> timedelta:
    """Round to what an estimate can know: whole minutes once there are some."""
    minute = timedelta(minutes=1)
    return time if time < minute else round(time / minute) * minute
