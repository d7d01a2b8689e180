"""Put values into a ``<script>`` that no browser runs: a template of markup, or text.

A script of the page reads it and inserts it as HTML, so that values are escaped for their places
in that markup. What a template engine reads as an expression stays the author's.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field, frozen

from famulus_static_html import escapes
from famulus_static_html.attributes import URL_CONTEXTS, Context, context_of
from famulus_static_html.contents import TAG_BEGUN, script_parts
from famulus_static_html.elements import Elements
from famulus_static_html.findings import Found, Limited
from famulus_static_html.placement import script_kind, script_type
from famulus_static_html.scripts import Place, ScriptKind, backslash_before, places
from famulus_static_html.source import EXPRESSION, Placeholder, Source
from famulus_static_html.template import Fill, Part, Template, required
from famulus_static_html.tokens import Attribute, Kind, Token, tokenise

# No markup: what a script shows of it is its own affair.
_PLAIN = re.compile(r"text/(?:plain|csv|tab-separated-values|(?:x-)?markdown)")
_HANDLEBARS = re.compile("handlebars|mustache|hbs")
# Behind this, what follows is an argument of a helper, and no operand of JavaScript.
_BEFORE_ARGUMENT = re.compile(
    r"(?<![=<>!])\b(?!(?:in|of|return|typeof|case|void|new)\s)[\w.-]+(?:\s+|=)\Z|[)\"']\s+\Z"
)
# All that can begin an expression of a template engine, unlike the objects of JSON.
_BRACE = re.compile(r'\{(?!")|(?<=[{$#%@])\{')
_BRACE_OR_FIRST = re.compile(rf"\A\{{|{_BRACE.pattern}")
_BEFORE_BRACE = tuple("{$#%@}")
_IN_STRING = str.maketrans({sign: f"&#{ord(sign)};" for sign in "{}\\`"})
# How a script in a template ends, for the script around it to go on.
_INNER_END = re.compile(r"<\\/(script)>", re.IGNORECASE)
# What could end the script around a template, by itself or with what follows.
_ENDS_SCRIPT = re.compile(r"<(?=/?script|!--|[/!-]*\Z)", re.IGNORECASE)
_NAME = re.compile(r"[a-z][a-z0-9_-]*", re.IGNORECASE)
_WORD = re.compile(r"[\w-]+")
#: Elements that say no more than how their content looks, besides ``h1`` to ``h6``.
_HARMLESS = frozenset({
    "a", "abbr", "article", "aside", "b", "blockquote", "button", "caption", "cite", "code",
    "dd", "del", "details", "div", "dl", "dt", "em", "fieldset", "figcaption", "figure", "footer",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "i", "input", "ins", "kbd", "label", "legend",
    "li", "main", "mark", "nav", "ol", "option", "p", "pre", "q", "s", "section", "select",
    "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "textarea",
    "tfoot", "th", "thead", "tr", "u", "ul",
})  # fmt: skip


def is_inert(source: Source, token: Token) -> bool:
    """Return whether a token is a ``<script>`` that is a template or text."""
    is_script = token.kind is Kind.START and token.name == "script" and not token.foreign
    return is_script and script_kind(source, token) is ScriptKind.INERT


def inert_parts(source: Source, token: Token, found: Found) -> list[Part]:
    """Return the content of a ``<script>`` that is a template or text.

    A placeholder without a column stays, as in every script.

    :param found: gets what is found out about the placeholders; none of them needs data.
    """
    assert token.content is not None
    start, end = token.content
    text = _content_only(source, start, end)
    kind = script_type(source, token)
    names = {placeholder.html_name for placeholder in source.placeholders(start, end)}
    if not names:
        return [source.text[start:end]]

    def compiled(known: Collection[str], found: Found) -> Template:
        view = _TemplateSource(text, source.trusted, frozenset(known))
        return Template(_parts(view, start, kind, found))

    templates = {frozenset(names): compiled(names, evolve(found, needed=[]))}

    def fill(values: Mapping[str, Any]) -> str:
        known = frozenset(names.intersection(values))
        if known not in templates:
            templates[known] = compiled(known, Found())
        return templates[known].render(values)

    return [fill]


def inert_tokens(source: Source, start: int, end: int) -> Iterator[Token]:
    """Yield the tokens of the markup in a ``<script>``, with their offsets in the page."""
    return _markup_tokens(_content_only(source, start, end))


def _markup_tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a template in which expressions are words without a meaning."""
    masked = EXPRESSION.sub(lambda found: re.sub(r"[^\n]", "x", found[0]), text)
    # Of the same length, so that offsets stay.
    return tokenise(Source(_INNER_END.sub(r"</\1 >", masked)))


