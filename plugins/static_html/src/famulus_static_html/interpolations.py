"""Put values into the expressions in a page's own text that its frameworks evaluate.

``{{ f("${v}") }}`` is JavaScript where Vue or AngularJS read the page: a value in it is a value of
that code, as in an event handler.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from famulus_static_html import escapes
from famulus_static_html.attributes import ValueContext
from famulus_static_html.beginnings import value_judge
from famulus_static_html.contents import JS_ESCAPES, is_operand
from famulus_static_html.differences import differing_in_code
from famulus_static_html.findings import Found, Limited
from famulus_static_html.scripts import Place, ScriptKind, places
from famulus_static_html.source import PLACEHOLDER, Placeholder, Source
from famulus_static_html.template import Part, accepted, required
from famulus_static_html.tokens import OPAQUE, RCDATA, Kind, Token

_DECIDES = "decides which code is run in an expression that a framework of the page evaluates"
_NO_STRING = (
    "stands outside of a string in an expression that a framework of the page evaluates, where it "
    "decides which code is run: put quotes around it"
)
_NO_NAME = "is no part of a name, and only such values are inserted in a name of an expression"
_NOT_PLAIN = (
    "has a character that could end its string or its expression, which a framework of the page "
    "evaluates"
)
_BESIDE_NAME = re.compile(r"[\w$.]\Z")
_NAME_PART = re.compile(r"\w*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# What neither ends a string nor begins code in one, in an address whose quotes stay.
_PLAIN = re.compile(r"[^\"'`\\\n\r\u2028\u2029]*")
_IN_ADDRESS: Mapping[Place, re.Pattern[str]] = {Place.CODE: _NUMBER, Place.INSIDE: _PLAIN}
# The brackets of nested lists and objects do not end the expression around them.
_DOUBLED = re.compile(r"([\[\]{}])(?=\1)")
_CODE = frozenset({Place.CODE, Place.ADDRESS_VALUE})


@frozen
class _Inside:
    """The place of a value in an expression, and the code ``before`` it."""

    place: Place
    before: str


@frozen
class Interpolations:
    """The values in the expressions of one text of a page.

    A value behind an opening delimiter that the text does not close is in none of them, but may not
    contain the closing one.
    """

    _ends: tuple[str, ...] = ()
    _unended: frozenset[int] = frozenset()
    _inside: Mapping[int, _Inside] = field(factory=dict)

    @classmethod
    def of(
        cls,
        source: Source,
        span: tuple[int, int],
        delimiters: Iterable[tuple[str, str]],
        resolve: Callable[[str], str],
    ) -> Interpolations:
        """Return those of a span of the page.

        :param resolve: resolves entities as browsers do before a framework reads the text.
        """
        pairs = [pair for pair in delimiters if pair[0] != "${"]
        if not pairs:
            return cls()
        text = ""
        starts: dict[int, int] = {}
        for piece in source.pieces(*span):
            if not isinstance(piece, str):
                starts[len(text)] = piece.start
            text += resolve(piece) if isinstance(piece, str) else piece.source
        read = source.of(text)
        inside: dict[int, _Inside] = {}
        unended: set[int] = set()
        for found in _expressions(pairs).finditer(text):
            begin = next(begin for begin, _ in pairs if found[0].startswith(begin))
            start, end = found.start() + len(begin), found.end()
            within = {at for at in starts if start <= at < end}
            if found.lastindex is None:
                unended |= {starts[at] for at in within}
                continue
            known = {
                piece.start: place for piece, place in places(read, start, end, ScriptKind.CODE)
            }
            for at in within:
                # An entity can be part of what looks like a placeholder once it is resolved.
                place = known.get(at, Place.LOADED)
                inside[starts[at]] = _Inside(place, text[start:at])
        return cls(tuple(end for _, end in pairs), frozenset(unended), inside)

    def __contains__(self, piece: Placeholder) -> bool:
        return piece.start in self._inside

    def ends_at(self, piece: Placeholder) -> tuple[str, ...]:
        """Return the closing delimiters that a value may not have, because one is awaited."""
        return self._ends if piece.start in self._unended else ()

    def part(self, piece: Placeholder, context: ValueContext, found: Found) -> Part:
        """Return a value in an expression.

        :param context: how the browser reads what the expression is evaluated to.
        """
        if piece.raw:
            return required(piece, escapes.text_of)
        inside = self._inside[piece.start]
        if inside.place is Place.ESCAPED:
            return piece.source
        if fault := _fault(inside):
            found.forbid(piece, fault)
            return ""
        if inside.place is Place.CODE and _BESIDE_NAME.search(inside.before):
            found.limited.append(Limited(piece, _is_name_part, _NO_NAME))
            return accepted(piece, required(piece, escapes.text_of), _is_name_part)
        found.differing += differing_in_code(piece, inside.place)
        return required(piece, _escape(piece, inside.place, context))

    def judge(self, piece: Placeholder) -> Limited | None:
        """Return which values an address may have in an expression; None outside of one.

        A value is encoded there, and not escaped, so that it may have no quotes.
        """
        if piece.raw or piece not in self:
            return None
        inside = self._inside[piece.start]
        if inside.place is Place.CODE and _BESIDE_NAME.search(inside.before):
            return Limited(piece, _is_name_part, _NO_NAME)
        pattern = _IN_ADDRESS.get(inside.place, _NAME_PART)
        # A part of a delimiter, or the whole.
        characters = {*"".join(self._ends)}

        def is_plain(value: Any) -> bool:
            text = escapes.text_of(value)
            return pattern.fullmatch(text) is not None and not characters & set(text)

        return Limited(piece, is_plain, _NOT_PLAIN)

    def refuse(self, piece: Placeholder, found: Found) -> bool:
        """Refuse a value that decides which code is run, and return whether it is one."""
        inside = self._inside.get(piece.start)
        fault = _fault(inside) if inside and not piece.raw else ""
        if fault:
            found.forbid(piece, fault)
        return bool(fault)


@define
class OpenExpressions:
    """Refuses the values in expressions that go on over tags, as Vue reads them.

    Vue reads the markup of its element, in which an expression ends at the next closing delimiter.
    """

    source: Source
    found: Found
    pairs: Sequence[tuple[str, str]]
    _open: tuple[str, str] | None = field(default=None, init=False)
    _line: int = field(default=0, init=False)
    _in_text: list[Placeholder] = field(factory=list, init=False)
    _over_tags: list[Placeholder] = field(factory=list, init=False)
    _has_tag: bool = field(default=False, init=False)

    def refuse(self, tokens: Iterable[Token], shielded: Collection[int]) -> None:
        """Refuse the values of a page in such expressions."""
        for token in tokens:
            if token.kind is Kind.START and token.name in {"script", "style", *OPAQUE}:
                continue
            for start, end, is_text in _spans(token):
                self._has_tag |= not is_text
                self._span(start, end, may_open=is_text and token.start not in shielded)
        if self._open is not None:
            fault = f"could end the {self._open[0]} of line {self._line}, which is never closed"
            for piece in self._over_tags:
                judge = value_judge(self.source, piece, [self._open[1]])
                self.found.limited.append(Limited(piece, judge, fault))

    def _span(self, start: int, end: int, *, may_open: bool) -> None:
        for piece in self.source.pieces(start, end):
            if isinstance(piece, str):
                self._own(html.unescape(piece), start, may_open=may_open)
            elif self._open is not None and not piece.raw:
                (self._over_tags if self._has_tag else self._in_text).append(piece)

    def _own(self, text: str, start: int, *, may_open: bool) -> None:
        """Follow a text of the author's own to its end."""
        while True:
            if self._open is not None:
                _, is_closed, text = text.partition(self._open[1])
                if not is_closed:
                    return
                self._close()
            begun = [(text.find(pair[0]), pair) for pair in self.pairs if pair[0] in text]
            if not begun or not may_open:
                return
            at, self._open = min(begun)
            text = text[at + len(self._open[0]) :]
            self._line = self.source.line(start)
            self._has_tag = False

    def _close(self) -> None:
        reason = (
            f"stands in an expression that begins in the text of line {self._line} and has a tag "
            "in it, so that Vue reads the value as code: close the expression before the tag"
        )
        for piece in (*self._in_text, *self._over_tags) if self._has_tag else ():
            self.found.forbid(piece, reason)
        self._open = None
        self._in_text.clear()
        self._over_tags.clear()


