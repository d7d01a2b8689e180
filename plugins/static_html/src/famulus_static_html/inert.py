"""Put values into a ``<script>`` that no browser runs: a template of markup, or text.

A script of the page reads it as text and inserts it as HTML, so that values are escaped for
their places in that markup. What a template engine reads as an expression stays the author's.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from attrs import define, field

from famulus_static_html import escapes
from famulus_static_html.attributes import (
    Context,
    Refuse,
    attribute_parts,
    context_of,
    switches,
)
from famulus_static_html.contents import TAG_BEGUN, handler_parts, script_parts
from famulus_static_html.scripts import Place, ScriptKind, backslash_before, places
from famulus_static_html.source import Placeholder, Source
from famulus_static_html.template import Fill, Part, optional
from famulus_static_html.tokens import OPAQUE, RCDATA, Attribute, Kind, Token, tokenise
from famulus_static_html.urls import INVALID, is_allowed

_EXPRESSION = re.compile(r"<%.*?(?:%>|\Z)|\{\{.*?(?:\}\}|\Z)", re.DOTALL)
# All that can begin an expression of a template engine, unlike the objects of JSON.
_BRACE = re.compile(r'\{(?!")|(?<=[{$#%@])\{')
_BRACE_OR_FIRST = re.compile(rf"\A\{{|{_BRACE.pattern}")
_BEFORE_BRACE = tuple("{$#%@")
_IN_STRING = str.maketrans({sign: f"&#{ord(sign)};" for sign in "{}\\`"})
# How a script in a template ends, for the script around it to go on.
_INNER_END = re.compile(r"<\\/(script)>", re.IGNORECASE)
_URLS = frozenset({Context.URL, Context.CODE_URL})
# What has a meaning in an address behind its first slash.
_IN_PATH = "/%:@!$*+,;=~()?#&"


def inert_parts(
    source: Source, start: int, end: int, forbid: Refuse, switches_found: list[Placeholder]
) -> list[Part]:
    """Return the content of a ``<script>`` that is a template or text.

    A placeholder without a column stays, as in every script.

    :param switches_found: gets the placeholders that stand for an attribute such as ``checked``.
    """
    return _Inert(source, start, end, forbid, switches_found).parts()


def inert_tokens(source: Source, start: int, end: int) -> Iterator[Token]:
    """Yield the tokens of the markup in a ``<script>``, with their offsets in the page."""
    text = _content_only(source, start, end).text
    # Of the same length, so that offsets stay.
    return tokenise(Source(_INNER_END.sub(r"</\1 >", text)))


def _content_only(source: Source, start: int, end: int) -> Source:
    """Return a source whose offsets and lines are those of the whole page."""
    blank = re.sub(r"[^\n]", " ", source.text[:start])
    return Source(blank + source.text[start:end], source.trusted)


@define
class _Inert:
    """The fills of one content, by the span of the source that they replace."""

    source: Source
    start: int
    end: int
    forbid: Refuse
    switches: list[Placeholder]
    _view: Source = field(init=False)
    _fills: dict[tuple[int, int], list[Part]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._view = _content_only(self.source, self.start, self.end)

    def parts(self) -> list[Part]:
        """Return the content in parts."""
        self._expressions()
        for token in inert_tokens(self.source, self.start, self.end):
            self._token(token)
        parts: list[Part] = []
        position = self.start
        for (start, end), fills in sorted(self._fills.items(), key=lambda item: item[0]):
            chunk = [self._view.text[position:start], *fills]
            is_raw = any(piece.raw for piece in self._view.placeholders(start, end))
            parts += chunk if is_raw else _without_begun_tags(chunk)
            position = end
        return [*parts, self._view.text[position:]]

    def _expressions(self) -> None:
        for found in _EXPRESSION.finditer(self._view.text, self.start):
            is_js = found[0].startswith("<%")
            for piece, place in places(self._view, *found.span(), ScriptKind.OTHER):
                if place is Place.ESCAPED:
                    continue
                if is_js or place in (Place.CODE, Place.ADDRESS_VALUE):
                    span = (piece.start, piece.end)
                    self._fills[span] = self._js(piece, place)
                else:
                    self._put(piece, _in_string)

    @staticmethod
    def _js(piece: Placeholder, place: Place) -> list[Part]:
        is_code = place in (Place.CODE, Place.ADDRESS_VALUE)
        return [optional(piece, escapes.js_value if is_code else escapes.js_inside)]

    def _token(self, token: Token) -> None:
        if token.kind is Kind.TEXT:
            for piece in self._open(token.start, token.end):
                self._put(piece, self._text_escape(piece))
        elif token.kind is Kind.BROKEN:
            for piece in self._open(token.start, token.end):
                if token.name.startswith("<script") and not piece.raw:
                    self.forbid(piece, "stands in a script of a template that has no <\\/script>")
                else:
                    self._put(piece, _in_string)
        elif token.kind in (Kind.START, Kind.END):
            self._tag(token)

    def _tag(self, token: Token) -> None:
        position = token.start
        for attribute in token.attributes:
            if attribute.value is None:
                continue
            self._names(token, position, attribute.value[0])
            position = attribute.value[1]
            if self._open(*attribute.value):
                self._attribute(token, attribute)
        self._names(token, position, token.head_end or token.end)
        if token.content is not None:
            self._content(token, *token.content)

    def _names(self, token: Token, start: int, end: int) -> None:
        for piece in self._open(start, end):
            if piece.raw:
                self._put(piece, escapes.text_of)
            elif token.kind is Kind.START and self._view.text[piece.start - 1].isspace():
                self.switches.append(piece)
                self._put(piece, lambda value: switches(value) or "")
            else:
                self.forbid(piece, "stands in the name of a tag or of an attribute")

    def _attribute(self, token: Token, attribute: Attribute) -> None:
        assert attribute.value is not None
        span = attribute.value
        context = context_of(self._view, token, attribute.name)
        open_ = list(self._open(*span))
        if context is Context.HANDLER:
            parts = handler_parts(self._view, *span, self.forbid)
        elif context is Context.FRAMEWORK:
            for piece in open_:
                if not piece.raw:
                    reason = f"stands in the attribute {attribute.name}, whose value is code"
                    self.forbid(piece, reason)
            parts = attribute_parts(self._view, token, attribute, self.forbid)
        elif context in _URLS and len(open_) == len(self._view.placeholders(*span)):
            whole = attribute_parts(self._view, token, attribute, self.forbid)
            is_code = context is Context.CODE_URL
            parts = _all_or_each(self._view, span, whole, is_code=is_code)
        else:
            self._each(token, attribute, context)
            return
        mark = "" if attribute.quote or any(piece.raw for piece in open_) else '"'
        self._fills = {
            key: fills for key, fills in self._fills.items() if not span[0] <= key[0] < span[1]
        }
        if mark:
            parts = [p.replace('"', "&quot;") if isinstance(p, str) else p for p in parts]
        self._fills[span] = [mark, *parts, mark]

    def _each(self, token: Token, attribute: Attribute, context: Context) -> None:
        assert attribute.value is not None
        # For its refusals.
        attribute_parts(self._view, token, attribute, self.forbid)
        open_ = self._open(*attribute.value)
        escape = _css_text if context is Context.CSS else _attribute_text
        if context in _URLS:
            escape = _url_part
        elif context is Context.URL_LIST:
            escape = _url_list
        for piece in open_:
            self._put(piece, escape)
        if not attribute.quote and not any(piece.raw for piece in open_):
            self._quote(*attribute.value)

    def _quote(self, start: int, end: int) -> None:
        self._fills[start, start] = ['"']
        self._fills[end, end] = ['"']

    def _content(self, token: Token, start: int, end: int) -> None:
        if token.name == "script":
            self._fills = {key: v for key, v in self._fills.items() if not start <= key[0] < end}
            parts = script_parts(self._view, start, end, ScriptKind.CODE, self.forbid)
            self._fills[start, end] = parts
            return
        for piece in self._open(start, end):
            if token.name in OPAQUE and not piece.raw:
                self.forbid(piece, f"stands in <{token.name}>, where no escaping is possible")
            else:
                self._put(piece, _attribute_text if token.name in RCDATA else escapes.css)

    def _open(self, start: int, end: int) -> list[Placeholder]:
        """Return the placeholders of a span that are to be filled still."""
        return [
            piece
            for piece in self._view.placeholders(start, end)
            if (piece.start, piece.end) not in self._fills
            and not backslash_before(self._view.text, piece.start)
        ]

    def _put(self, piece: Placeholder, escape: Callable[[Any], str]) -> None:
        self._fills[piece.start, piece.end] = [optional(piece, escape)]

    def _text_escape(self, piece: Placeholder) -> Callable[[Any], str]:
        before = self._view.text[self.start : piece.start]
        continues = before.endswith((*_BEFORE_BRACE, "}"))
        return _text_behind_brace if continues else _text


def _text(value: Any) -> str:
    """Escape for text; quotes stay, which are no markup there."""
    return _BRACE.sub(_as_entity, _in_text(value))


def _text_behind_brace(value: Any) -> str:
    return _BRACE_OR_FIRST.sub(_as_entity, _in_text(value))


def _in_text(value: Any) -> str:
    escaped = html.escape(escapes.text_of(value), quote=False)
    return escaped.replace("\0", "\ufffd").replace("\r", "&#13;")


def _as_entity(found: re.Match[str]) -> str:
    return "&#123;" if found[0] == "{" else found[0]


def _in_string(value: Any) -> str:
    """Escape so that neither a string nor an expression of a template engine can end."""
    return escapes.html_text(value).translate(_IN_STRING)


def _attribute_text(value: Any) -> str:
    return escapes.html_text(value).replace("{", "&#123;")


def _css_text(value: Any) -> str:
    return escapes.html_text(escapes.css(value))


def _url_part(value: Any) -> str:
    return quote(escapes.text_of(value), safe="", errors="replace")


def _url_list(value: Any) -> str:
    urls = re.split(r"[\s,]+", escapes.text_of(value))
    return _attribute_text(value) if all(is_allowed(url, media=True) for url in urls) else INVALID


def _path(value: Any) -> str:
    return html.escape(quote(escapes.text_of(value), safe=_IN_PATH, errors="replace"))


def _url_escape(before: str, *, is_code: bool) -> Callable[[Any], str]:
    """Return what writes a value behind the author's part of a URL."""
    own = _EXPRESSION.sub("", before)
    is_path = "/" in own and not re.search("[?#]", own)
    return _path if is_path and not is_code else _url_part


