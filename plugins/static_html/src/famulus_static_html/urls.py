"""Put values into URLs so that the URL never runs as code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import Any
from urllib.parse import quote

from attrs import frozen

from famulus_static_html.escapes import attribute_text, html_text, text_of
from famulus_static_html.source import OWN_NAMES, Placeholder
from famulus_static_html.template import Fill

#: What a URL with a forbidden scheme becomes.
INVALID = "about:invalid"

_HIERARCHICAL = frozenset({"http", "https"})
# A frame may open a program for any other scheme without a click.
_FRAMED = frozenset({"about", "http", "https", "mailto", "tel"})
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):", re.IGNORECASE)
_MEDIA = re.compile(r"data:(?:image|audio|video)[/;,]", re.IGNORECASE)
_CODE = frozenset({"javascript", "vbscript", "data"})
# A folder of this page's server, or a whole path on another.
_PINNED = re.compile(r"/?[^/?#\\:]+[/?#]|(?:https?:)?//[^/?#\\]+(?:/[^?#\\]*)?[?#]", re.IGNORECASE)
_DOTS = re.compile(r"(?:^|[/\\])(?:\.|%2e)(?:\.|%2e)?(?=[/\\?#]|$)", re.IGNORECASE)
_UNSAFE = re.compile(
    r"%(?![0-9A-Fa-f]{2})|[\x00-\x20\"<>\\^`{|}\x7f-\x9f\ud800-\udfff\ufffe\uffff]"
)
# The host is the author's.
_PINNED_HOST = re.compile(r"(?:https?:)?//[^/?#\\]+[/?#]", re.IGNORECASE)
# Unlike an expression of a template.
_OPENS_TAG = re.compile("<(?!%)")
_ENTITY_BEGUN = re.compile(r"&(?=(?:#(?:[0-9]*|[xX][0-9A-Fa-f]*)|[A-Za-z][A-Za-z0-9]*|)\Z)")
_IGNORED = str.maketrans("", "", "\t\n\r")
_STRIPPED = "".join(map(chr, range(0x21)))


class Use(Enum):
    """What a browser does with the content of an address."""

    #: follows it on a click, or loads something that needs no ``data:``
    LINK = auto()
    #: shows it as an image, or plays it
    MEDIA = auto()
    #: shows it as a page inside this one
    FRAME = auto()


class UnsafeUrl(ValueError):  # noqa: N818 - names what the author wrote
    """No value can be put into a URL; the text is the reason."""


def as_browsers_read(url: str) -> str:
    """Remove the characters that browsers remove from a URL (WHATWG URL, section 4.4)."""
    return (url if url.isprintable() else url.translate(_IGNORED)).strip(_STRIPPED)


def is_elsewhere(url: str) -> bool:
    """Return whether a URL names a host or a scheme, so that it may lead to another server."""
    read = as_browsers_read(url).replace("\\", "/")
    return read.startswith("//") or _SCHEME.match(read) is not None


def is_allowed(url: str, use: Use) -> bool:
    """Return whether a URL is relative or has a scheme that cannot run code."""
    read = as_browsers_read(url)
    scheme = _SCHEME.match(read)
    if scheme is None:
        return True
    name = scheme[1].lower()
    if use is Use.FRAME:
        return name in _FRAMED
    return name not in _CODE or (use is Use.MEDIA and _MEDIA.match(read) is not None)


def without_code(value: Any) -> Any:
    """Return a value, or :data:`INVALID` in place of an address that browsers would run."""
    return value if is_allowed(text_of(value), Use.MEDIA) else INVALID


@frozen
class Url:
    """The pieces of a URL. ``expressions`` finds the parts that a template engine replaces."""

    pieces: Sequence[str | Placeholder]
    expressions: re.Pattern[str]

    def own(self, piece: str) -> str:
        """Return a piece of the author's own text as browsers read it, without expressions."""
        return list(self.readings(piece))[-1]

    def readings(self, written: str) -> Iterator[str]:
        """Yield the addresses that may result when expressions are replaced by nothing.

        An engine reads them in the source or once the browser has resolved the entities, which can
        be a part of what begins or ends them.
        """
        yield self.expressions.sub("", attribute_text(written))
        if "&" in written:
            resolved = attribute_text(self.expressions.sub("", written))
            yield resolved
            yield self.expressions.sub("", resolved)

    @property
    def prefixes(self) -> list[str]:
        """The readings of the author's own part in front of the first value."""
        first = self.pieces[0]
        return [*map(as_browsers_read, self.readings(first))] if isinstance(first, str) else [""]


@frozen
class _Step:
    """A piece of a URL: a part of the author's text, or a value."""

    html: str = ""
    name: str | None = None
    write: Callable[[Any], str] = text_of

    def text(self, values: Mapping[str, Any]) -> str:
        """Return the piece as it is in the page."""
        return self.html if self.name is None else html_text(self.write(values.get(self.name)))


def _steps(
    url: Url, writer_behind: Callable[[str, Placeholder], Callable[[Any], str]]
) -> list[_Step]:
    """Return the steps of a URL, one per piece.

    :param writer_behind: returns the function that writes a value, given the author's text before
        it.
    """
    steps: list[_Step] = []
    seen = ""
    for index, piece in enumerate(url.pieces):
        if isinstance(piece, str):
            is_last = index + 1 == len(url.pieces)
            written = _OPENS_TAG.sub("&lt;", piece)
            steps.append(_Step(written if is_last else entity_ended(written)))
            seen += url.own(piece)
        else:
            steps.append(_Step(name=piece.html_name, write=writer_behind(seen, piece)))
    return steps


