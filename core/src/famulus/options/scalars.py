"""Scalars as they were given, and their conversion to the type of an option.

A value comes from YAML (``str``, ``None``, :class:`Plain`), from the command line (:class:`Typed`)
or from Python and stored JSON (any object). The conversion is exact, or the value is refused.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

#: The value that stands for an option that is not set.
UNSET = "???"

_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]*(_[0-9]+)*)")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
_LONGEST_SHOWN = 60


class _Scalar:
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and str(other) == self.text

    def __hash__(self) -> int:
        return hash((type(self), self.text))


class Plain(_Scalar):
    """An unquoted YAML scalar that reads as a number or a truth value.

    The text is kept so that ``0.30`` is exact money and ``0802`` a good title; ``value`` is YAML's
    reading of it, for options that take anything.
    """

    __slots__ = ("value",)

    def __init__(self, text: str, value: bool | int | float) -> None:
        super().__init__(text)
        self.value = value


class Typed(_Scalar):
    """Text from the command line: its meaning depends on the option's type."""

    __slots__ = ()


class FromEnvironment(str):
    """Text that contains an environment variable's value, maybe a secret: no message shows it."""

    __slots__ = ()


class Refused(ValueError):  # noqa: N818 - the message is a sentence about the value
    """A value does not fit."""


def shown(raw: object) -> str:
    """Return a value in the format of messages, shortened if it is long."""
    match raw:
        case None:
            return "null (nothing)"
        case FromEnvironment() | _Scalar(text=FromEnvironment()):
            return "a value from the environment"
        case Plain():
            return raw.text
        case Typed():
            text = repr(raw.text)
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case str() | bool() | int() | float() | Decimal() | Path():
            text = repr(str(raw)) if isinstance(raw, (str, Path)) else str(raw)
        case _:
            return f"an object of type {type(raw).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def is_from_environment(raw: object) -> bool:
    """Return whether a value, or a part of it, contains an environment variable's value."""
    match raw:
        case FromEnvironment() | _Scalar(text=FromEnvironment()):
            return True
        case Mapping():
            return any(map(is_from_environment, raw.values()))
        case list() | tuple() | set() | frozenset():
            return any(map(is_from_environment, raw))
    return False


def is_null(raw: object) -> bool:
    """Return whether the value means None, for an option that may be None."""
    return raw is None or (isinstance(raw, Typed) and raw.text in ("", "null"))


def to_nothing(raw: object) -> None:
    """Return None for null."""
    if not is_null(raw):
        raise Refused(f"{shown(raw)} is not null")


def to_text(raw: object) -> str:
    """Return a text exactly as it was written, numbers and ``no`` included."""
    match raw:
        case Plain() | Typed():
            return str(raw.text)
        case Enum():
            pass
        case FromEnvironment():
            return str(raw)
        case str():
            return raw
        case bool():
            pass
        case int() | Decimal():
            return str(raw)
    raise Refused(f"{shown(raw)} is not a string")


def to_whole(raw: object) -> int:
    """Return a whole number; it may be quoted."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return int(raw)
    text = _number_text(raw)
    if text is None or _WHOLE.fullmatch(text) is None:
        raise Refused(f"{shown(raw)} is not a whole number, such as 3")
    if len(text) > 4000:
        raise Refused(f"{shown(raw)} is too large")
    return int(text)


def to_float(raw: object) -> float:
    """Return a finite number."""
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        number = float(raw) if isinstance(raw, float) or abs(raw) < 2**1000 else math.inf
    else:
        text = _number_text(raw)
        if text is None or _NUMBER.fullmatch(text) is None:
            raise Refused(f"{shown(raw)} is not a number, such as 0.5")
        number = float(text)
    if not math.isfinite(number):
        raise Refused(f"{shown(raw)} is not a finite number")
    return number


def to_decimal(raw: object) -> Decimal:
    """Return the exact decimal number, without converting through a binary float."""
    if isinstance(raw, Decimal) and raw.is_finite():
        return raw
    if isinstance(raw, float) and math.isfinite(raw):
        return Decimal(repr(raw))
    if isinstance(raw, int) and not isinstance(raw, bool):
        return Decimal(raw)
    text = _number_text(raw)
    if text is None or _NUMBER.fullmatch(text) is None:
        raise Refused(f"{shown(raw)} is not an amount, such as 0.30")
    return Decimal(text)


def to_truth(raw: object) -> bool:
    """Return True or False for a YAML truth value, or for such a word on the command line."""
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, (Plain, Typed)):
        word = raw.text.lower()
        if word in _TRUE | _FALSE:
            return word in _TRUE
    quotes = type(raw) is str and raw.lower() in _TRUE | _FALSE
    remedy = " (leave the quotes out)" if quotes else ""
    raise Refused(f"{shown(raw)} is neither true nor false{remedy}")


def to_path(raw: object, task_dir: Path) -> Path:
    """Return an absolute path; ``~`` is the home folder, a relative one starts in ``task_dir``."""
    if isinstance(raw, Path):
        path = raw
    elif isinstance(raw, (str, Typed)) and str(raw).strip() and "\0" not in str(raw):
        path = Path(str(raw))
    elif isinstance(raw, Plain):
        path = Path(raw.text)
    else:
        raise Refused(f"{shown(raw)} is not a path")
    try:
        return task_dir / path.expanduser()
    except RuntimeError:
        raise Refused(f"{shown(raw)}: there is no such user's home folder") from None


def to_items(raw: object) -> list[Any]:
    """Return the items of a list; on the command line ``[a,b]`` or ``a,b`` with CSV's quoting."""
    if isinstance(raw, (list, tuple, set, frozenset)):
        return list(raw)
    if isinstance(raw, Typed):
        return _split(raw)
    raise Refused(f"{shown(raw)} is not a list, such as [a, b]")


def to_entries(raw: object) -> Mapping[Any, Any]:
    """Return a mapping; the command line can only empty it or set its keys one by one."""
    if isinstance(raw, Mapping):
        return raw
    if isinstance(raw, Typed) and raw.text.strip() == "{}":
        return {}
    remedy = "; set its keys one by one: KEY.NAME=VALUE" if isinstance(raw, Typed) else ""
    raise Refused(f"{shown(raw)} is not a mapping of names to values{remedy}")


def to_anything(raw: object) -> Any:
    """Return the value as YAML or Python reads it; the command line's text stays text."""
    match raw:
        case Plain():
            return raw.value
        case Typed():
            return raw.text
        case Mapping():
            return {to_text(key): to_anything(value) for key, value in raw.items()}
        case list():
            return [to_anything(item) for item in raw]
    return raw


def _number_text(raw: object) -> str | None:
    return str(raw).strip() if isinstance(raw, (str, Plain, Typed)) else None


def _split(raw: Typed) -> list[Typed]:
    text = raw.text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1].strip()
    if not text:
        return []
    try:
        items = [item.strip() for item in next(csv.reader([text], skipinitialspace=True))]
    except csv.Error as error:
        raise Refused(f"{shown(raw)} is not a list, such as [a,b]: {error}") from None
    kind = FromEnvironment if is_from_environment(raw) else str
    return [Typed(kind(item)) for item in items]
