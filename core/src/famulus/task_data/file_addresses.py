"""Addresses of files: which addresses a page loads, and which file names a server gets for them."""

from __future__ import annotations

import html
import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from attrs import frozen

from famulus.errors import Problem

_LOADED: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "audio": ("src",), "embed": ("src",), "iframe": ("src",), "image": ("href", "xlink:href"),
    "img": ("src", "srcset"), "input": ("src",), "link": ("href",), "object": ("data",),
    "script": ("src",), "source": ("src", "srcset"), "track": ("src",), "video": ("src", "poster"),
})  # fmt: skip
# Elements whose address a worker may open.
_LINKED = frozenset({"a", "area"})
MEDIA = frozenset({
    ".aac", ".apng", ".avif", ".bmp", ".flac", ".gif", ".jpeg", ".jpg", ".m4a", ".m4v", ".mov",
    ".mp3", ".mp4", ".mpeg", ".oga", ".ogg", ".ogv", ".opus", ".png", ".svg", ".tif", ".tiff",
    ".vtt", ".wav", ".webm", ".webp",
})  # fmt: skip
# Libraries and long texts hardly ever have it.
_MEDIA_NAME = re.compile(rf"\.(?:{'|'.join(each[1:] for each in sorted(MEDIA))})\b", re.IGNORECASE)
# A name in this folder or below it, without the parts that a browser does not send to the server.
_HERE = re.compile(r"(?![a-z][a-z0-9+.-]*:|[/?#])[^?#]+", re.IGNORECASE)
# A name in the root of this server.
_ROOT = re.compile(r"/(?!/)([^?#]+)")
_CANDIDATE = re.compile(r"[\s,]*+([^\s,]\S*+)[^,]*+")
_QUOTE = r"&(?:quot|apos|\#34|\#39);"
_BARE = r"""(?:\\[0-9a-f]{1,6}+\s?+|\\[^0-9a-f]|[^"'()\s\\])+?"""
_DOUBLE, _SINGLE = r'"((?:\\.|[^"\\\n])*+)"', r"'((?:\\.|[^'\\\n])*+)'"
_IN_STYLE = re.compile(
    rf"""url\(\s*+(?:{_DOUBLE}|{_SINGLE}|{_QUOTE}([^"'()\n]*?){_QUOTE}|({_BARE})(?=[\s)]|\Z))
    |@import\s*+(?:{_DOUBLE}|{_SINGLE})""",
    re.IGNORECASE | re.VERBOSE,
)
_CSS_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))", re.IGNORECASE | re.DOTALL)
_ATTRIBUTE = re.compile(
    r"""\s(src|srcset|href|poster|data|background)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"']++))""",
    re.IGNORECASE,
)
# What may be an address in a value of the data: a list of names, JSON, markup.
_WORD = re.compile(r"""[^\s"'<>()\[\]{},;|=]++""")
# The same of names with spaces.
_PART = re.compile(r"""[^\n\t"'<>()\[\]{},;|=]++""")


@frozen
class FileColumn:
    """A value of the data in an address."""

    #: the column; empty if it is not known which values complete the address
    name: str
    #: as it is written, such as ``${n}``
    written: str


@frozen
class FileAddress:
    """An address that a page names: text, and values of the data that complete it."""

    pieces: tuple[str | FileColumn, ...]
    #: where it is written: a problem without a message
    place: Problem
    #: whether the page loads the file, and is not whole without it
    expected: bool = True

    @property
    def columns(self) -> Sequence[str]:
        """The names of the values that complete it."""
        return [piece.name for piece in self.pieces if not isinstance(piece, str)]

    @property
    def written(self) -> str:
        """The address as it is written."""
        return "".join(one if isinstance(one, str) else one.written for one in self.pieces)

    @property
    def may_be_here(self) -> bool:
        """Whether it can name a file of this server."""
        if self.columns and not self.pieces[0]:
            return True
        written = self.written.strip().replace("\\", "/")
        return _HERE.match(written) is not None or _ROOT.match(written) is not None

    def filled(self, row: Mapping[str, Any]) -> str:
        """Return the address, completed with the values of a row."""
        return "".join(
            one if isinstance(one, str) else _text(row.get(one.name)) for one in self.pieces
        )


