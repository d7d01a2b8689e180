"""A unit for the terminal of a reviewer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import famulus


def shown(unit: famulus.SubmittedUnit) -> str:
    """Return the row and the answers, as lines of text."""
    answers = unit.answers if isinstance(unit.answers, Mapping) else {"answer": unit.answers}
    return "\n".join(["Row", *_lines(unit.data), "", "Answers", *_lines(answers)])


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
        yield f"  {famulus.escaped_line(name)}: " + "\n    ".join(map(famulus.escaped_line, lines))
    if not values:
        yield "  (none)"