def _content_only(source: Source, start: int, end: int) -> str:
    """Return a text whose offsets and lines are those of the whole page."""
    return re.sub(r"[^\n]", " ", source.text[:start]) + source.text[start:end]


@frozen
class _TemplateSource(Source):
    """A template. Its placeholders are those of ``known`` columns, outside of expressions."""

    known: Collection[str] = ()
    _expressions: Sequence[tuple[int, int]] = field(init=False, eq=False, repr=False)

    @_expressions.default
    def _spans(self) -> Sequence[tuple[int, int]]:
        return [found.span() for found in EXPRESSION.finditer(self.text)]

    def placeholders(self, start: int, end: int) -> list[Placeholder]:
        return [
            found
            for found in self.all_known(start, end)
            if not any(first <= found.start < last for first, last in self._expressions)
        ]

    def all_known(self, start: int, end: int) -> list[Placeholder]:
        """Return the placeholders of a span, in expressions too."""
        return [
            found
            for found in Source.placeholders(self, start, end)
            if found.html_name in self.known and not backslash_before(self.text, found.start)
        ]


def _parts(view: _TemplateSource, start: int, kind: str, found: Found) -> Iterator[Part]:
    if _PLAIN.fullmatch(kind):
        yield from _plain_parts(view, start)
        return
    elements = _TemplateElements(view, found, found.forbid)
    for token in _markup_tokens(view.text):
        for part in elements.token_parts(token, start):
            if isinstance(part, str):
                yield from _with_expressions(
                    view, part, is_handlebars=bool(_HANDLEBARS.search(kind))
                )
            else:
                yield part


def _plain_parts(view: _TemplateSource, start: int) -> Iterator[Part]:
    for piece in view.all_known(start, len(view.text)):
        own = view.text[start : piece.start]
        begun = TAG_BEGUN.search(own)
        cut = begun.start() if begun else len(own)
        yield own[:cut]
        yield own[cut:] if piece.raw else ""
        yield required(piece, _plain(own[cut:]))
        start = piece.end
    yield view.text[start:]


@define
class _TemplateElements(Elements):
    """Writes the elements of a template, in which no value begins an expression."""

    def token_parts(self, token: Token, start: int) -> list[Part]:
        """Return a token of the template, which begins at ``start``."""
        if token.kind is Kind.TEXT:
            return self.text_parts(max(start, token.start), token.end)
        if token.kind is Kind.BROKEN:
            return self._broken_parts(token)
        if token.kind in (Kind.START, Kind.END):
            return [*self.tag_parts(token), *self.content_parts(token)]
        return [self.source.text[token.start : token.end]]

    def text_parts(self, start: int, end: int) -> list[Part]:
        pieces = self.source.pieces(start, end)
        self.found.shown += [piece for piece in pieces if not isinstance(piece, str)]
        text = self.source.text
        return [
            piece
            if isinstance(piece, str)
            else required(
                piece,
                _text_behind_brace if text[: piece.start].endswith(_BEFORE_BRACE) else _text,
            )
            for piece in pieces
        ]

    def attribute_parts(self, token: Token, attribute: Attribute) -> list[Part]:
        assert attribute.value is not None
        span = attribute.value
        placeholders = self.source.placeholders(*span)
        parts = Elements.attribute_parts(self, token, attribute)
        if context_of(self.source, token, attribute.name) in URL_CONTEXTS:
            # Braces are encoded in addresses.
            own = EXPRESSION.finditer(self.source.text, *span)
            if any(Source.placeholders(self.source, *found.span()) for found in own):
                for piece in placeholders:
                    self.refuse(piece, "stands beside a value in an expression of its address")
            return _without_begun_tags(parts)
        raw = iter([piece.raw for piece in placeholders])
        return _without_begun_tags(
            [
                part if isinstance(part, str) or next(raw, False) else _without_braces(part)
                for part in parts
            ]
        )

    def _broken_parts(self, token: Token) -> list[Part]:
        parts: list[Part] = []
        for piece in self.source.pieces(token.start, token.end):
            if isinstance(piece, str):
                parts.append(piece)
                continue
            if token.name.startswith("<script") and not piece.raw:
                self.refuse(piece, "stands in a script of a template that has no <\\/script>")
            parts.append(required(piece, _in_string))
        return parts

    def name_in_tag(self, token: Token, piece: Placeholder) -> list[Part]:
        if piece.raw:
            return [required(piece, escapes.text_of)]
        begin = token.start + (2 if token.kind is Kind.END else 1)
        end = begin + len(token.name)
        if piece.start < end:
            # What is said of the start tag holds for the end tag.
            meaning = "" if token.kind is Kind.END else "an element such as b"
            return self._name_part(piece, begin, end, _is_harmless, meaning)
        attribute = next(
            each for each in token.attributes if each.start <= piece.start < each.name_end
        )
        keeps_text = _keeps_text(self.source, token)
        return self._name_part(
            piece, attribute.start, attribute.name_end, keeps_text, "an attribute such as title"
        )

    def _name_part(
        self, piece: Placeholder, start: int, end: int, accepts: Callable[[str], bool], meaning: str
    ) -> list[Part]:
        """Return a placeholder in a name, which stays empty where the whole is not accepted."""
        before, after = self.source.text[start : piece.start], self.source.text[piece.end : end]

        def is_good(value: Any) -> bool:
            return accepts(f"{before}{escapes.text_of(value)}{after}")

        if meaning:
            self.found.limited.append(Limited(piece, is_good, meaning))
        return [required(piece, lambda value: escapes.text_of(value) if is_good(value) else "")]

    def inner_parts(self, token: Token, start: int, end: int) -> list[Part]:
        if token.name == "script":
            return script_parts(self.source, start, end, ScriptKind.CODE, self.found.forbid)
        return Elements.inner_parts(self, token, start, end)


