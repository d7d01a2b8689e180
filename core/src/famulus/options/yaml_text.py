"""Values as YAML text that reads back as the same values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

from famulus.options.scalars import UNSET, Plain, Typed

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_REFERENCE = re.compile(r"(\\*)\$\{")


def yaml_text(value: Any) -> str:
    """Return a value in one line.

    :raises TypeError: for values that YAML cannot express.
    """
    match value:
        case str() | Path():
            return _text(str(value), style=None)
        case Typed():
            return value.text if _is_plain(value.text) else _text(value.text, style=None)
    return _inside(value)


def _inside(value: Any) -> str:
    """Return a value as YAML that is also valid within brackets."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Enum():
            return _inside(value.value if type(value.value) in (str, int) else value.name)
        case Plain():
            return value.text
        case str() | Path() | Typed():
            text = str(value)
            is_word = _WORD.fullmatch(text) and yaml.safe_load(text) == text
            return text if is_word else _text(text, style='"')
        case int() | Decimal():
            return str(value)
        case float():
            return yaml.safe_dump(value).splitlines()[0]
        case Mapping():
            pairs = [f"{_inside(key)}: {_inside(each)}" for key, each in value.items()]
            return "{" + ", ".join(pairs) + "}"
        case list() | tuple():
            return f"[{', '.join(map(_inside, value))}]"
        case set() | frozenset():
            return f"[{', '.join(sorted(map(_inside, value)))}]"
    raise TypeError(f"{type(value).__name__} cannot be written as YAML")


def _text(text: str, *, style: str | None) -> str:
    escaped = _REFERENCE.sub(lambda found: f"{found[1] * 2}\\${{", text)
    if any(not character.isprintable() for character in escaped):
        style = '"'
    dumped = yaml.safe_dump(escaped, default_style=style, width=float("inf"), allow_unicode=True)
    return str(dumped.removesuffix("\n").removesuffix("\n...").rstrip("\n"))


def _is_plain(text: str) -> bool:
    """Return whether typed text is valid YAML unchanged: a scalar, or a list of scalars."""
    if " #" in text or "\n" in text or text == UNSET:
        return False
    try:
        return not isinstance(yaml.safe_load(f"key: {text}")["key"], Mapping)
    except (yaml.YAMLError, ValueError):
        return False