def _all_or_each(
    source: Source, span: tuple[int, int], whole: list[Part], *, is_code: bool
) -> list[Part]:
    """Return what fills a URL: as a whole, or each value where other parts are the author's own."""
    pieces = source.pieces(*span)
    names = [piece.name for piece in pieces if not isinstance(piece, str)]
    text = source.text
    each = [
        piece
        if isinstance(piece, str)
        else optional(piece, _url_escape(text[span[0] : piece.start], is_code=is_code))
        for piece in pieces
    ]
    if _EXPRESSION.search(text[slice(*span)]):
        return each

    def fill(values: Mapping[str, Any]) -> str:
        parts = whole if all(name in values for name in names) else each
        return "".join(part if isinstance(part, str) else part(values) for part in parts)

    return [fill]


def _without_begun_tags(parts: list[Part]) -> Iterator[Part]:
    """Yield parts in which no value continues a ``<`` of the author's, as in ``</scr${v}``."""
    for index, part in enumerate(parts):
        follows = next((p for p in parts[index + 1 :] if p != ""), "")
        if isinstance(part, str) and not isinstance(follows, str):
            begun = TAG_BEGUN.search(part)
            cut = begun.start() if begun else len(part)
            yield part[:cut]
            if begun:
                yield _begun(part[cut:], follows)
        else:
            yield part


def _begun(own: str, fill: Fill) -> Fill:
    def text(values: Mapping[str, Any]) -> str:
        return own if fill(values).startswith("${") else own.replace("<", "&lt;")

    return text
