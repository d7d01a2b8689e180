"""Escape each value of a template for its place in the page.

Liquid escapes every value for the text of a page (page "Adding automation with Liquid" of the
developer guide: autoescape). This is enough in text and in quoted attributes, but not in scripts,
handlers, styles, addresses and unquoted attributes, where a value could become code. So a filter of
ours is added to each output there; see ``filters``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from famulus_crowd_form.html_tokens import Attribute, Kind, Token, tokens
from famulus_crowd_form.styles import BARE_IMPORT, css_filter

_LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_RAW = re.compile(
    r"\{%-?\s*(raw|comment)\s*-?%\}.*?\{%-?\s*end\1\s*-?%\}", re.DOTALL | re.IGNORECASE
)
#: The values of a cycle, without the name of its group.
_CYCLE = re.compile(r"""\{%-?\s*cycle\b(?:\s*(?:\w+|"[^"]*"|'[^']*')\s*:)?(.*?)-?%\}""", re.DOTALL)
_CYCLE_FAULT = (
    "{% cycle %} of values does not work in scripts, styles and addresses: write "
    "{% if %} and {{ … }} there"
)
_LITERAL = re.compile(r""""[^"]*"|'[^']*'|\b(?:true|false|nil|null|empty|blank)\b""")
_NAME = re.compile(r"[A-Za-z_]")
_END = re.compile(r"\s*-?\}\}\Z")
_URLS = frozenset({
    "action", "background", "cite", "data", "formaction", "href", "longdesc", "ping", "poster",
    "src", "xlink:href",
})  # fmt: skip
_SCRIPT_TYPES = re.compile(
    r"|module|(?:text|application)/(?:x-)?(?:java|ecma)script.*", re.IGNORECASE
)
_JSON_TYPES = re.compile(r".*json.*|importmap|speculationrules", re.IGNORECASE)
#: A string, a comment or a regular expression of a script, or one character of code.
_PART = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\\n])*+(?:"|\Z)|'(?:\\.|[^'\\\n])*+(?:'|\Z)|`(?:\\.|[^`\\])*+(?:`|\Z))"""
    r"""|//[^\n]*+|/\*.*?(?:\*/|\Z)"""
    r"""|(?<=[(,=:\[!&|?{};\n])[ \t]*/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*+\]|[^/\\\[\n])++/"""
    r"""|.""",
    re.DOTALL,
)


def with_filters(source: str) -> str:
    """Return the template with a filter added to each output, by its place; line numbers stay."""
    parts, position = [], 0
    for found, filters in _with_places(source):
        end = _END.search(found[0]) if found[0].startswith("{{") else None
        if end is not None:
            offset = found.start() + end.start()
            parts += [source[position:offset], filters or " | in_text"]
            position = offset
    return "".join([*parts, source[position:]])


def place_faults(source: str) -> Iterator[tuple[int, str]]:
    """Yield the offset and the remedy of each value that no filter makes safe in its place.

    A tag can have no filter: a ``{% cycle %}`` of values has only Liquid's escape.
    """
    for found, filters in _with_places(source):
        cycle = _CYCLE.fullmatch(found[0])
        if cycle and filters and _NAME.search(_LITERAL.sub("", cycle[1])):
            yield found.start(), _CYCLE_FAULT
        elif not cycle and BARE_IMPORT in filters and found[0].startswith("{{"):
            yield found.start(), f'@import {found[0]} needs quotes: write @import "{found[0]}"'


def _with_places(source: str) -> Iterator[tuple[re.Match[str], str]]:
    """Yield the outputs and tags of a template with the filters that their places need."""
    blanked = blank(source)
    places = iter([*_places(blanked, source)])
    place = next(places, None)
    for found in liquid_places(source):
        while place is not None and place[1] <= found.start():
            place = next(places, None)
        is_in = place is not None and place[0] <= found.start()
        yield found, place[2].filters_at(blanked, found.start()) if place and is_in else ""


def liquid_places(source: str) -> Iterator[re.Match[str]]:
    """Yield the outputs and tags of a template, except inside ``{% raw %}`` and comments."""
    raw = [found.span() for found in _RAW.finditer(source)]
    for found in _LIQUID.finditer(source):
        if not any(start <= found.start() < end for start, end in raw):
            yield found


