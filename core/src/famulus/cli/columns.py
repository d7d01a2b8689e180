"""Text in columns, without lines around them: for people and for pipes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import zip_longest

from famulus.escaping import escaped_line

#: What a column in the middle takes at most, and what the last one needs to stand beside them.
_WIDEST = 24
_NARROWEST = 34
_INDENT = " " * 4


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return one line per row, each column as wide as its widest text; the last is not padded.

    A text is one line, whatever is in it.
    """
    rows = [[escaped_line(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def wrapped(rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Return columns whose last one is long text: wrapped within ``width`` characters, and below
    the others where it would be too narrow beside them. Without a width it is :func:`aligned`.
    """
    if width is None:
        return aligned(rows)
    cells = [[[row[0]], *(_wrap(text, _WIDEST) for text in row[1:-1])] for row in rows]
    widths = [
        max(len(line) for cell in column for line in cell) for column in zip(*cells, strict=True)
    ]
    left = sum(widths) + 2 * len(widths)
    lines: list[str] = []
    for row, short in zip(rows, cells, strict=True):
        if width - left >= _NARROWEST:
            lines += _beside([*short, _wrap(row[-1], width - left)], [*widths, 0])
        else:
            lines += _beside(short, widths)
            lines += [_INDENT + line for line in _wrap(row[-1], width - len(_INDENT)) if line]
    return lines


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def _beside(cells: Sequence[Sequence[str]], sizes: Sequence[int]) -> list[str]:
    lines = zip_longest(*cells, fillvalue="")
    padded = ([text.ljust(size) for text, size in zip(line, sizes, strict=True)] for line in lines)
    return ["  ".join(texts).rstrip() for texts in padded]
