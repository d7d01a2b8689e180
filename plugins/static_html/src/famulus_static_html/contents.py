"""Put values into elements whose content is not markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from famulus_static_html import escapes
from famulus_static_html.attributes import Refuse, ValueContext, text_parts
from famulus_static_html.differences import differing_in_code
from famulus_static_html.findings import Found
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
# The name of a variable, an event or the like, and a part of one.
_WORD = re.compile(r"[\w:-]*")
_IN_NAME = re.compile(r"[\w$.]\Z")
_SCHEME = re.compile(r"\s*javascript:", re.IGNORECASE)
#: How a value is written in JavaScript, by its place.
JS_ESCAPES: Mapping[Place, Callable[[Any], str]] = {
    Place.CODE: escapes.js_value,
    Place.INSIDE: escapes.js_inside,
    Place.REGEX_START: escapes.js_regex,
    Place.REGEX: escapes.js_inside,
    Place.ADDRESS: lambda value: escapes.js_inside(without_code(value)),
    Place.ADDRESS_VALUE: lambda value: escapes.js_value(without_code(value)),
}


def _js_of_markup(escape: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: escape(escapes.html_text(value))


def _js_of_address(escape: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: escape(without_code(value))


def _word(value: Any) -> str:
    """Write a word as it is, any other value as JavaScript."""
    text = escapes.text_of(value)
    return text if _WORD.fullmatch(text) else escapes.js_value(value)


#: How a value is written in code that is an attribute, where it differs from handlers.
_ATTRIBUTES: Mapping[ValueContext, Mapping[Place, Callable[[Any], str]]] = {
    ValueContext.MARKUP_EXPRESSION: dict.fromkeys(JS_ESCAPES, _js_of_markup(escapes.js_inside))
    | dict.fromkeys((Place.CODE, Place.ADDRESS_VALUE), _js_of_markup(escapes.js_literal)),
    ValueContext.URL_EXPRESSION: {
        place: _js_of_address(escape) for place, escape in JS_ESCAPES.items()
    },
    ValueContext.WORDS: {**JS_ESCAPES, Place.CODE: _word},
}
_COUNTED = frozenset({ValueContext.HANDLER, ValueContext.EXPRESSION, ValueContext.URL_EXPRESSION})
_LITERALS = frozenset({Place.INSIDE, Place.REGEX_START, Place.REGEX, Place.ADDRESS})


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
    """Return the parts of the content of ``<script>``, code or data.

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
        escape = JS_ESCAPES.get(place, escapes.text_of)
        if place is Place.CODE and found.text:
            escape = escapes.js_literal
        parts += [literal[:cut], optional(found, escape, before)]
    return [*parts, source.text[start:end]]


def code_parts(
    source: Source, start: int, end: int, context: ValueContext, findings: Found
) -> list[Part]:
    """Return the parts of JavaScript in an attribute, in which browsers resolve entities first.

    As in a script, a ``${…}`` without a value stays: it is a part of the page's own code.
    """
    placeholders = source.placeholders(start, end)
    code = source.of(escapes.attribute_text(source.text[start:end]))
    inside = places(code, 0, len(code.text), ScriptKind.CODE)
    # An entity can be part of what looks like a placeholder once it is resolved.
    is_clear = len(inside) == len(placeholders)
    parts: list[Part] = []
    for index, found in enumerate(placeholders):
        place = inside[index][1] if is_clear else Place.LOADED
        before = code.text[: inside[index][0].start] if is_clear else ""
        if context is ValueContext.HANDLER and place is Place.CODE and not is_operand(before):
            place = Place.LOADED
        parts.append(source.text[start : found.start])
        start = found.end
        if found.raw:
            fill = optional if found.trusted else required
            parts.append(fill(found, escapes.text_of))
        elif place is Place.ESCAPED:
            parts.append(found.source)
        elif place is Place.LOADED:
            findings.forbid(found, "decides which code is run")
            parts.append(found.source)
        else:
            if context in _COUNTED:
                findings.differing += differing_in_code(found, place)
            parts.append(
                optional(found, _in_attribute(_code_escape(found, place, context, before)))
            )
    return [*parts, source.text[start:end]]


def _code_escape(
    found: Placeholder, place: Place, context: ValueContext, before: str
) -> Callable[[Any], str]:
    if found.text and place is Place.CODE and context is not ValueContext.MARKUP_EXPRESSION:
        return escapes.js_literal
    if context is ValueContext.EXPRESSION and place is Place.CODE and _IN_NAME.search(before):
        return _word
    return _ATTRIBUTES.get(context, JS_ESCAPES)[place]


def is_operand(before: str) -> bool:
    """Return whether a value after this code is an operand, rather than code by itself."""
    code = before.rstrip()
    return _OPERAND.search(code) is not None and not _SCHEME.fullmatch(code)


def _in_attribute(escape: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: escapes.html_text(escape(value))


def untouched_parts(
    source: Source, start: int, end: int, reason: str, forbid: Refuse
) -> list[Part]:
    """Return the parts of a content in which only raw placeholders are filled."""
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
