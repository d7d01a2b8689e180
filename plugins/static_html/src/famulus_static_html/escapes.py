"""Write a value of the data so that it stays a value: in HTML, in CSS, in JavaScript and JSON."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Mapping
from html.entities import html5
from typing import Any

# A number, with a unit or not, and a hex colour mean the same escaped or not only to a reader:
# CSS takes an escaped "." or "#" for a part of a name.
_CSS_PLAIN = re.compile(
    r"[A-Za-z0-9]*|[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:%|[A-Za-z]*)|#[0-9A-Fa-f]{3,8}", re.ASCII
)
# How all of JSON begins but strings, which a string may well be.
_LITERAL = re.compile(r"\s*(?:[\[{\-0-9]|(?:true|false|null)\s*\Z)")
_CSS_SPECIAL = re.compile(r"[^A-Za-z0-9]")
_REFERENCE = re.compile(
    r"&(?:#(?:[xX][0-9A-Fa-f]+|[0-9]+);?|(?P<name>[A-Za-z][A-Za-z0-9]*(?:;|=?)))"
)
# Beside ASCII: the two line ends of JavaScript, and halves of surrogate pairs.
_JS_TABLE: Mapping[int, str] = {
    code: f"\\u{code:04x}"
    for code in (*range(128), 0x2028, 0x2029, *range(0xD800, 0xE000))
    if not (code < 128 and chr(code).isalnum())
}


def text_of(value: Any) -> str:
    """Return a value as text for readers: nothing for None, JSON for lists and objects."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def html_text(value: Any) -> str:
    """Escape a value for text and for quoted attributes.

    NUL cannot be written in HTML, and a bare carriage return would be read as a line feed.
    """
    escaped = html.escape(value if isinstance(value, str) else text_of(value), quote=True)
    return escaped.replace("\0", "\ufffd").replace("\r", "&#13;")


def attribute_text(written: str) -> str:
    """Return the value of an attribute as browsers read it.

    Unlike in text, a name without a semicolon is no entity there in front of a letter, a digit or
    ``=`` (WHATWG HTML, section 13.2.5.73).
    """
    return _REFERENCE.sub(_resolved, written) if "&" in written else written


def _resolved(reference: re.Match[str]) -> str:
    name = reference["name"]
    return html.unescape(reference[0]) if name is None else html5.get(name, reference[0])


def css(value: Any) -> str:
    """Escape a value for any place in CSS, inside and outside of strings."""
    text = text_of(value)
    if _CSS_PLAIN.fullmatch(text):
        return text
    return _CSS_SPECIAL.sub(lambda match: f"\\{ord(match[0]):x} ", text)


def js_inside(value: Any) -> str:
    """Escape a value for the inside of a string, template or regular expression, or a JSON string.

    The result can end neither a literal of any kind nor the script.
    """
    return text_of(value).translate(_JS_TABLE)


def js_regex(value: Any) -> str:
    """Escape a value for the start of a regular expression: an empty one would make it ``//``."""
    return js_inside(value) or "(?:)"


def js_value(value: Any) -> str:
    """Write a value as code: text that is a number or JSON unchanged, other text as a string.

    Data files contain only text, and pages written for MTurk expect the number or object that the
    text represents.
    """
    return js_literal(_read_literal(value) if isinstance(value, str) else value)


def _read_literal(text: str) -> Any:
    if not _LITERAL.match(text):
        return text
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        return text


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


def js_literal(value: Any) -> str:
    """Write a value as a literal of JavaScript and JSON, with strings escaped as inside strings."""
    if isinstance(value, str):
        return f'"{js_inside(value)}"'
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        members = (f"{js_literal(str(key))}:{js_literal(item)}" for key, item in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(js_literal, value)) + "]"
    number = json.dumps(value, allow_nan=False)
    # "x-${n}" must not become "x--1".
    return f" {number}" if number.startswith("-") else number
