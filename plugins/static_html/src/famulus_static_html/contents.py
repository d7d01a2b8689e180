"""Put values into elements whose content is not markup."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from famulus_static_html import escapes
from famulus_static_html.attributes import Refuse, text_parts
from famulus_static_html.scripts import Place, ScriptKind, backslash_before, places
from famulus_static_html.source import PLACEHOLDER, Placeholder, Source
from famulus_static_html.template import Part, optional, required
from famulus_static_html.urls import without_code

#: A literal that a value, or an empty one and what follows, could make an end tag or a comment.
TAG_BEGUN = re.compile(r"<(?=[/!]?[A-Za-z-]*\Z)")
_CSS_IMPORT = re.compile(
    rf"""/\*.*?(?:\*/|\Z)|"(?:{PLACEHOLDER}|\\.|[^"\\])*+"?|'(?:{PLACEHOLDER}|\\.|[^'\\])*+'?
    |(?P<import>@import(?:{PLACEHOLDER}|/\*.*?(?:\*/|\Z)|url\([^"')]*\)|"[^"]*"?|'[^']*'?|[^;"'])*+)
    """,
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
# What an operand follows.
_OPERAND = re.compile(r"[(\[,=:?+\-*/%&|!<>~^]\Z|\b(?:return|typeof|void|in|of|case)\Z")
_SCHEME = re.compile(r"\s*javascript:", re.IGNORECASE)
_JS: Mapping[Place, Callable[[Any], str]] = {
    Place.CODE: escapes.js_value,
    Place.INSIDE: escapes.js_inside,
    Place.REGEX_START: escapes.js_regex,
    Place.ADDRESS: lambda value: escapes.js_inside(without_code(value)),
    Place.ADDRESS_VALUE: lambda value: escapes.js_value(without_code(value)),
}
_LITERALS = frozenset({Place.INSIDE, Place.REGEX_START, Place.ADDRESS})


def rcdata_parts(pieces: Sequence[str | Placeholder]) -> list[Part]:
    """Return the content of ``<textarea>`` and the like."""
    last = len(pieces) - 1
    return text_parts(
        [
            TAG_BEGUN.sub("&lt;", piece) if isinstance(piece, str) and index < last else piece
            for index, piece in enumerate(pieces)
        ]
    )


def style_parts(source: Source, start: int, end: int, refuse: Refuse, forbid: Refuse) -> list[Part]:
    """Return the content of ``<style>``."""
    parts: list[Part] = []
    written = ""
    imports = [
        match.span("import")
        for match in _CSS_IMPORT.finditer(source.text, start, end)
        if match["import"]
    ]
    for piece in source.pieces(start, end):
        if isinstance(piece, str):
            written += piece
            parts.append(piece)
        elif backslash_before(source.text, piece.start):
            parts.append(piece.source)
        elif not piece.raw and any(first < piece.start < last for first, last in imports):
            forbid(piece, "decides which style sheet is imported")
            parts.append(piece.source)
        else:
            if TAG_BEGUN.search(written) and not piece.raw:
                refuse(piece, "stands right behind a < in a <style>")
            parts.append(optional(piece, escapes.css))
    return parts


def script_parts(
    source: Source, start: int, end: int, kind: ScriptKind, forbid: Refuse
) -> list[Part]:
    """Return the parts of the content of ``<script>``, be it code or data.

    The placeholders in it become whole literals.
    """
    parts: list[Part] = []
    for found, place in places(source, start, end, kind):
        literal = source.text[start : found.start]
        start = found.end
        if place is Place.ESCAPED:
            parts += [literal, found.source]
            continue
        if place is Place.LOADED and not found.raw:
            forbid(found, "decides which code is run")
            parts += [literal, found.source]
            continue
        begun = TAG_BEGUN.search(literal) if place in _LITERALS else None
        cut = begun.start() if begun else len(literal)
        own = literal[cut:]
        before = (own.replace("<", "\\u003c"), own)
        escape = _JS.get(place, escapes.text_of)
        if place is Place.CODE and found.text:
            escape = escapes.js_literal
        parts += [literal[:cut], optional(found, escape, before)]
    return [*parts, source.text[start:end]]


def handler_parts(source: Source, start: int, end: int, forbid: Refuse) -> list[Part]:
    """Return JavaScript in an attribute, whose entities the browser resolves before it runs.

    What the page's own code may mean stays, as in a script.
    """
    placeholders = source.placeholders(start, end)
    resolved = html.unescape(source.text[start:end])
    inside = places(Source(resolved, source.trusted), 0, len(resolved), ScriptKind.CODE)
    # An entity can be part of what looks like a placeholder once it is resolved.
    is_clear = len(inside) == len(placeholders)
    parts: list[Part] = []
    for index, found in enumerate(placeholders):
        place = _handler_place(resolved, *inside[index]) if is_clear else Place.LOADED
        parts.append(source.text[start : found.start])
        start = found.end
        if found.raw:
            fill = optional if found.trusted else required
            parts.append(fill(found, escapes.text_of))
        elif place is Place.ESCAPED:
            parts.append(found.source)
        elif place is Place.LOADED:
            forbid(found, "decides which code is run")
            parts.append(found.source)
        else:
            escape = escapes.js_literal if found.text and place is Place.CODE else _JS[place]
            parts.append(optional(found, _in_attribute(escape)))
    return [*parts, source.text[start:end]]


def _handler_place(code: str, found: Placeholder, place: Place) -> Place:
    """Return the place of a placeholder: one that is no operand is the code itself."""
    before = code[: found.start].rstrip()
    is_operand = _OPERAND.search(before) and not _SCHEME.fullmatch(before)
    return place if place is not Place.CODE or is_operand else Place.LOADED


def _in_attribute(escape: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: escapes.html_text(escape(value))


def untouched_parts(
    source: Source, start: int, end: int, reason: str, forbid: Refuse
) -> list[Part]:
    """Return a content in which only raw values are put."""
    parts: list[Part] = []
    for piece in source.pieces(start, end):
        if isinstance(piece, str):
            parts.append(piece)
        elif piece.raw:
            parts.append(optional(piece, escapes.text_of))
        else:
            forbid(piece, reason)
            parts.append(piece.source)
    return parts
