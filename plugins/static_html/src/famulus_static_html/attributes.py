"""What a placeholder may become in each attribute."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from enum import Enum, auto

from famulus_static_html import escapes
from famulus_static_html.scripts import backslash_before
from famulus_static_html.source import Placeholder, Source
from famulus_static_html.template import Part, required
from famulus_static_html.tokens import Attribute, Token
from famulus_static_html.urls import UnsafeUrl, url_fill, url_list_fill, url_part_fill

_URLS = re.compile(
    "action|background|cite|classid|codebase|data|dynsrc|formaction|href|icon|longdesc|lowsrc|"
    "manifest|poster|profile|src|xlink:href|xml:base"
)
_URL_LISTS = frozenset({"srcset", "imagesrcset", "ping", "archive", "attributionsrc"})
_MEDIA = {
    tag: frozenset({"src", "poster", "href", "xlink:href"})
    for tag in ("img", "video", "audio", "source", "track", "input", "image")
}
_ANIMATIONS = frozenset({"animate", "set", "animatemotion", "animatetransform"})
_ENTITY_BEGUN = re.compile(r"&(?=(?:[A-Za-z][A-Za-z0-9]*)?\Z)")
_ANY_ENTITY_BEGUN = re.compile(r"&(?=#?[A-Za-z0-9]*\Z)")

#: Called with a placeholder that cannot stay, and why.
Refuse = Callable[[Placeholder, str], None]


class Context(Enum):
    """How an attribute's value is read."""

    TEXT = auto()
    URL = auto()
    URL_LIST = auto()
    CSS = auto()
    HANDLER = auto()
    MARKUP = auto()


def context_of(source: Source, tag: Token, attribute: str) -> Context:
    """Say how browsers read the attribute of this tag."""
    if attribute.startswith("on"):
        return Context.HANDLER
    if attribute == "style":
        return Context.CSS
    if attribute in _URL_LISTS:
        return Context.URL_LIST
    if _URLS.fullmatch(attribute) and not (attribute == "data" and tag.name != "object"):
        return Context.URL
    return Context.MARKUP if _decides(source, tag, attribute) else Context.TEXT


def _decides(source: Source, tag: Token, attribute: str) -> bool:
    """Say whether the value decides what the element does, or is a page of its own."""
    if attribute in ("srcdoc", "http-equiv"):
        return True
    if tag.name == "meta":
        return attribute == "content" and tag.attribute("http-equiv") is not None
    if tag.name == "script":
        return attribute in ("type", "language")
    if tag.name in _ANIMATIONS:
        target = value_of(source, tag, "attributename").lower()
        animates_link = target.endswith("href") or target.startswith("on")
        return attribute == "attributename" or (
            attribute in ("from", "to", "by", "values") and animates_link
        )
    return False


def value_of(source: Source, tag: Token, name: str) -> str:
    """Return an attribute's value with its entities resolved; empty when there is none."""
    found = tag.attribute(name)
    if found is None or found.value is None:
        return ""
    return html.unescape(source.text[slice(*found.value)])


def attribute_parts(source: Source, tag: Token, attribute: Attribute, refuse: Refuse) -> list[Part]:
    """Return the value of an attribute as literal text and fills."""
    assert attribute.value is not None
    pieces = source.pieces(*attribute.value)
    placeholders = [piece for piece in pieces if not isinstance(piece, str)]
    context = context_of(source, tag, attribute.name)
    if context is Context.HANDLER:
        return [_raw_or_source(piece) for piece in pieces]
    reason = _refusal(context, tag, attribute)
    if reason:
        for placeholder in placeholders:
            if not placeholder.raw:
                refuse(placeholder, reason)
    if context in (Context.URL, Context.URL_LIST):
        return _url_parts(pieces, context, tag, attribute, refuse)
    if context is Context.CSS:
        return _css_parts(source, pieces)
    return text_parts(pieces)


def _refusal(context: Context, tag: Token, attribute: Attribute) -> str:
    if not attribute.quote:
        return f'stands in an attribute value without quotes: write {attribute.name}="…"'
    if context is Context.MARKUP:
        return (
            f"stands in the attribute {attribute.name} of <{tag.name}>, where no escaping is safe"
        )
    return ""


def text_parts(pieces: Sequence[str | Placeholder]) -> list[Part]:
    """Return text with its placeholders escaped for HTML.

    An ``&`` that a value would continue is made one that cannot begin an entity.
    """
    return [
        (_ENTITY_BEGUN.sub("&amp;", piece) if index + 1 < len(pieces) else piece)
        if isinstance(piece, str)
        else required(piece, escapes.html_text)
        for index, piece in enumerate(pieces)
    ]


def _css_parts(source: Source, pieces: list[str | Placeholder]) -> list[Part]:
    return [
        piece
        if isinstance(piece, str)
        else piece.source
        if backslash_before(source.text, piece.start)
        else required(piece, escapes.css)
        for piece in pieces
    ]


def _url_parts(
    pieces: list[str | Placeholder],
    context: Context,
    tag: Token,
    attribute: Attribute,
    refuse: Refuse,
) -> list[Part]:
    placeholders = [piece for piece in pieces if not isinstance(piece, str)]
    if any(placeholder.raw for placeholder in placeholders):
        return [_raw_or_encoded(piece) for piece in pieces]
    if context is Context.URL_LIST:
        return [url_list_fill(pieces)]
    media = attribute.name in _MEDIA.get(tag.name, ())
    try:
        return [url_fill(pieces, media=media, script=tag.name == "script")]
    except UnsafeUrl as error:
        refuse(placeholders[0], str(error))
        return []


def _raw_or_source(piece: str | Placeholder) -> Part:
    if isinstance(piece, str):
        return piece
    return required(piece, escapes.text_of) if piece.raw else piece.source


def _raw_or_encoded(piece: str | Placeholder) -> Part:
    if isinstance(piece, str):
        return _ANY_ENTITY_BEGUN.sub("&amp;", piece)
    return required(piece, escapes.text_of) if piece.raw else url_part_fill(piece)
