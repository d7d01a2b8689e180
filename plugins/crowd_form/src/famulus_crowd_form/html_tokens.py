"""Cut HTML into tags, as far as templates need it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from html import unescape

from attrs import frozen

# Quotes count only where a value begins, as in browsers.
_VALUE = r""""[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+"""
_NAME = r"[^\s/>=][^\s/>=]*+"
_TOKEN = re.compile(
    rf"<!--(?P<comment>.*?)(?:-->|\Z)"
    rf"|<!(?P<declaration>[^>]*+)>"
    rf"|<(?P<close>/?)(?P<name>[a-zA-Z][^\s/>]*+)"
    rf"(?P<attributes>(?:\s++|/|=|{_NAME}(?:\s*+=\s*+(?:{_VALUE}))?+)*+)>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(rf"(?P<name>{_NAME})(?:\s*+=\s*+(?P<value>{_VALUE}))?+")
#: Elements whose content is text for browsers.
_RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})


class Kind(Enum):
    """The kind of a token."""

    START = auto()
    END = auto()
    #: a comment or a doctype
    OTHER = auto()


@frozen
class Attribute:
    """One attribute; places are offsets in the whole text."""

    name: str
    value: str
    start: int
    #: where its value stands, without quotes; None without a value
    span: tuple[int, int] | None
    is_quoted: bool


@frozen
class Token:
    """A tag, or a comment; places are offsets in the text."""

    kind: Kind
    start: int
    end: int
    #: in lower case; empty for a comment
    name: str = ""
    attributes_text: str = ""
    attributes_start: int = 0
    #: the end of the content of an element that holds text, and the end of its end tag
    content_end: int | None = None
    element_end: int | None = None

    def attributes(self) -> Iterator[Attribute]:
        """Yield the attributes, including repeated ones, which browsers ignore."""
        for found in _ATTRIBUTE.finditer(self.attributes_text):
            value, start = found["value"], self.attributes_start
            if value is None:
                yield Attribute(found["name"].lower(), "", start + found.start(), None, True)
                continue
            is_quoted = value[0] in "\"'"
            begin, end = found.start("value") + is_quoted, found.end("value") - is_quoted
            text = self.attributes_text[begin:end]
            span = (start + begin, start + end)
            yield Attribute(
                found["name"].lower(), unescape(text), start + found.start(), span, is_quoted
            )

    def values(self) -> dict[str, str]:
        """Return the attributes by name; of two with one name, the first."""
        found: dict[str, str] = {}
        for attribute in self.attributes():
            found.setdefault(attribute.name, attribute.value)
        return found


def tokens(text: str) -> Iterator[Token]:
    """Yield the tags and comments of a text, in order."""
    position = 0
    while (found := _TOKEN.search(text, position)) is not None:
        position = found.end()
        name = (found["name"] or "").lower()
        if not name:
            yield Token(Kind.OTHER, found.start(), found.end())
        elif found["close"]:
            yield Token(Kind.END, found.start(), found.end(), name)
        else:
            content_end = element_end = None
            if name in _RAW:
                closing = re.compile(rf"</{name}(?=[\s/>])[^>]*>", re.IGNORECASE).search(
                    text, position
                )
                content_end = closing.start() if closing else len(text)
                element_end = position = closing.end() if closing else len(text)
            yield Token(
                Kind.START,
                found.start(),
                found.end(),
                name,
                found["attributes"],
                found.start("attributes"),
                content_end,
                element_end,
            )


def line_of(text: str, offset: int) -> int:
    """Return the line of an offset, from 1."""
    return text.count("\n", 0, offset) + 1
