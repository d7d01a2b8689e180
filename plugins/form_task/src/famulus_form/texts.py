"""Texts of a form: ``${column}`` for values of the row, and a little markup.

A text is compiled once, to pieces of HTML: strings, and functions of a page's :class:`Shown`. The
markup (``**bold**``, ``*emphasis*``, paragraphs, lists) is the author's; a value is always text.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from attrs import frozen

from famulus import TranslatableText, Translator

#: Names that every text can use besides the columns of the data.
OWN_NAMES = frozenset({"famulus_agent_id", "provider_worker_id"})
#: What a URL becomes that could run code.
INVALID_URL = "about:invalid"

_PLACEHOLDER = re.compile(r"(\$?)\$\{[ \t]*([^{}$\s][^{}$\n\r]*?)[ \t]*\}")
_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*", re.DOTALL)
_EMPHASIS = re.compile(r"(?<![*\w])\*(?=[^\s*])([^*]+?)(?<=[^\s*])\*(?![*\w])")
_ITEM = re.compile(r"[-*] +")
_HEADING = re.compile(r"#{1,6} +(.+)")
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):", re.IGNORECASE)
_MEDIA_DATA = re.compile(r"data:(?:image|audio|video)/", re.IGNORECASE)
_STRIPPED = "".join(map(chr, range(0x21)))
_IGNORED = str.maketrans("", "", "\t\n\r")


_TO_ENGLISH = Translator.to("en")


@frozen
class PageContent:
    """The content of a page: the values by name, and a number that stays the same for its unit."""

    values: Mapping[str, Any]
    #: decides random orders: the same at every reload and in every process
    lot: int = 0
    #: the worker's last answers in the run; None if there are none
    earlier: Any = None
    #: what each row shows, in a unit of several rows
    items: Sequence[PageContent] = ()
    #: how many rows the unit has
    of: int = 1
    #: translates the fixed texts
    translate: Translator = _TO_ENGLISH


#: A piece of a page: HTML, or a function that makes it.
Piece = str | Callable[[PageContent], str]


def placeholders(text: str) -> Iterator[str]:
    """Yield the names of the columns that a text uses."""
    for found in _PLACEHOLDER.finditer(text):
        if not found[1]:
            yield found[2]


def without_placeholders(text: str) -> str:
    """Return a text without its placeholders."""
    return _PLACEHOLDER.sub("", text)


def value_pieces(text: str) -> Iterator[str | tuple[str, str]]:
    """Cut a text into strings, and pairs of a column's name and its placeholder as written.

    The first and the last piece are strings, and there is a string between any two pairs.
    """
    position, literal = 0, ""
    for found in _PLACEHOLDER.finditer(text):
        literal += text[position : found.start()]
        position = found.end()
        if found[1]:
            literal += found[0][1:]
        else:
            yield literal
            yield found[2], found[0]
            literal = ""
    yield literal + text[position:]


def value_text(value: Any) -> str:
    """Return a value of the data as text for workers."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False)


def plain(text: str, values: Mapping[str, Any]) -> str:
    """Return a text with its values, without markup and escaping."""
    return _PLACEHOLDER.sub(
        lambda found: found[0][1:] if found[1] else value_text(values.get(found[2])), text
    )


def fixed(text: str) -> Piece:
    """Return a text of this package, as HTML in the language of the page."""
    return lambda shown: escape(shown.translate(text))


def inline(text: str) -> list[Piece]:
    """Compile a text for use within a line."""
    if isinstance(text, TranslatableText):
        return [fixed(text)]
    return _pieces(_marked(escape(text, quote=False)))


def attribute(text: str) -> list[Piece]:
    """Compile a text for use in a quoted attribute."""
    if isinstance(text, TranslatableText):
        return [fixed(text)]
    return _pieces(escape(text))


def blocks(text: str) -> list[Piece]:
    """Compile a text of paragraphs, lists and headings, separated by blank lines."""
    parts = re.split(r"\n[ \t]*\n", escape(text, quote=False).strip())
    return _pieces("".join(map(_block, filter(str.strip, parts))))


def url(text: str) -> list[Piece]:
    """Compile the address of an image, an audio or a video file, for a quoted attribute."""
    if not any(placeholders(text)):
        return [escape(_safe_url(plain(text, {})))]
    return [lambda shown: escape(_safe_url(plain(text, shown.values)))]


def is_safe_url(address: str) -> bool:
    """Return whether an address is relative, or of a scheme that cannot run code."""
    read = address.translate(_IGNORED).strip(_STRIPPED)
    scheme = _SCHEME.match(read)
    if scheme is None or scheme[1].lower() in ("http", "https"):
        return True
    return _MEDIA_DATA.match(read) is not None


def merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Join neighbouring strings, so that a page is made of few pieces."""
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        else:
            found.append(piece)
    return found


def rendered(pieces: Sequence[Piece], shown: PageContent) -> str:
    """Return the HTML of compiled pieces."""
    return "".join(piece if isinstance(piece, str) else piece(shown) for piece in pieces)


def _safe_url(address: str) -> str:
    return address if is_safe_url(address) else INVALID_URL


def _block(text: str) -> str:
    lines = text.strip().split("\n")
    if all(_ITEM.match(line.strip()) for line in lines):
        items = (_ITEM.sub("", line.strip(), count=1) for line in lines)
        return "<ul>" + "".join(f"<li>{_marked(item)}</li>" for item in items) + "</ul>\n"
    if len(lines) == 1 and (heading := _HEADING.fullmatch(text.strip())):
        return f"<h3>{_marked(heading[1])}</h3>\n"
    return f"<p>{_marked(text.strip())}</p>\n"


def _marked(text: str) -> str:
    return _EMPHASIS.sub(r"<em>\1</em>", _BOLD.sub(r"<strong>\1</strong>", text))


def _pieces(markup: str) -> list[Piece]:
    """Cut HTML at its placeholders."""
    pieces: list[Piece] = []
    position = 0
    for found in _PLACEHOLDER.finditer(markup):
        pieces.append(markup[position : found.start()])
        pieces.append(found[0][1:] if found[1] else _value(html.unescape(found[2])))
        position = found.end()
    return merged([*pieces, markup[position:]])


def _value(name: str) -> Callable[[PageContent], str]:
    return lambda shown: escape(value_text(shown.values.get(name)))