def _is_harmless(name: str) -> bool:
    return name.lower() in _HARMLESS


def _keeps_text(source: Source, token: Token) -> Callable[[str], bool]:
    """Return whether a value of an attribute of that name is no more than text."""
    return lambda name: (
        _NAME.fullmatch(name) is not None
        and context_of(source, token, name.lower()) is Context.TEXT
    )


def _with_expressions(view: _TemplateSource, part: str, *, is_handlebars: bool) -> Iterator[Part]:
    """Yield a part of a template with the values in its expressions."""
    source = Source(part, view.trusted)
    known = {found.start for found in view.of(part).all_known(0, len(part))}
    position = 0
    for found in EXPRESSION.finditer(part):
        for piece, place in places(source, *found.span(), ScriptKind.OTHER):
            if piece.start not in known:
                continue
            before = part[found.start() : piece.start]
            quote = _open_quote(before)
            yield part[position : piece.start]
            is_argument = _BEFORE_ARGUMENT.search(
                before[: before.rfind(quote)] if quote else before
            )
            if not before.startswith("<%") and (is_handlebars or is_argument):
                yield required(piece, _argument(quote))
            else:
                is_code = place in (Place.CODE, Place.ADDRESS_VALUE)
                yield required(piece, escapes.js_value if is_code else escapes.js_inside)
            position = piece.end
    yield part[position:]


def _open_quote(code: str) -> str:
    """Return the quote that is open at the end of an expression; empty outside of strings."""
    quote = ""
    for sign in code:
        if sign in "\"'" and quote in ("", sign):
            quote = "" if quote else sign
    return quote


def _argument(quote: str) -> Callable[[Any], str]:
    """Return what writes an argument of a helper of Handlebars, whose strings know one escape."""

    def write(value: Any) -> str:
        text = escapes.text_of(value)
        if not quote and _WORD.fullmatch(text):
            return text
        around = quote or '"'
        text = _ENDS_SCRIPT.sub("&lt;", text).replace(around, f"\\{around}")
        text += " " * text.endswith("\\")
        return text if quote else f"{around}{text}{around}"

    return write


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


def _plain(begun: str) -> Callable[[Any], str]:
    """Return what writes a value behind a ``<`` of the author's, if there is one."""
    return lambda value: _ENDS_SCRIPT.sub("&lt;", begun + escapes.text_of(value))


def _in_string(value: Any) -> str:
    """Escape so that neither a string nor an expression of a template engine can end."""
    return escapes.html_text(value).translate(_IN_STRING)


def _without_braces(fill: Fill) -> Fill:
    return lambda values: fill(values).replace("{", "&#123;")


def _without_begun_tags(parts: Sequence[Part]) -> list[Part]:
    """Return parts of an attribute in which no value continues a ``<`` of the author's."""
    last = len(parts) - 1
    return [
        TAG_BEGUN.sub("&lt;", part) if isinstance(part, str) and index < last else part
        for index, part in enumerate(parts)
    ]