def local_file_name(address: str, folder: str = "") -> str | None:
    """Return the file name that a browser requests from the page's own server, or None.

    None means that the address leads elsewhere. A backslash counts as a slash, as in browsers.

    :param folder: the folder that the address is relative to.
    """
    found = _HERE.match(address.strip().replace("\\", "/"))
    name = posixpath.normpath(posixpath.join(folder, unquote(found[0]).strip())) if found else "."
    return None if name.startswith((".", "/")) else name


def outside_file_name(address: str) -> str | None:
    """Return the name that a browser requests from this server outside of the page's folder.

    The name begins with ``..`` or with a slash. Return None for other addresses.
    """
    read = address.strip().replace("\\", "/")
    if found := _ROOT.match(read):
        return "/" + posixpath.normpath(unquote(found[1]).strip())
    found = _HERE.match(read)
    name = posixpath.normpath(unquote(found[0]).strip()) if found else ""
    return name if name.startswith("../") else None


def requested_file_name(address: str) -> str | None:
    """Return the file name that a browser requests from this server; None for addresses elsewhere.

    The name is relative to the page, or begins with ``..`` or with a slash. A backslash counts as a
    slash, as in browsers.
    """
    return local_file_name(address) or outside_file_name(address)


def file_address_spans(
    text: str,
    element: str,
    attributes: Iterable[tuple[str, tuple[int, int]]],
    content: tuple[int, int] | None = None,
) -> Iterator[tuple[int, int, Callable[[str], str]]]:
    """Yield the positions of file addresses in a tag, or in the style sheet that it contains.

    Each comes with a function that resolves the escapes at that position: of HTML, CSS or both.

    :param text: the page.
    :param element: the name of the tag, in lower case.
    :param attributes: the attributes with a value: names in lower case, and positions of the
        values.
    :param content: the position of the text in the element.
    """
    names = ("href",) if element in _LINKED else _LOADED.get(element, ())
    for name, span in attributes:
        if name == "style":
            for start, end in _style_spans(text, *span):
                yield start, end, _of_style_attribute
        elif name == "srcset" and name in names:
            for match in _CANDIDATE.finditer(text, *span):
                yield *match.span(1), html.unescape
        elif name in names or name == "background":
            yield *span, html.unescape
    if element == "style" and content is not None:
        for start, end in _style_spans(text, *content):
            yield start, end, _of_style


def style_addresses(css: str) -> Iterator[str]:
    """Yield the addresses that a style sheet names."""
    for start, end in _style_spans(css, 0, len(css)):
        yield _of_style(css[start:end])


def _of_style(text: str) -> str:
    return _CSS_ESCAPE.sub(lambda found: found[2] or _character(found[1]), text)


def _of_style_attribute(text: str) -> str:
    return _of_style(html.unescape(text))


def _character(digits: str) -> str:
    code = int(digits, 16)
    return chr(code) if 0 < code < 0x110000 else "\ufffd"


def html_addresses(page: str) -> Iterator[str]:
    """Yield the addresses that an HTML file names, in its attributes and styles."""
    for found in _ATTRIBUTE.finditer(page):
        value = html.unescape(found[2] or found[3] or found[4] or "")
        if found[1].lower() == "srcset":
            yield from (each[1] for each in _CANDIDATE.finditer(value))
        else:
            yield value
    yield from style_addresses(page)


def is_media(name: str) -> bool:
    """Return whether a name belongs to an image, a sound, a video or subtitles."""
    return Path(name).suffix.lower() in MEDIA


def media_names(value: Any) -> Iterator[str]:
    """Yield possible names of media files in a value: all of it, or parts of lists and markup.

    The names are relative to the page.
    """
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from media_names(each)
    elif isinstance(value, str) and _MEDIA_NAME.search(value):
        words = {value}
        if _WORD.fullmatch(value) is None:
            words.update(_WORD.findall(value), _PART.findall(value))
        for word in filter(_MEDIA_NAME.search, words):
            name = local_file_name(html.unescape(word))
            if name is not None and is_media(name):
                yield name


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _style_spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _IN_STYLE.finditer(text, start, end):
        yield next(match.span(index) for index in range(1, 7) if match[index] is not None)
