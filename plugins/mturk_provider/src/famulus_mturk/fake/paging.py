"""Lists in pages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from famulus_mturk.fake.errors import bad_value

T = TypeVar("T")

#: items of a page unless the request sets another number
DEFAULT_SIZE = 10


def page(
    items: Iterable[T], parameters: Mapping[str, Any], position: Callable[[T], int]
) -> tuple[list[T], str | None]:
    """Return the page a request asks for, in ascending ``position``, and the token of the next.

    A full page has a token even when nothing comes after it: the next page is then empty.
    """
    size = parameters.get("MaxResults", DEFAULT_SIZE)
    ordered = sorted(items, key=position)
    token = parameters.get("NextToken")
    if token is not None:
        last = _read(token)
        ordered = [item for item in ordered if position(item) > last]
    shown = ordered[:size]
    return shown, _write(position(shown[-1])) if len(shown) == size else None


def _write(position: int) -> str:
    return base64.urlsafe_b64encode(f"after:{position}".encode()).decode()


def _read(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("after:"))
    except (binascii.Error, ValueError):
        raise bad_value("NextToken", "it is not a token of this list") from None
