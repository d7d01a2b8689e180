"""Finding what a worker has entered in a blueprint's answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

#: What a browser sends for a ticked box without a value of its own.
_TICKED = "on"


def is_in(answers: Any, value: str) -> bool:
    """Return whether answers hold a value of a form, as a key, a text, a number or a truth value.

    A text may be longer, or lack white space at its ends; lines may end in any way. A value that is
    JSON may be there in its decoded form.
    """
    wanted, number, meant = _text(value), _number(value), _meant(value)
    for leaf in _parts(answers):
        # 1 and True are equal.
        if meant is not None and type(leaf) is type(meant) and leaf == meant:
            return True
        if leaf is True and value == _TICKED:
            return True
        if isinstance(leaf, str) and wanted in _text(leaf):
            return True
        if number is not None and _number(str(leaf)) == number:
            return True
    return False


def _parts(value: Any) -> Iterator[Any]:
    """Yield a value and all that is in it, keys included."""
    yield value
    if isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from _parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _parts(item)


def _text(value: str) -> str:
    return "\n".join(value.strip().splitlines())


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _meant(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
