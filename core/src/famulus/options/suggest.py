"""Suggestions for misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def add_hint(message: str, hint: str | None) -> str:
    """Return a message with a hint as its last part; None adds nothing."""
    if hint is None:
        return message
    return f"{message}{' ' if message.endswith('?') else '; '}{hint}"


def did_you_mean(word: str, known: Iterable[str], *, otherwise: str = "there are") -> str:
    """Return the rest of a message about an unknown name: ``; did you mean 'port'?``.

    When no known name is near, it lists all of them after ``otherwise``; when there are none, it is
    empty.
    """
    names = sorted(known)
    near = difflib.get_close_matches(word.lower(), [name.lower() for name in names], n=1)
    if near:
        name = next(name for name in names if name.lower() == near[0])
        return f"; did you mean {name!r}?"
    return f"; {otherwise}: {', '.join(names)}" if names else ""
