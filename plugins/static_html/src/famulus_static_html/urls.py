"""Put values into URLs so that they name a place and never run as code."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from famulus_static_html.escapes import html_text, text_of
from famulus_static_html.source import Placeholder
from famulus_static_html.template import Fill

#: What a URL with a forbidden scheme becomes.
INVALID = "about:invalid"

#: How one piece is written: from the value of that name, or from nothing.
_Step = tuple[str | None, Callable[[Any], str]]

_HIERARCHICAL = frozenset({"http", "https"})
_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):", re.IGNORECASE)
_MEDIA = re.compile(r"data:(?:image|audio|video)/", re.IGNORECASE)
_CODE = frozenset({"javascript", "vbscript", "data"})
# A folder of this page's server, or a whole path on another.
_PINNED = re.compile(r"/?[^/?#\\:]+[/?#]|(?:https?:)?//[^/?#\\]+(?:/[^?#\\]*)?[?#]", re.IGNORECASE)
_DOTS = re.compile(r"(?:^|[/\\])(?:\.|%2e)(?:\.|%2e)?(?=[/\\?#]|$)", re.IGNORECASE)
_UNSAFE = re.compile(
    r"%(?![0-9A-Fa-f]{2})|[\x00-\x20\"<>\\^`{|}\x7f-\x9f\ud800-\udfff\ufffe\uffff]"
)
_IGNORED = str.maketrans("", "", "\t\n\r")
_STRIPPED = "".join(map(chr, range(0x21)))


class UnsafeUrl(ValueError):  # noqa: N818 - names what the author wrote
    """No value can be put there; the text is the reason."""


def as_browsers_read(url: str) -> str:
    """Remove the characters that browsers remove from a URL (WHATWG URL, section 4.4)."""
    return (url if url.isprintable() else url.translate(_IGNORED)).strip(_STRIPPED)


def is_elsewhere(url: str) -> bool:
    """Return whether a URL names a host or a scheme, and so may leave this page's server."""
    read = as_browsers_read(url).replace("\\", "/")
    return read.startswith("//") or _SCHEME.match(read) is not None


def is_allowed(url: str, *, media: bool) -> bool:
    """Return whether a URL is relative or has a scheme that cannot run code."""
    read = as_browsers_read(url)
    scheme = _SCHEME.match(read)
    if scheme is None or scheme[1].lower() in _SCHEMES:
        return True
    return media and _MEDIA.match(read) is not None


def without_code(value: Any) -> Any:
    """Return a value, or :data:`INVALID` in place of an address that browsers would run."""
    scheme = _SCHEME.match(as_browsers_read(text_of(value)))
    is_code = scheme is not None and scheme[1].lower() in _CODE
    return INVALID if is_code and not is_allowed(text_of(value), media=True) else value


def url_fill(pieces: Sequence[str | Placeholder], *, media: bool) -> Fill:
    """Return what fills a URL attribute.

    ``media`` lets ``data:image/…`` pass.

    :raises UnsafeUrl: when the author's own part makes it code.
    """
    prefix = as_browsers_read(_literal(pieces[0]))
    is_fixed = _check_prefix(prefix, media)
    steps: list[_Step] = []
    seen = ""
    for piece in pieces:
        if isinstance(piece, str):
            seen += _literal(piece)
            steps.append((None, _constant(_literal(piece))))
        else:
            steps.append((piece.html_name, _writer_behind(seen)))

    def fill(values: Mapping[str, Any]) -> str:
        url = _joined(steps, values)
        return html_text(url) if is_fixed or is_allowed(url, media=media) else INVALID

    return fill


def code_url_fill(pieces: Sequence[str | Placeholder], kind: str) -> Fill:
    """Return what fills the URL of a script or style sheet.

    A value may only choose among the files of one folder.

    :raises UnsafeUrl: when the author's own part does not determine the folder.
    """
    prefix = as_browsers_read(_literal(pieces[0]))
    _check_prefix(prefix, media=False)
    if not _PINNED.match(prefix):
        raise UnsafeUrl(
            f"decides whose {kind} is run: write its folder on this page's server, or its whole "
            "address up to the ?, before it"
        )
    steps: list[_Step] = [
        (None, _constant(_literal(piece)))
        if isinstance(piece, str)
        else (piece.html_name, _component)
        for piece in pieces
    ]
    own = "".join(_literal(piece) or "x" for piece in pieces)

    def fill(values: Mapping[str, Any]) -> str:
        url = _joined(steps, values)
        leaves_folder = len(_DOTS.findall(url)) > len(_DOTS.findall(own))
        return INVALID if leaves_folder else html_text(url)

    return fill


def url_list_fill(pieces: Sequence[str | Placeholder]) -> Fill:
    """Return what fills ``srcset`` or ``ping``, where a value may be several URLs."""
    steps: list[_Step] = [
        (None, _constant(_literal(piece))) if isinstance(piece, str) else (piece.html_name, text_of)
        for piece in pieces
    ]

    def fill(values: Mapping[str, Any]) -> str:
        urls = _joined(steps, values)
        is_good = all(is_allowed(url, media=True) for url in re.split(r"[\s,]+", urls))
        return html_text(urls) if is_good else INVALID

    return fill


def _joined(steps: Sequence[_Step], values: Mapping[str, Any]) -> str:
    return "".join(write(None if name is None else values.get(name)) for name, write in steps)


def url_part_fill(placeholder: Placeholder) -> Fill:
    """Return what fills one placeholder beside a raw one, where the whole cannot be judged."""
    name = placeholder.html_name
    return lambda values: html_text(_component(values.get(name)))


def _check_prefix(prefix: str, media: bool) -> bool:
    """Return whether the author's part already determines the scheme."""
    scheme = _SCHEME.match(prefix)
    if scheme is None:
        return re.search(r"[/?#\\]", prefix) is not None
    if scheme[1].lower() in _CODE and not (media and _MEDIA.match(prefix)):
        raise UnsafeUrl(f"stands in a {scheme[1].lower()}: URL, whose content would be run")
    return True


def _literal(piece: str | Placeholder) -> str:
    return html.unescape(piece) if isinstance(piece, str) else ""


def _constant(text: str) -> Callable[[Any], str]:
    return lambda _: text


def _normalised(value: Any) -> str:
    """Encode only characters that a URL cannot contain; what is encoded already stays."""
    return _UNSAFE.sub(lambda match: _component(match[0]), as_browsers_read(text_of(value)))


def _writer_behind(seen: str) -> Callable[[Any], str]:
    """Return what writes a value behind the author's part of a URL."""
    if re.search("[?#]", seen):
        return _component
    scheme = _SCHEME.match(as_browsers_read(seen))
    is_opaque = scheme is not None and scheme[1].lower() not in _HIERARCHICAL
    return _normalised if is_opaque else _path


def _path(value: Any) -> str:
    """Write backslashes as slashes, as browsers read them, and encode what a URL cannot contain."""
    text = text_of(value)
    scheme = _SCHEME.match(as_browsers_read(text))
    if "\\" in text and (scheme is None or scheme[1].lower() in _HIERARCHICAL):
        end = re.search(r"[?#]|\Z", text)
        assert end is not None  # the pattern matches at the end
        text = text[: end.start()].replace("\\", "/") + text[end.start() :]
    return _normalised(text)


def _component(value: Any) -> str:
    """Encode every character that has a meaning in a URL."""
    return quote(text_of(value), safe="", errors="replace")
