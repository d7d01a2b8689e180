"""The checks of marks that a page has sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NoReturn

from famulus_marks.catalogue import _

_SIZE = re.compile(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})")

Mark = Mapping[str, Any]


#: A sentence for the worker.
BROKEN = _("Please mark it again: the marks were not sent as they should be.")


class BrokenMarksError(ValueError):
    """The submitted marks are malformed, or do not fit the text or image."""

    def __init__(self) -> None:
        super().__init__(BROKEN)


def read_marks(text: str) -> list[Mark]:
    """Return the objects of a JSON list; none for an empty text.

    :raises BrokenMarksError: if the text is not a JSON list of objects.
    """
    if not text:
        return []
    try:
        marks = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BrokenMarksError from None
    if not isinstance(marks, list) or not all(isinstance(mark, dict) for mark in marks):
        raise BrokenMarksError
    return marks


def read_label(mark: Mark, labels: Sequence[str]) -> dict[str, str]:
    """Return the label of a mark as a dict with one key, empty if there are no labels.

    :raises BrokenMarksError: if it is not one of ``labels``.
    """
    if not labels:
        return {}
    label = mark.get("label")
    if label not in labels:
        raise BrokenMarksError
    return {"label": str(label)}


def page_text(text: str) -> str:
    """Return a text with each line break as one character, as in browsers."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_span(mark: Mark, text: str) -> dict[str, int]:
    """Return the ``start`` and ``end`` of a span of a text, which count characters like Python.

    :param text: a result of :func:`page_text`.
    :raises BrokenMarksError: if it is outside of the text, or empty.
    """
    start = _whole_number(mark, "start", 0, len(text))
    return {"start": start, "end": _whole_number(mark, "end", start + 1, len(text))}


def sort_spans(spans: list[dict[str, Any]]) -> None:
    """Sort spans by their place in the text.

    :raises BrokenMarksError: if two of them overlap.
    """
    spans.sort(key=lambda mark: (mark["start"], mark["end"]))
    if any(after["start"] < mark["end"] for mark, after in pairwise(spans)):
        raise BrokenMarksError


def read_size(text: str) -> dict[str, int]:
    """Return the ``width`` and ``height`` of an image that the page's script has measured.

    :raises BrokenMarksError: if the size is missing or malformed.
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        raise BrokenMarksError
    return {"width": int(found[1]), "height": int(found[2])}


def read_box(mark: Mark, size: Mapping[str, int]) -> dict[str, int]:
    """Return the ``left``, ``top``, ``width`` and ``height`` of a box, in pixels of the image.

    :raises BrokenMarksError: if it is not within the image.
    """
    left = _whole_number(mark, "left", 0, size["width"] - 1)
    top = _whole_number(mark, "top", 0, size["height"] - 1)
    return {
        "left": left,
        "top": top,
        "width": _whole_number(mark, "width", 1, size["width"] - left),
        "height": _whole_number(mark, "height", 1, size["height"] - top),
    }


def read_point(mark: Mark, size: Mapping[str, int]) -> dict[str, int]:
    """Return the ``x`` and ``y`` of a point, in pixels of the image.

    :raises BrokenMarksError: if it is not within the image.
    """
    return {
        "x": _whole_number(mark, "x", 0, size["width"] - 1),
        "y": _whole_number(mark, "y", 0, size["height"] - 1),
    }


def _whole_number(mark: Mark, key: str, least: int, most: int) -> int:
    value = mark.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BrokenMarksError
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