def blank(source: str) -> str:
    """Return a template with each character of its Liquid replaced, so that offsets stay."""
    return _LIQUID.sub(lambda found: re.sub(r"[^\n]", "x", found[0]), source)


def liquid_parts(text: str) -> list[str]:
    """Split a text at its outputs and tags of Liquid, which are every second part."""
    parts, position = [], 0
    for found in _LIQUID.finditer(text):
        parts += [text[position : found.start()], found[0]]
        position = found.end()
    return [*parts, text[position:]]


def is_code(token: Token) -> bool:
    """Return whether a script contains JavaScript or JSON, in which values get filters."""
    kind = token.values().get("type", "").strip()
    return any(types.fullmatch(kind) for types in (_SCRIPT_TYPES, _JSON_TYPES))


class _Script:
    """The content of a script, or the value of a handler."""

    def __init__(self, start: int, end: int) -> None:
        self._start, self._end = start, end

    def filters_at(self, text: str, offset: int) -> str:
        for part in _PART.finditer(text, self._start, self._end):
            if part.end() > offset:
                return " | in_string" if part["string"] else " | in_code"
        return " | in_code"


class _Json:
    """The content of a script of JSON."""

    def filters_at(self, text: str, offset: int) -> str:
        before = text[:offset].rstrip()
        return " | in_code" if before.endswith((":", ",", "[", ">")) else " | in_string"


class _Style:
    """The content of a style sheet."""

    def __init__(self, source: str, start: int) -> None:
        self._source, self._start = source, start

    def filters_at(self, text: str, offset: int) -> str:
        before = _before(self._source, self._start, offset)
        return css_filter(before, is_attribute=False)


class _Attributes:
    """The attributes of a tag."""

    def __init__(self, token: Token, source: str) -> None:
        self._attributes = list(token.attributes())
        self._source = source

    def filters_at(self, text: str, offset: int) -> str:
        for attribute in self._attributes:
            if attribute.span is not None and attribute.span[0] <= offset < attribute.span[1]:
                before = _before(self._source, attribute.span[0], offset)
                return _in_value(text, attribute, attribute.span, offset, before)
        return " | in_unquoted"


def _before(source: str, start: int, offset: int) -> str:
    """Return the text from ``start`` to a value, without the Liquid in it.

    An earlier value can be empty, and only one branch of an ``{% if %}`` is in the page.
    """
    return _LIQUID.sub("", source[start:offset])


def _in_value(
    text: str, attribute: Attribute, span: tuple[int, int], offset: int, before: str
) -> str:
    found = ""
    if attribute.name.startswith("on"):
        # An entity is as long as it is written: the places of quotes in code would differ.
        plain = unescape(text[span[0] : offset])
        place = _Script(0, len(plain) + 1).filters_at(f"{plain}x", len(plain))
        found = place.replace("in_", "in_handler_")
    elif attribute.name == "style":
        found = css_filter(unescape(before), is_attribute=True)
    elif attribute.name == "srcdoc":
        found = " | in_srcdoc"
    elif attribute.name in _URLS and not before.strip():
        found = " | in_url"
    return found if attribute.is_quoted else f"{found} | in_unquoted"


def _places(
    text: str, source: str
) -> Iterator[tuple[int, int, _Script | _Json | _Style | _Attributes]]:
    """Yield the start, end and kind of each part of a page that needs other escapes than text."""
    for token in tokens(text):
        if token.kind is not Kind.START:
            continue
        yield token.start, token.end, _Attributes(token, source)
        if token.name == "style" and token.content_end is not None:
            yield token.end, token.content_end, _Style(source, token.end)
        if token.name == "script" and token.content_end is not None:
            kind = token.values().get("type", "").strip()
            if _SCRIPT_TYPES.fullmatch(kind):
                yield token.end, token.content_end, _Script(token.end, token.content_end)
            elif _JSON_TYPES.fullmatch(kind):
                yield token.end, token.content_end, _Json()
