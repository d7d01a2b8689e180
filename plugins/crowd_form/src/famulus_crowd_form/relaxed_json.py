"""Read the lists and objects in attributes: JSON, or literals of JavaScript.

The documentation of Ground Truth calls them JSON, and writes ``categories="['Yes', 'No']"`` and
``exclusion-category="{ text: 'None of the above' }"``.
"""

from __future__ import annotations

import json
import re
from typing import Any

_TOKEN = re.compile(
    r"""\s*+(?:(?P<mark>[\[\]{},:])|(?P<double>"(?:\\.|[^"\\])*+")|'(?P<single>(?:\\.|[^'\\])*+)'"""
    r"""|(?P<word>[\w.+$-]++))\s*+""",
    re.DOTALL,
)
_ESCAPE = re.compile(r'\\(u[0-9a-fA-F]{4}|.)|"', re.DOTALL)
_KNOWN = re.compile(r"true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def read_relaxed(text: str) -> Any:
    """Return the value that a text in JSON or JavaScript stands for.

    :raises ValueError: if it is not a literal.
    """
    try:
        value = json.loads(text)
        # Of a column of CSV, `to_json` makes a string of JSON.
        return json.loads(value) if isinstance(value, str) else value
    except RecursionError as error:
        raise ValueError("is nested too deep") from error
    except ValueError:
        pass
    try:
        return json.loads(_strict(text), strict=False)
    except RecursionError as error:
        raise ValueError("is nested too deep") from error


def _strict(text: str) -> str:
    parts: list[str] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise ValueError(f"cannot be read at {text[position : position + 20]!r}")
        position = found.end()
        if found["mark"]:
            if found["mark"] in "]}" and parts and parts[-1] == ",":
                parts.pop()
            parts.append(found["mark"])
        elif found["double"] is not None:
            parts.append(found["double"])
        elif found["single"] is not None:
            parts.append(f'"{_ESCAPE.sub(_escaped, found["single"])}"')
        else:
            word = found["word"]
            parts.append(word if _KNOWN.fullmatch(word) else json.dumps(word))
    return "".join(parts)


def _escaped(found: re.Match[str]) -> str:
    """Convert a part of a single-quoted string for a double-quoted string."""
    if found[1] is None:
        return '\\"'
    if found[1][0] in 'u"\\/bfnrt':
        return found[0]
    return found[1]