def _spans(token: Token) -> Iterator[tuple[int, int, bool]]:
    """Yield the spans of a token, and whether a framework reads expressions in them."""
    if token.content is not None and token.name in RCDATA:
        start, end = token.content
        yield from ((token.start, start, False), (start, end, True), (end, token.end, False))
    else:
        yield token.start, token.end, token.kind is Kind.TEXT


def _expressions(pairs: Iterable[tuple[str, str]]) -> re.Pattern[str]:
    """Return a pattern for expressions, with a group that is set if the closing delimiter is."""
    escaped = [(re.escape(begin), re.escape(end)) for begin, end in pairs]
    return re.compile(
        "|".join(rf"{begin}(?:{PLACEHOLDER}|(?!{end}).)*+({end})?" for begin, end in escaped),
        re.DOTALL,
    )


def _fault(inside: _Inside) -> str:
    """Return why no value may stand there; empty if one may."""
    if inside.place is Place.LOADED:
        return _DECIDES
    is_code = inside.place is Place.CODE and not _BESIDE_NAME.search(inside.before)
    if is_code and inside.before.strip() and not is_operand(inside.before):
        return _NO_STRING
    return ""


def _is_name_part(value: Any) -> bool:
    return _NAME_PART.fullmatch(escapes.text_of(value)) is not None


def _escape(piece: Placeholder, place: Place, context: ValueContext) -> Callable[[Any], str]:
    """Return the function that writes a value into an expression, in HTML."""
    is_text = piece.text and place is Place.CODE
    escape = escapes.js_literal if is_text else JS_ESCAPES[place]
    # What the browser does with the result of the expression.
    escape_result = _RESULTS.get(context)

    def write(value: Any) -> str:
        code = escape(value if escape_result is None else escape_result(value))
        return escapes.html_text(_DOUBLED.sub(r"\1 ", code) if place in _CODE else code)

    return write


_RESULTS: Mapping[ValueContext, Callable[[Any], str]] = {
    ValueContext.CSS: escapes.css,
    ValueContext.DOCUMENT: escapes.html_text,
}
