"""Suggestions for misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def add_hint(message: str, hint: str | None) -> str:
    """Return a message with a hint as its last part; None adds nothing."""
    if hint is None:
        return message
    return f"{message}{' ' if message.endswith('?') else '; '}{hint}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name most similar to a misspelt one, regardless of case, or None."""
    names = sorted(known)
    near = difflib.get_close_matches(word.lower(), [name.lower() for name in names], n=1)
    return next((name for name in names if name.lower() in near), None)


def did_you_mean(
    word: str, known: Iterable[str], *, otherwise: str = "there are", lists_all: bool = False
) -> str:
    """Return the rest of a message about an unknown name: ``; did you mean 'port'?``.

    If no known name is similar, the text lists all of them after ``otherwise``; if there are no
    known names, it is empty.

    :param lists_all: whether to list all known names after a suggestion too.
    """
    names = sorted(known)
    listed = f"{otherwise}: {', '.join(names)}"
    near = nearest(word, names)
    if near is not None:
        return f"; did you mean {near!r}?{f' ({listed})' if lists_all else ''}"
    return f"; {listed}" if names else ""
