"""Text fitted to a width: prose, and columns without lines around them."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Sequence
from itertools import zip_longest

from famulus.escaping import escaped_line

#: The largest width of a column in the middle, and the smallest of the last one next to them.
_WIDEST = 24
_NARROWEST = 34
_INDENT = " " * 4
#: Words, and commands in backquotes, which are never broken: they are pasted into a shell.
_WORD = re.compile(r"[^\s`]*`[^`]*`\S*|\S+")


def text_width() -> int:
    """Return the columns of the terminal; 80 for a pipe, unless ``COLUMNS`` is set."""
    return max(shutil.get_terminal_size().columns, 40)


def prose(text: str, *, hang: int = 0) -> list[str]:
    """Return a line of prose as lines within :func:`text_width`.

    :param hang: spaces before all lines but the first, in addition to those that the text begins
        with.
    """
    width = text_width()
    if len(text) <= width:
        return [text]
    margin = text[: len(text) - len(text.lstrip())] + " " * hang
    lines, line, end = [], "", 0
    for word in _WORD.finditer(text):
        joined = line + text[end : word.start()] + word[0]
        # What is too long for any line stays where it is: a break before it would not help.
        if len(joined) > width and line.strip() and len(margin + word[0]) <= width:
            lines.append(line)
            joined = margin + word[0]
        line, end = joined, word.end()
    return [*lines, line]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return one line per row, each column as wide as its widest text; the last is not padded.

    A text is always one line, even if it contains line breaks.
    """
    rows = [[escaped_line(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose first row is the head, within :func:`text_width`.

    Each row is one line if all fit; otherwise the layout is that of :func:`wrapped`.
    """
    lines = aligned(rows)
    return lines if max(map(len, lines)) <= text_width() else wrapped(rows, text_width())


def wrapped(rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Return columns whose last one is long text, wrapped within ``width`` characters.

    If the last column would be too narrow, its texts are below the others, except texts that fit
    next to them in one line. Other columns that do not fit are below, too. Without a width this is
    :func:`aligned`.
    """
    if width is None:
        return aligned(rows)
    rows = [[escaped_line(text) for text in row] for row in rows]
    cells = [[[row[0]], *(_wrap(text, _WIDEST) for text in row[1:-1])] for row in rows]
    widths = [
        max(len(line) for cell in column for line in cell) for column in zip(*cells, strict=True)
    ]
    fitting = max(_fitting(widths, width), 1)
    left = sum(widths) + 2 * len(widths)
    lines: list[str] = []
    for row, short in zip(rows, cells, strict=True):
        room = width - left
        if fitting == len(widths) and (room >= _NARROWEST or len(row[-1]) <= room):
            lines += _beside([*short, _wrap(row[-1], room)], [*widths, 0])
            continue
        lines += _beside(short[:fitting], widths[:fitting])
        below = "  ".join(filter(None, row[fitting:]))
        lines += [_INDENT + line for line in _wrap(below, width - len(_INDENT)) if line]
    return lines


def _fitting(widths: Sequence[int], width: int) -> int:
    """Return how many columns fit side by side."""
    number, taken = 0, 0
    for each in widths:
        taken += each + (2 if number else 0)
        if taken > width:
            break
        number += 1
    return number


def _wrap(text: str, width: int) -> list[str]:
    lines = textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)
    return lines or [""]


def _beside(cells: Sequence[Sequence[str]], sizes: Sequence[int]) -> list[str]:
    lines = zip_longest(*cells, fillvalue="")
    padded = ([text.ljust(size) for text, size in zip(line, sizes, strict=True)] for line in lines)
    return ["  ".join(texts).rstrip() for texts in padded]
