"""The texts that the page's script shows, in the language of the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from famulus import Translator
from famulus_marks.catalogue import _

_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        # Translators: {text} is the part of a text that is marked; use your quotation marks
        "span": _("“{text}”"),
        # Translators: a box on an image, in pixels
        "box": _("{width} by {height} at {left}, {top}"),
        # Translators: a point on an image, in pixels
        "point": _("at {x}, {y}"),
        "remove": _("Remove"),
        # Translators: {mark} is one of: “text”, 10 by 20 at 3, 4
        "removeMark": _("Remove: {mark}"),
        "moveBox": _("Arrow keys move it, with Shift they change its size"),
        "movePoint": _("Arrow keys move it"),
        "words": _("Words of the text to mark"),
        # Translators: in an empty field, beside a text in which parts can be selected with a mouse
        "typeWords": _("or type words of the text"),
        # Translators: a button: mark these words
        "mark": _("Mark"),
        "addBox": _("Add a box in the middle"),
        "addPoint": _("Add a point in the middle"),
    }
)


@lru_cache(maxsize=16)
def script_texts(translate: Translator) -> str:
    """Return the texts in a language as an object in JSON."""
    return json.dumps({name: translate(text) for name, text in _TEXTS.items()})
