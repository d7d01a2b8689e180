"""Show a unit to a reviewer, in a terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import famulus
from famulus_static_html.escapes import text_of

# A worker's text must not control the reviewer's terminal, nor reorder what it shows.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def shown(unit: famulus.SubmittedUnit) -> str:
    """Return the inputs and outputs of a unit, one ``name: value`` per line."""
    answers = unit.answers if isinstance(unit.answers, Mapping) else {"answer": unit.answers}
    return "\n".join(["Inputs", *_lines(unit.data), "", "Outputs", *_lines(answers)])


def _lines(values: Mapping[str, Any]) -> list[str]:
    return [f"  {_plain(name)}: {_indented(_text(value))}" for name, value in values.items()] or [
        "  (none)"
    ]


def _text(value: Any) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, Mapping) and value.keys() >= {"name", "size", "type", "sha256"}:
        return f"{value['name']} ({value['type']}, {value['size']} bytes)"
    return text_of(value)


def _indented(text: str) -> str:
    return "\n    ".join(_plain(text).split("\n"))


def _plain(text: str) -> str:
    unified = text.replace("\r\n", "\n").replace("\t", "    ")
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", unified)
