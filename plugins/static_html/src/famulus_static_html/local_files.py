"""The files that a page names by addresses in its own folder."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import unquote

from attrs import frozen

from famulus_static_html.escapes import text_of
from famulus_static_html.source import Placeholder, Source
from famulus_static_html.tokens import Kind, Token

_LOADED = {
    "audio": ("src",), "embed": ("src",), "iframe": ("src",), "image": ("href", "xlink:href"),
    "img": ("src", "srcset"), "input": ("src",), "link": ("href",), "object": ("data",),
    "script": ("src",), "source": ("src", "srcset"), "track": ("src",), "video": ("src", "poster"),
}  # fmt: skip
_LINKED = frozenset({"a", "area"})
# A name in this folder or in one inside of it, without what a browser does not ask the server for.
_HERE = re.compile(r"(?![a-z][a-z0-9+.-]*:|[/?#])[^?#]+", re.IGNORECASE)
# A name in the root of this server.
_ROOT = re.compile(r"/(?!/)([^?#]+)")
_CANDIDATE = re.compile(r"[\s,]*+([^\s,]\S*+)[^,]*+")
_QUOTE = r"&(?:quot|apos|\#34|\#39);"
_IN_STYLE = re.compile(
    rf"""url\(\s*+(?:"([^"\n]*)"|'([^'\n]*)'|(?:{_QUOTE})?([^"'()\s]+?)(?=[\s)]|{_QUOTE}|\Z))
    |@import\s*+(?:"([^"\n]*)"|'([^'\n]*)')""",
    re.IGNORECASE | re.VERBOSE,
)


@frozen
class LocalAddress:
    """An address in the folder of a page: text, and placeholders that values complete.

    ``expected`` means that the page loads the file, and is not whole without it.
    """

    pieces: tuple[str | Placeholder, ...]
    line: int
    expected: bool

    @property
    def columns(self) -> Sequence[str]:
        """The names of the values that complete it."""
        return [piece.html_name for piece in self.pieces if not isinstance(piece, str)]

    @property
    def written(self) -> str:
        """The address as it is written."""
        return "".join(one if isinstance(one, str) else one.source for one in self.pieces)

    def name(self, value_of: Callable[[str], Any]) -> str | None:
        """Return the name of the file that values complete; None for one that is elsewhere."""
        return local_name(self.filled(value_of))

    def filled(self, value_of: Callable[[str], Any]) -> str:
        """Return the address that values complete."""
        texts = (
            one if isinstance(one, str) else text_of(value_of(one.html_name)) for one in self.pieces
        )
        return "".join(texts)


def local_name(address: str, folder: str = "") -> str | None:
    """Return the name that a browser asks the page's own server for; None for other addresses.

    A backslash is a slash, as browsers read it.

    :param folder: the one that the address is relative to.
    """
    found = _HERE.match(address.strip().replace("\\", "/"))
    name = posixpath.normpath(posixpath.join(folder, unquote(found[0]).strip())) if found else "."
    return None if name.startswith((".", "/")) else name


def outside_name(address: str) -> str | None:
    """Return the name that a browser asks this server for outside of the page's folder.

    It begins with ``..`` or with a slash, and is None for other addresses.
    """
    read = address.strip().replace("\\", "/")
    if found := _ROOT.match(read):
        return "/" + posixpath.normpath(unquote(found[1]).strip())
    found = _HERE.match(read)
    name = posixpath.normpath(unquote(found[0]).strip()) if found else ""
    return name if name.startswith("../") else None


def local_addresses(
    source: Source, tokens: Iterable[Token], live: Sequence[Token]
) -> tuple[LocalAddress, ...]:
    """Return the addresses in its own folder that a page names, each once.

    :param live: those of the tokens that are not in a ``<template>``.
    """
    if any(token.name == "base" for token in live):
        return ()
    starts = {token.start for token in live}
    found: dict[str, LocalAddress] = {}
    for token in tokens:
        if token.kind is Kind.START:
            expected = token.start in starts and token.name not in _LINKED
            for span in _spans(source, token):
                address = LocalAddress(_pieces(source, span), source.line(span[0]), expected)
                known = found.get(address.written)
                if _may_be_here(address) and (known is None or expected > known.expected):
                    found[address.written] = address
    return tuple(found.values())


def style_addresses(css: str) -> Iterator[str]:
    """Yield the addresses that a style sheet names."""
    for start, end in _style_spans(css, 0, len(css)):
        yield css[start:end]


def _may_be_here(address: LocalAddress) -> bool:
    if address.columns and not address.pieces[0]:
        return True
    written = address.written.strip().replace("\\", "/")
    return _HERE.match(written) is not None or _ROOT.match(written) is not None


def _pieces(source: Source, span: tuple[int, int]) -> tuple[str | Placeholder, ...]:
    pieces = source.pieces(*span)
    return tuple(html.unescape(piece) if isinstance(piece, str) else piece for piece in pieces)


def _spans(source: Source, token: Token) -> Iterator[tuple[int, int]]:
    """Yield the spans of the addresses that a tag names, or the style sheet in it."""
    names = ("href",) if token.name in _LINKED else _LOADED.get(token.name, ())
    for attribute in token.attributes:
        if attribute.value is None:
            continue
        if attribute.name == "style":
            yield from _style_spans(source.text, *attribute.value)
        elif attribute.name == "srcset" and attribute.name in names:
            for match in _CANDIDATE.finditer(source.text, *attribute.value):
                yield match.span(1)
        elif attribute.name in names:
            yield attribute.value
    if token.name == "style" and token.content is not None:
        yield from _style_spans(source.text, *token.content)


def _style_spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _IN_STYLE.finditer(text, start, end):
        yield next(match.span(index) for index in range(1, 6) if match[index] is not None)
