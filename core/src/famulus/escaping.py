"""Escaping of untrusted text for a terminal or a log."""

from __future__ import annotations

import json
import re
from types import MappingProxyType
from typing import Any

#: Characters that control a terminal, are invisible, or change the order in which text is read:
#: control characters, direction marks, format characters, lone surrogates and line separators. The
#: joiners that some scripts and emoji need are not among them.
_UNSAFE = (
    "\\x00-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f"
    "\\ud800-\\udfff\\ufeff\\ufff9-\\ufffb\\U0001d173-\\U0001d17a\\U000e0000-\\U000e007f"
)
#: What a text of Python's can have, and one of UTF-8 or PostgreSQL cannot.
NOT_STORABLE = re.compile("[\\x00\\ud800-\\udfff]")
_IN_LINE = re.compile(f"[{_UNSAFE}]")
_IN_TEXT = re.compile(f"(?![\\n\\t])[{_UNSAFE}]")
_SHORT = MappingProxyType({"\n": "\\n", "\r": "\\r", "\t": "\\t"})


def escaped(text: str) -> str:
    """Return text in which characters that control a terminal are escaped, as in ``\\x1b``.

    Line breaks and tabs stay.
    """
    return _IN_TEXT.sub(_escape, text.replace("\r\n", "\n"))


def escaped_line(text: str, limit: int | None = None) -> str:
    """Return untrusted text as one line for a log or a terminal.

    Characters that control a terminal, line breaks and tabs are escaped, as in ``\\x1b``.

    :param limit: the number of characters after which the text is cut off with an ellipsis.
    """
    if limit is not None and len(text) > limit:
        text = f"{text[:limit]}…"
    return _IN_LINE.sub(_escape, text)


def storable(text: str) -> str:
    """Return text with characters escaped that no database can hold, as in ``\\x00``."""
    return NOT_STORABLE.sub(_escape, text)


def escaped_json(value: Any) -> str:
    """Return a value as JSON in which characters that control a terminal are escaped.

    :raises ValueError: for NaN and infinities, which JSON does not have.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return _IN_TEXT.sub(lambda match: json.dumps(match[0])[1:-1], text)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    number = ord(char)
    if number < 0x100:
        return _SHORT.get(char, f"\\x{number:02x}")
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
