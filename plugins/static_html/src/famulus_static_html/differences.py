"""Values that are code or parts of an address on Mechanical Turk, and mean something else here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from attrs import frozen

from famulus_static_html.escapes import attribute_text, js_value
from famulus_static_html.scripts import Place, ScriptKind, places
from famulus_static_html.source import OWN_NAMES, Placeholder, Source

_STRING = r"""(?:'(?:\\.|[^'\\\n])*+'|"(?:\\.|[^"\\\n])*+")"""
_SCALAR = rf"(?:{_STRING}|[-+]?\d[\w.+-]*+|true|false|null)"
_CODE = re.compile(rf"{_STRING}|{_SCALAR}(?:\s*+,\s*+{_SCALAR})++(?:\s*+,)?")
# Not "-" and "/", which only mean something beside these.
_PATTERN = re.compile(r"[\\^$.*+?()\[\]{}|]")
_PARAMETER = re.compile(r"\?(?:[^#]*&)?[^#&=]*=\Z", re.DOTALL)


@frozen
class _Kind:
    """``what`` such rows have, and what happens to them, and what is ``meant`` if it is right."""

    what: str
    happens: str
    meant: str


class Difference(Enum):
    """How the meaning of a value differs from the one that it has on Mechanical Turk."""

    CODE = _Kind(
        "code other than a number, a truth value, a list or an object of JSON",
        "inserted as one string",
        "a string",
    )
    ESCAPES = _Kind(
        "a backslash", r"which stays one in this string, where MTurk makes \n a line break", "it"
    )
    PATTERN = _Kind(
        "characters such as . or (", "which this regular expression takes literally", "that"
    )
    #: the same on MTurk, where it is a fault too
    PARAMETER = _Kind("& or #", "which end this parameter of the address, as on MTurk", "")


@frozen
class Differing:
    """A placeholder, and how its values may differ."""

    placeholder: Placeholder
    difference: Difference

    def differs(self, value: Any) -> bool:
        """Return whether a value differs; only text does."""
        return isinstance(value, str) and _TESTS[self.difference](value)


def differing_in_code(placeholder: Placeholder, place: Place) -> Iterator[Differing]:
    """Yield how the values of a placeholder in code may differ."""
    if place in _PLACES:
        yield Differing(placeholder, _PLACES[place])


def differing_in_script(
    source: Source, start: int, end: int, kind: ScriptKind
) -> Iterator[Differing]:
    """Yield the same for all placeholders of a script, of which JSON only has strings."""
    for placeholder, place in places(source, start, end, kind):
        if kind is ScriptKind.CODE or (kind is ScriptKind.JSON and place is Place.INSIDE):
            yield from differing_in_code(placeholder, place)


def differing_in_address(
    source: Source, start: int, placeholder: Placeholder
) -> Iterator[Differing]:
    """Yield the same for a placeholder in an address, which begins at ``start``."""
    before = attribute_text(source.text[start : placeholder.start])
    if _PARAMETER.search(before) and placeholder.html_name not in OWN_NAMES:
        yield Differing(placeholder, Difference.PARAMETER)


def is_code(text: str) -> bool:
    """Return whether a value would be code on MTurk outside of strings, and is a string here.

    Such a text is a string in quotes, several literals, or a list or object that is not JSON.
    """
    text = text.strip()
    if text[:1] + text[-1:] in ("[]", "{}"):
        return js_value(text).startswith('"')
    return _CODE.fullmatch(text) is not None


_PLACES = {
    Place.CODE: Difference.CODE,
    Place.INSIDE: Difference.ESCAPES,
    Place.ADDRESS: Difference.ESCAPES,
    Place.REGEX_START: Difference.PATTERN,
    Place.REGEX: Difference.PATTERN,
}
_TESTS: dict[Difference, Callable[[str], bool]] = {
    Difference.CODE: is_code,
    Difference.ESCAPES: lambda text: "\\" in text,
    Difference.PATTERN: lambda text: _PATTERN.search(text) is not None,
    Difference.PARAMETER: lambda text: "&" in text or "#" in text,
}
