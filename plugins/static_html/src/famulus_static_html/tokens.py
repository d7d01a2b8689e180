"""Cut HTML into tokens the way browsers do (WHATWG HTML, section 13.2.5), keeping offsets.

Elements whose content is not markup (``script``, ``style``, ``title``, ``textarea`` …) are one
token with their content and end tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum, auto

from attrs import define, field, frozen

from famulus_static_html.source import PLACEHOLDER, Source

_SPACE = r" \t\n\f\r"
# A run of text, up to what can begin a tag or a comment. "$" alone is text.
_TEXT = re.compile(rf"(?:[^<$]++|{PLACEHOLDER}|\$|<(?![A-Za-z/!?]|{PLACEHOLDER}))+")
_TAG = re.compile(
    rf"<(?P<closing>/?)(?P<name>(?:[A-Za-z]|{PLACEHOLDER})(?:{PLACEHOLDER}|[^{_SPACE}/>])*+)"
)
_ATTRIBUTE = re.compile(
    rf"""[{_SPACE}/]*+
    (?P<name>(?:{PLACEHOLDER}|[^{_SPACE}/>])(?:{PLACEHOLDER}|[^{_SPACE}/>=])*+)
    (?:[{_SPACE}]*+=[{_SPACE}]*+(?:
        "(?P<double>(?:{PLACEHOLDER}|[^"])*+)"
        | '(?P<single>(?:{PLACEHOLDER}|[^'])*+)'
        | (?P<bare>(?!["'])(?:{PLACEHOLDER}|[^{_SPACE}>])*+)
    ))?""",
    re.VERBOSE,
)
_UNTERMINATED = re.compile(rf"[{_SPACE}]*+=[{_SPACE}]*+[\"']")
_TAG_END = re.compile(rf"[{_SPACE}/]*+>")
_COMMENT = re.compile(r"<!--(?:-?>|.*?--!?>)", re.DOTALL)
_SCRIPT_EVENT = re.compile(rf"<!---?>|<!--|-->|<(/?)script(?=[{_SPACE}/>])", re.IGNORECASE)

#: Their content is text in which only entities count.
RCDATA = frozenset({"title", "textarea"})
#: Their content is text in which nothing counts, and which no escaping reaches.
OPAQUE = frozenset({"iframe", "noembed", "noframes", "xmp", "plaintext"})
_RAW = RCDATA | OPAQUE | {"script", "style"}
_FOREIGN_ATOMIC = frozenset({"title", "script", "style"})
# Where HTML goes on inside SVG and MathML. <annotation-xml> only sometimes is such a place; taking
# it for none only refuses more.
_INTEGRATION = frozenset({"foreignobject", "desc", "mi", "mo", "mn", "ms", "mtext"})
_BREAKS_OUT = re.compile(
    "b|big|blockquote|body|br|center|code|dd|div|dl|dt|em|embed|h[1-6]|head|hr|i|img|li|listing|"
    "menu|meta|nobr|ol|p|pre|ruby|s|small|span|strong|strike|sub|sup|table|tt|u|ul|var"
)


class Kind(Enum):
    """The kind of a token."""

    TEXT = auto()
    COMMENT = auto()
    DOCTYPE = auto()
    START = auto()
    END = auto()
    BROKEN = auto()


@frozen
class Attribute:
    """An attribute of a tag; ``value`` is the span of its value, ``quote`` empty without quotes."""

    name: str
    name_end: int
    start: int
    value: tuple[int, int] | None = None
    quote: str = ""


@frozen
class Token:
    """A span of the page.

    ``content`` is the span inside an element that is one token; ``foreign`` means that it is in
    SVG or MathML.
    """

    kind: Kind
    start: int
    end: int
    name: str = ""
    attributes: tuple[Attribute, ...] = ()
    head_end: int = 0
    content: tuple[int, int] | None = None
    foreign: bool = False

    def attribute(self, name: str) -> Attribute | None:
        """Return the first attribute of that name, which browsers use; None if there is none."""
        return next((found for found in self.attributes if found.name == name), None)


@define
class _Foreign:
    """The open elements that decide whether a position is in SVG or MathML."""

    open: list[str] = field(factory=list)

    @property
    def here(self) -> bool:
        return bool(self.open) and self.open[-1] in ("svg", "math")

    def start(self, name: str, self_closing: bool) -> None:
        if _BREAKS_OUT.fullmatch(name):
            while self.here:
                self.open.pop()
        elif not self_closing and (name in ("svg", "math") or (self.here and name in _INTEGRATION)):
            self.open.append(name)

    def end(self, name: str) -> None:
        if name in self.open:
            while self.open.pop() != name:
                pass


def tokenise(source: Source) -> Iterator[Token]:
    """Yield the tokens of a page in order; an unfinished one is the last, of kind BROKEN."""
    text, foreign, position = source.text, _Foreign(), 0
    while position < len(text):
        token = _next(text, position, foreign)
        yield token
        position = token.end


def outside_templates(tokens: Iterable[Token]) -> Iterator[Token]:
    """Yield the tokens that are not inside of a ``<template>``."""
    depth = 0
    for token in tokens:
        if token.name == "template" and token.kind is Kind.START:
            depth += 1
        elif token.name == "template" and token.kind is Kind.END:
            depth = max(depth - 1, 0)
        elif not depth:
            yield token


def _next(text: str, position: int, foreign: _Foreign) -> Token:
    if found := _TEXT.match(text, position):
        return Token(Kind.TEXT, position, found.end())
    tag = _TAG.match(text, position)
    if not tag:
        return _declaration(text, position, foreign)
    attributes, end = _attributes(text, tag.end())
    name = tag["name"].lower()
    if end is None:
        return Token(Kind.BROKEN, position, len(text), f"<{name}")
    if tag["closing"]:
        foreign.end(name)
        return Token(Kind.END, position, end, name, attributes, end, foreign=foreign.here)
    self_closing = text[end - 2] == "/"
    in_foreign = foreign.here
    foreign.start(name, self_closing)
    token = Token(Kind.START, position, end, name, attributes, end, None, in_foreign)
    if name not in (_FOREIGN_ATOMIC if in_foreign else _RAW) or (in_foreign and self_closing):
        return token
    return _with_content(text, token)


def _declaration(text: str, position: int, foreign: _Foreign) -> Token:
    if text.startswith("<!--", position):
        comment = _COMMENT.match(text, position)
        if not comment:
            return Token(Kind.BROKEN, position, len(text), "<!--")
        return Token(Kind.COMMENT, position, comment.end())
    ends = "]]>" if foreign.here and text.startswith("<![CDATA[", position) else ">"
    end = text.find(ends, position)
    if end < 0:
        return Token(Kind.BROKEN, position, len(text), text[position : position + 2])
    doctype = text[position : position + 9].lower() == "<!doctype"
    return Token(Kind.DOCTYPE if doctype else Kind.COMMENT, position, end + len(ends))


def _attributes(text: str, position: int) -> tuple[tuple[Attribute, ...], int | None]:
    attributes: list[Attribute] = []
    while True:
        if end := _TAG_END.match(text, position):
            return tuple(attributes), end.end()
        found = _ATTRIBUTE.match(text, position)
        if not found:
            return tuple(attributes), None
        group = next((key for key in ("double", "single", "bare") if found[key] is not None), None)
        if group is None and _UNTERMINATED.match(text, found.end()):
            return tuple(attributes), None
        attributes.append(
            Attribute(
                found["name"].lower(),
                found.end("name"),
                found.start("name"),
                found.span(group) if group else None,
                {"double": '"', "single": "'"}.get(group or "", ""),
            )
        )
        position = found.end()


def _with_content(text: str, start: Token) -> Token:
    name = start.name
    end = _script_end(text, start.end) if name == "script" else _raw_end(text, name, start.end)
    close = text.find(">", end) + 1 if end >= 0 else 0
    if not close:
        return Token(Kind.BROKEN, start.start, len(text), f"<{name}>")
    return Token(
        Kind.START,
        start.start,
        close,
        name,
        start.attributes,
        start.head_end,
        (start.head_end, end),
        start.foreign,
    )


def _raw_end(text: str, name: str, position: int) -> int:
    if name == "plaintext":
        return -1
    found = re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE).search(text, position)
    return found.start() if found else -1


def _script_end(text: str, position: int) -> int:
    """Return where a script ends: as in browsers, not at the first end after ``<!-- <script>``."""
    escaped = double = False
    for event in _SCRIPT_EVENT.finditer(text, position):
        word = event[0]
        if word == "<!--":
            escaped = True
        elif word in ("-->", "<!-->", "<!--->"):
            escaped = double = False
        elif event[1]:
            if not double:
                return event.start()
            double = False
        elif escaped:
            double = True
    return -1
