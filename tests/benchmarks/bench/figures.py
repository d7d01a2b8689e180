"""The figures, each with its limit and its goal, as one table."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from collections.abc import Sequence

from attrs import frozen
from rich.console import Console
from rich.table import Table

_HEADINGS = ("what", "measured", "beside, in the same run", "goal", "met")


@frozen(kw_only=True)
class Figure:
    """One row of the table. ``met`` is None where there is no goal."""

    subject: str
    what: str
    measured: str
    beside: str = ""
    goal: str = ""
    met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """The row behind its subject."""
        met = "" if self.met is None else "yes" if self.met else "NO"
        return (self.what, self.measured, self.beside, self.goal, met)


def show(figures: Sequence[Figure], title: str) -> None:
    """Print the table for a terminal."""
    width = min(max(shutil.get_terminal_size((110, 24)).columns, 80), 120)
    table = Table(title=title, show_lines=False, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold")
    subject = ""
    for figure in figures:
        if figure.subject != subject:
            subject = figure.subject
            table.add_section()
            table.add_row(f"[bold]{subject}[/bold]")
        style = "red" if figure.met is False else ""
        table.add_row(*figure.cells, style=style)
    Console(width=width).print(table)


def as_markdown(figures: Sequence[Figure], title: str) -> str:
    """Return the table as Markdown, a heading a subject."""
    lines = [title, ""]
    subject = ""
    for figure in figures:
        if figure.subject != subject:
            subject = figure.subject
            lines += ["", f"### {subject}", "", _row(_HEADINGS), _row(["---"] * len(_HEADINGS))]
        lines.append(_row(figure.cells))
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def machine() -> str:
    """Return what the figures were measured on."""
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return (
        f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, loopback"
    )


def milliseconds(seconds: float) -> str:
    """Return a short time with two figures that mean something."""
    value = seconds * 1000
    digits = 2 if value < 1 else 1 if value < 100 else 0
    return f"{value:.{digits}f} ms"


def percent(share: float) -> str:
    """Return a share without digits behind the point."""
    return f"{share:.0%}"


def plain(number: float) -> str:
    """Return a number without digits behind the point."""
    return f"{number:,.0f}"


def megabytes(size: int) -> str:
    """Return a size in bytes, in millions of them."""
    return f"{size / 1e6:,.0f} MB"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
