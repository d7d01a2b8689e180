"""Text from outside on its way into a log or a terminal."""

from __future__ import annotations


def printable(text: str, limit: int) -> str:
    """Return text in one line of at most ``limit`` characters, control characters escaped.

    Escape sequences and line breaks of a stranger must not reach the operator's terminal.
    """
    shown = text if len(text) <= limit else f"{text[:limit]}…"
    escaped = (char if char.isprintable() else repr(char)[1:-1] for char in shown)
    return shown if shown.isprintable() else "".join(escaped)[: 4 * limit]
