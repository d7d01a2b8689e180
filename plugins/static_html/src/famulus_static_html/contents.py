"""Put values into elements whose content is not markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from famulus_static_html import escapes
from famulus_static_html.attributes import Refuse, text_parts
from famulus_static_html.scripts import Place, backslash_before, places
from famulus_static_html.source import Placeholder, Source
from famulus_static_html.template import Part, optional

# A literal that a value, or an empty one and what follows, could turn into an end tag or a comment.
_TAG_BEGUN = re.compile(r"<(?=[/!]?[A-Za-z-]*\Z)")
_JS: Mapping[Place, Callable[[Any], str]] = {
    Place.CODE: escapes.js_literal,
    Place.INSIDE: escapes.js_inside,
    Place.REGEX_START: escapes.js_regex,
}


def rcdata_parts(pieces: Sequence[str | Placeholder]) -> list[Part]:
    """Return the content of ``<textarea>`` and the like."""
    last = len(pieces) - 1
    return text_parts(
        [
            _TAG_BEGUN.sub("&lt;", piece) if isinstance(piece, str) and index < last else piece
            for index, piece in enumerate(pieces)
        ]
    )


def style_parts(source: Source, pieces: Sequence[str | Placeholder], refuse: Refuse) -> list[Part]:
    """Return the content of ``<style>``."""
    parts: list[Part] = []
    written = ""
    for piece in pieces:
        if isinstance(piece, str):
            written += piece
            parts.append(piece)
        elif backslash_before(source.text, piece.start):
            parts.append(piece.source)
        else:
            if _TAG_BEGUN.search(written) and not piece.raw:
                refuse(piece, "stands right behind a < in a <style>")
            parts.append(optional(piece, escapes.css))
    return parts


def script_parts(source: Source, start: int, end: int, *, is_json: bool) -> list[Part]:
    """Return the content of ``<script>``, whether it is code or data."""
    parts: list[Part] = []
    for found, place in places(source, start, end, is_json=is_json):
        literal = source.text[start : found.start]
        start = found.end
        if place is Place.ESCAPED:
            parts += [literal, found.source]
            continue
        begun = _TAG_BEGUN.search(literal) if place is not Place.CODE else None
        cut = begun.start() if begun else len(literal)
        own = literal[cut:]
        before = (own.replace("<", "\\u003c"), own)
        parts += [literal[:cut], optional(found, _JS[place], before)]
    return [*parts, source.text[start:end]]
