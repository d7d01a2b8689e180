"""The progress of runs on a terminal, drawn in one place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from famulus.cli.display import Display, Rate, details, done_units
from famulus.cli.words import units_by_status
from famulus.escaping import escaped_line
from famulus.operate.progress import Progress

_BAR_WIDTH = 40


@contextmanager
def live_display() -> Iterator[Display | None]:
    """Yield a display that draws on standard output; None if that is no terminal, or a dumb one."""
    console = Console(file=sys.stdout)
    if not console.is_terminal or console.is_dumb_terminal:
        yield None
        return
    live = Live(console=console, transient=True, auto_refresh=False)
    with suppress(OSError):
        live.start()
    try:
        yield _Screen(live)
    finally:
        with suppress(OSError):
            live.stop()


class _Screen:
    """Three lines per run, and the lines about its undelivered rows, updated in place."""

    every = 1.0

    def __init__(self, live: Live) -> None:
        self._live = live
        self._rates: dict[int, Rate] = {}

    def show(self, *looks: Progress) -> None:
        """Draw the runs' progress over the previous lines."""
        for look in looks:
            self._rates.setdefault(look.run_id, Rate()).look(look.at, look.done)
        lines = [line for look in looks for line in self._lines(look)]
        with suppress(OSError):
            self._live.update(Group(*lines), refresh=True)

    def _lines(self, look: Progress) -> list[RenderableType]:
        run = f"  run {look.run_id}" if len(self._rates) > 1 else ""
        head = Table.grid(padding=(0, 2))
        head.add_row(
            ProgressBar(total=max(look.total, 1), completed=look.done, width=_BAR_WIDTH),
            Text(f"{done_units(look)}{run}"),
        )
        texts = (", ".join(details(look, self._rates[look.run_id])), units_by_status(look.units))
        lines = [_line(text, "dim") for text in texts]
        undelivered = [_line(str(rows), "yellow") for rows in look.undelivered]
        return [Text(), head, *lines, *undelivered]


def _line(text: str, style: str) -> Text:
    return Text(escaped_line(text), style=style, no_wrap=True, overflow="ellipsis")
