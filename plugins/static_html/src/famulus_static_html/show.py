"""Show a unit to a reviewer, in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import famulus
from famulus_static_html.escapes import text_of


def shown(unit: famulus.SubmittedUnit) -> str:
    """Return the inputs and outputs of a unit, one ``name: value`` per line."""
    answers = unit.answers if isinstance(unit.answers, Mapping) else {"answer": unit.answers}
    return "\n".join(["Inputs", *_lines(unit.data), "", "Outputs", *_lines(answers)])


def _lines(values: Mapping[str, Any]) -> list[str]:
    return [
        f"  {famulus.escaped_line(name)}: {_indented(_text(value))}"
        for name, value in values.items()
    ] or ["  (none)"]


def _text(value: Any) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, Mapping) and value.keys() >= {"name", "size", "type", "sha256"}:
        return f"{value['name']} ({value['type']}, {value['size']} bytes)"
    return text_of(value)


def _indented(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n    ".join(map(famulus.escaped_line, lines))