def _fill(url: Url, steps: Sequence[_Step], is_good: Callable[[str], bool]) -> Fill:
    """Return a fill that writes a URL, or :data:`INVALID`; the author's parts stay as written."""

    def fill(values: Mapping[str, Any]) -> str:
        written = "".join(step.text(values) for step in steps)
        return written if all(map(is_good, url.readings(written))) else INVALID

    return fill


def entity_ended(text: str) -> str:
    """Return a text in which no ``&`` at the end can begin an entity."""
    return _ENTITY_BEGUN.sub("&amp;", text)


def url_fill(url: Url, use: Use) -> Fill:
    """Return the fill of a URL attribute.

    :raises UnsafeUrl: when the author's own part makes it code.
    """
    is_fixed = _check_prefixes(url, use)
    steps = _steps(url, _writer_behind)
    return _fill(url, steps, lambda filled: is_fixed or is_allowed(filled, use))


def markup_url_fill(url: Url) -> Fill:
    """Return the fill of the address of markup that a framework inserts.

    The address is on this page's server, or on the host that the author names.

    :raises UnsafeUrl: when the author's own part makes it code.
    """
    _check_prefixes(url, Use.LINK)
    has_host = all(map(_PINNED_HOST.match, url.prefixes))
    steps = _steps(url, _parameter_writer_behind)
    return _fill(url, steps, lambda filled: has_host or not is_elsewhere(filled))


def code_url_fill(url: Url, kind: str) -> Fill:
    """Return the fill of the URL of a script or style sheet.

    A value may only choose among the files of one folder.

    :raises UnsafeUrl: when the author's own part does not determine the folder.
    """
    _check_prefixes(url, Use.LINK)
    if not all(map(_PINNED.match, url.prefixes)):
        raise UnsafeUrl(
            f"decides which server's {kind} is run: begin the address with a folder on this page's "
            "server, or with all of an address up to the ?"
        )
    own = "".join(attribute_text(piece) if isinstance(piece, str) else "x" for piece in url.pieces)
    own_dots = len(_DOTS.findall(own))
    steps = _steps(url, lambda _, __: _component)
    return _fill(url, steps, lambda filled: len(_DOTS.findall(filled)) <= own_dots)


def url_list_fill(url: Url) -> Fill:
    """Return the fill of ``srcset`` or ``ping``, where a value may be several URLs."""
    return _fill(
        url,
        _steps(url, lambda _, __: _without_braces),
        lambda urls: all(is_allowed(each, Use.MEDIA) for each in re.split(r"[\s,]+", urls)),
    )


def url_part_fill(placeholder: Placeholder) -> Fill:
    """Return the fill of a placeholder next to a raw one, where the whole cannot be judged."""
    name = placeholder.html_name
    return lambda values: html_text(_component(values.get(name)))


def _check_prefixes(url: Url, use: Use) -> bool:
    """Return whether the author's part already determines the scheme."""
    are_fixed = [_check_prefix(prefix, use) for prefix in url.prefixes]
    return all(are_fixed)


def _check_prefix(prefix: str, use: Use) -> bool:
    scheme = _SCHEME.match(prefix)
    if scheme is None:
        return re.search(r"[/?#\\]", prefix) is not None
    if scheme[1].lower() in _CODE and not is_allowed(prefix, use):
        raise UnsafeUrl(f"stands in a {scheme[1].lower()}: URL, whose content would be run")
    return True


def _encoded(text: str) -> str:
    """Encode only characters that a URL cannot contain; encoded characters stay."""
    return _UNSAFE.sub(lambda match: _component(match[0]), text)


def _normalised(value: Any) -> str:
    return _encoded(as_browsers_read(text_of(value)))


def _parameters(value: Any) -> str:
    """Write text after a ``?`` or ``#``, where it may be parameters, or encoded already."""
    return _encoded(text_of(value))


def _writer_behind(seen: str, piece: Placeholder) -> Callable[[Any], str]:
    """Return the function that writes a value after the author's part of a URL."""
    if piece.html_name in OWN_NAMES:
        # It comes from outside, and is no part of an address by itself.
        return _component
    if re.search("[?#]", seen):
        return _component if piece.text else _parameters
    scheme = _SCHEME.match(as_browsers_read(seen))
    is_opaque = scheme is not None and scheme[1].lower() not in _HIERARCHICAL
    return _normalised if is_opaque else _path


def _parameter_writer_behind(seen: str, piece: Placeholder) -> Callable[[Any], str]:
    """Return the function that writes a value in a URL, where it is at most one parameter."""
    return _component if re.search("[?#]", seen) else _writer_behind(seen, piece)


def _path(value: Any) -> str:
    """Write backslashes as slashes, as browsers read them, and encode what a URL cannot contain."""
    text = text_of(value)
    scheme = _SCHEME.match(as_browsers_read(text))
    if "\\" in text and (scheme is None or scheme[1].lower() in _HIERARCHICAL):
        end = re.search(r"[?#]|\Z", text)
        assert end is not None  # the pattern matches at the end
        text = text[: end.start()].replace("\\", "/") + text[end.start() :]
    return _normalised(text)


def _without_braces(value: Any) -> str:
    """Encode braces, with which the expression of a template could begin."""
    return text_of(value).replace("{", "%7B")


def _component(value: Any) -> str:
    """Encode every character with a special meaning in a URL."""
    return quote(text_of(value), safe="", errors="replace")
