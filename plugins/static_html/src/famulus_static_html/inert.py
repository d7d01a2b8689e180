"""Put values into a ``<script>`` that no browser runs: a template of markup, or text.

A script of the page reads it and inserts it as HTML, so values are escaped for their places in that
markup. No value can begin an expression of a template engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from html import unescape
from typing import Any

from attrs import define, evolve, field, frozen

from famulus_static_html import escapes
from famulus_static_html.attributes import URL_CONTEXTS, ValueContext, context_of
from famulus_static_html.beginnings import class_judge, text_writer, value_judge
from famulus_static_html.contents import TAG_BEGUN, script_parts
from famulus_static_html.elements import Elements
from famulus_static_html.engines import ANY_ENGINE, NO_ENGINE, Engines, Expressions
from famulus_static_html.expressions import (
    expressions_in,
    filled_expressions,
    in_string,
    is_open,
    plain,
    refilled,
)
from famulus_static_html.findings import Found, Limited
from famulus_static_html.placement import script_kind, script_type
from famulus_static_html.scripts import ScriptKind, backslash_before
from famulus_static_html.source import Placeholder, Source, any_expression
from famulus_static_html.template import Fill, Part, Template, accepted, required
from famulus_static_html.tokens import RCDATA, Attribute, Kind, Token, tokenise

# No markup: what a script shows of it is its own affair.
_PLAIN = re.compile(r"text/(?:plain|csv|tab-separated-values|(?:x-)?markdown)")
# How a script in a template ends, for the script around it to go on.
_INNER_END = re.compile(r"<\\/(script)>", re.IGNORECASE)
# Where both an engine and a browser read no more than text or an address.
_PASSIVE = frozenset({ValueContext.TEXT, ValueContext.URL, ValueContext.URL_LIST})
_UNNAMED = (
    "stands in an expression of a template whose engine the page does not name, for instance by "
    'type="text/x-handlebars"'
)
_ENTITY_DELIMITED = (
    "stands behind an entity that begins or ends an expression of a template: write the character "
    "itself in place of the entity"
)
_NAME = re.compile(r"[a-z][a-z0-9_-]*", re.IGNORECASE)
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


def inert_parts(source: Source, token: Token, found: Found, engines: Engines) -> list[Part]:
    """Return the content of a ``<script>`` that is a template or text.

    A placeholder without a column stays, as in every script.

    :param found: collects the findings about the placeholders; none of them needs data.
    :param engines: the template engines that the scripts of the page may use.
    """
    assert token.content is not None
    start, end = token.content
    text = _content_only(source, start, end)
    kind = script_type(source, token)
    expressions = engines.expressions(kind)
    names = {placeholder.html_name for placeholder in source.placeholders(start, end)}
    if not names:
        return [source.text[start:end]]

    def compiled(known: Collection[str], found: Found) -> Template:
        view = _TemplateSource(text, source.trusted, frozenset(known), expressions)
        is_plain = _PLAIN.fullmatch(kind) is not None
        return Template(_plain_parts(view, start) if is_plain else _parts(view, start, found))

    templates = {frozenset(names): compiled(names, evolve(found, needed=[]))}

    def fill(values: Mapping[str, Any]) -> str:
        known = frozenset(names.intersection(values))
        if known not in templates:
            templates[known] = compiled(known, Found())
        return templates[known].render(values)

    return [fill]


def inert_tokens(source: Source, start: int, end: int) -> Iterator[Token]:
    """Yield the tokens of the markup in a ``<script>``, with their offsets in the page."""
    return _markup_tokens(_content_only(source, start, end), ANY_ENGINE)


def _markup_tokens(text: str, expressions: Expressions) -> Iterator[Token]:
    """Yield the tokens of a template, with expressions replaced by meaningless words."""
    for found in list(expressions_in(text, expressions)):
        word = re.sub(r"[^\n]", "x", found[0])
        text = text[: found.start()] + word + text[found.end() :]
    # Of the same length, so that offsets stay.
    return tokenise(Source(_INNER_END.sub(r"</\1 >", text)))


def _content_only(source: Source, start: int, end: int) -> str:
    """Return the content with blanks before it, so that offsets and lines are those of the page."""
    return re.sub(r"[^\n]", " ", source.text[:start]) + source.text[start:end]


@frozen
class _TemplateSource(Source):
    """A template. Its placeholders have ``known`` columns and are outside of expressions."""

    known: Collection[str] = ()
    expressions: Expressions = NO_ENGINE
    _spans: Sequence[tuple[int, int]] = field(init=False, eq=False, repr=False)

    @_spans.default
    def _expression_spans(self) -> Sequence[tuple[int, int]]:
        return [found.span() for found in expressions_in(self.text, self.expressions)]

    def placeholders(self, start: int, end: int) -> list[Placeholder]:
        return [each for each in self.all_known(start, end) if not self._is_inside(each)]

    def in_expressions(self, start: int, end: int) -> list[Placeholder]:
        """Return the placeholders of a span that are in expressions."""
        return [each for each in self.all_known(start, end) if self._is_inside(each)]

    def all_known(self, start: int, end: int) -> list[Placeholder]:
        """Return the placeholders of a span, in expressions too."""
        return [
            found
            for found in Source.placeholders(self, start, end)
            if found.html_name in self.known and not backslash_before(self.text, found.start)
        ]

    def known_in(self, part: str) -> list[Placeholder]:
        """Return the placeholders of another text, in expressions too."""
        return self.of(part).all_known(0, len(part))

    def _is_inside(self, placeholder: Placeholder) -> bool:
        return any(first <= placeholder.start < last for first, last in self._spans)


def _parts(view: _TemplateSource, start: int, found: Found) -> Iterator[Part]:
    if view.expressions.has_unknown and not _reads_alike(view, start):
        named = evolve(view, expressions=view.expressions.without_unknown())
        read = named.in_expressions(start, len(view.text))
        for piece in view.in_expressions(start, len(view.text)):
            if not piece.raw and piece not in read:
                found.forbid(piece, _UNNAMED)
        view = named
    view = _without_entity_delimiters(view, start, found)
    elements = _TemplateElements(
        view, found, found.forbid, expressions=any_expression(view.expressions.own)
    )
    for token in _markup_tokens(view.text, view.expressions):
        for part in elements.token_parts(token, start):
            if isinstance(part, str):
                yield from filled_expressions(view, part, view.known_in, view.expressions)
            else:
                yield part


def _without_entity_delimiters(view: _TemplateSource, start: int, found: Found) -> _TemplateSource:
    """Return a template without values that are code in one reading of the entities before them.

    Vue and AngularJS look for expressions once the browser has resolved the entities, and others
    before. These values are refused.
    """
    if "&" not in view.text[start:]:
        return view
    spans = [each.span() for each in expressions_in(view.text, view.expressions)]
    spans += _text_spans(view) if view.expressions.resolves_entities else []
    unclear = set()
    for piece in view.all_known(start, len(view.text)):
        before = next((view.text[a : piece.start] for a, b in spans if a <= piece.start < b), "")
        readings = {is_open(text, view.expressions) for text in (before, unescape(before))}
        if len(readings) > 1 and not piece.raw:
            unclear.add(piece.html_name)
            found.forbid(piece, _ENTITY_DELIMITED)
    return evolve(view, known=frozenset(view.known) - unclear) if unclear else view


def _text_spans(view: _TemplateSource) -> Iterator[tuple[int, int]]:
    """Yield where a template has text and values of attributes."""
    for token in _markup_tokens(view.text, view.expressions):
        if token.kind is Kind.TEXT:
            yield token.start, token.end
        if token.content is not None and token.name in RCDATA:
            yield token.content
        yield from (each.value for each in token.attributes if each.value is not None)


def _reads_alike(view: _TemplateSource, start: int) -> bool:
    """Return whether a template is the same markup with its expressions as without them.

    If so, values in expressions are escaped for both readings.
    """
    read = list(_markup_tokens(view.text, view.expressions))
    markup = list(_markup_tokens(view.text, NO_ENGINE))
    return [*map(_shape, read)] == [*map(_shape, markup)] and all(
        any(_holds_text(view, token, piece.start) for token in markup)
        for piece in view.in_expressions(start, len(view.text))
    )


def _shape(token: Token) -> tuple[object, ...]:
    values = [each.value for each in token.attributes if each.value is not None]
    return token.kind, token.start, token.end, token.content, values


def _holds_text(source: Source, token: Token, position: int) -> bool:
    """Return whether a token has text or an address at a position."""
    if token.kind is Kind.TEXT:
        return token.start <= position < token.end
    if token.content and token.name in RCDATA:
        return token.content[0] <= position < token.content[1]
    return any(
        each.value is not None
        and each.value[0] <= position < each.value[1]
        and context_of(source, token, each.name) in _PASSIVE
        for each in token.attributes
    )


def _plain_parts(view: _TemplateSource, start: int) -> Iterator[Part]:
    for piece in view.all_known(start, len(view.text)):
        own = view.text[start : piece.start]
        begun = TAG_BEGUN.search(own)
        cut = begun.start() if begun else len(own)
        yield own[:cut]
        yield own[cut:] if piece.raw else ""
        yield required(piece, plain(own[cut:]))
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
        view = self.source
        assert isinstance(view, _TemplateSource)
        begins = view.expressions.own_begins
        return [
            piece if isinstance(piece, str) else required(piece, text_writer(view, piece, begins))
            for piece in pieces
        ]

    def attribute_parts(self, token: Token, attribute: Attribute) -> list[Part]:
        assert attribute.value is not None
        span = attribute.value
        placeholders = self.source.placeholders(*span)
        parts = Elements.attribute_parts(self, token, attribute)
        context = context_of(self.source, token, attribute.name)
        if context in URL_CONTEXTS:
            # Braces are encoded in addresses.
            parts = self._without_own(parts, placeholders)
            return _without_begun_tags(self._with_expressions(parts, span))
        limit: Callable[[Placeholder, Fill], Fill]
        limit = self._limited if context is ValueContext.TEXT else self._braceless
        if context is ValueContext.DOCUMENT:
            limit = self._documents
        elif attribute.name == "class":
            limit = self._classes(span)
        written = iter(placeholders)
        return _without_begun_tags(
            [part if isinstance(part, str) else limit(next(written), part) for part in parts]
        )

    def _braceless(self, piece: Placeholder, fill: Fill) -> Fill:
        """Return a fill of an attribute or a text field that begins no expression."""
        return self._without_characters(piece, fill, "&#{};")

    def _documents(self, piece: Placeholder, fill: Fill) -> Fill:
        """Return such a fill for a page in an attribute, where entities are resolved twice."""
        return self._without_characters(piece, fill, "&amp;#{};")

    def _without_characters(self, piece: Placeholder, fill: Fill, entity: str) -> Fill:
        """Return a fill that writes the characters that begin expressions as entities."""
        view = self.source
        assert isinstance(view, _TemplateSource)
        characters = {"{", *"".join(view.expressions.own_begins)} - set("&#;")
        table = {ord(each): entity.format(ord(each)) for each in characters}
        return fill if piece.raw else lambda values: fill(values).translate(table)

    def _limited(self, piece: Placeholder, fill: Fill) -> Fill:
        """Return a fill that begins no expression, even if an engine resolves entities first."""
        view = self.source
        assert isinstance(view, _TemplateSource)
        fill = self._braceless(piece, fill)
        if piece.raw or not view.expressions.resolves_entities:
            return fill
        begins = ("{{", *view.expressions.own_begins)
        return self._only(piece, fill, value_judge(view, piece, begins))

    def _only(self, piece: Placeholder, fill: Fill, is_good: Callable[[Any], bool]) -> Fill:
        """Return a fill that leaves out a value with an expression, and refuse such a value."""
        self.found.limited.append(Limited(piece, is_good, "begins an expression of the template"))
        return accepted(piece, fill, is_good)

    def _classes(self, span: tuple[int, int]) -> Callable[[Placeholder, Fill], Fill]:
        """Return the function that limits values in a class, which AngularJS reads."""
        view = self.source
        assert isinstance(view, _TemplateSource)

        def limit(piece: Placeholder, fill: Fill) -> Fill:
            fill = self._limited(piece, fill)
            if piece.raw or not view.expressions.resolves_entities:
                return fill
            return self._only(piece, fill, class_judge(view, piece, span))

        return limit

    def _without_own(self, parts: list[Part], placeholders: Sequence[Placeholder]) -> list[Part]:
        """Return an address without values that begin expressions in the page's own delimiters."""
        view = self.source
        assert isinstance(view, _TemplateSource)
        # These characters are encoded in addresses.
        begins = [each for each in view.expressions.own_begins if not set(each) & set("<>{}|")]
        for piece in placeholders if begins else ():
            if not piece.raw:
                is_good = value_judge(view, piece, begins)
                parts = [
                    part if isinstance(part, str) else self._only(piece, part, is_good)
                    for part in parts
                ]
        return parts

    def _with_expressions(self, parts: list[Part], span: tuple[int, int]) -> list[Part]:
        """Return an address with its expressions; values have neither braces nor ``<``."""
        view = self.source
        assert isinstance(view, _TemplateSource)
        # A raw value is no single fill; the expressions beside it are the author's text.
        if len(parts) != 1 or isinstance(parts[0], str) or not view.in_expressions(*span):
            return parts
        return [refilled(view, parts[0], view.known_in, view.expressions)]

    def _broken_parts(self, token: Token) -> list[Part]:
        parts: list[Part] = []
        for piece in self.source.pieces(token.start, token.end):
            if isinstance(piece, str):
                parts.append(piece)
                continue
            if token.name.startswith("<script") and not piece.raw:
                self.refuse(piece, "stands in a script of a template that has no <\\/script>")
            parts.append(required(piece, in_string))
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
        """Return a placeholder in a name, which stays empty if the whole is not accepted."""
        before, after = self.source.text[start : piece.start], self.source.text[piece.end : end]

        def is_good(value: Any) -> bool:
            return accepts(f"{before}{escapes.text_of(value)}{after}")

        if meaning:
            self.found.limited.append(Limited.name(piece, is_good, meaning))
        return [required(piece, lambda value: escapes.text_of(value) if is_good(value) else "")]

    def inner_parts(self, token: Token, start: int, end: int) -> list[Part]:
        is_script = token.name == "script"
        if is_script and script_kind(self.source, token) is not ScriptKind.RULES:
            return script_parts(self.source, start, end, ScriptKind.CODE, self.found.forbid)
        parts = Elements.inner_parts(self, token, start, end)
        if token.name not in RCDATA:
            return parts
        written = iter(self.source.placeholders(start, end))
        return [
            part if isinstance(part, str) else self._limited(next(written), part) for part in parts
        ]


def _is_harmless(name: str) -> bool:
    return name.lower() in _HARMLESS


def _keeps_text(source: Source, token: Token) -> Callable[[str], bool]:
    """Return a predicate: whether a value is only text in an attribute of that name."""
    return lambda name: (
        _NAME.fullmatch(name) is not None
        and context_of(source, token, name.lower()) is ValueContext.TEXT
    )


def _without_begun_tags(parts: Sequence[Part]) -> list[Part]:
    """Return the parts of an attribute so that no value continues a ``<`` of the author."""
    last = len(parts) - 1
    return [
        TAG_BEGUN.sub("&lt;", part) if isinstance(part, str) and index < last else part
        for index, part in enumerate(parts)
    ]
