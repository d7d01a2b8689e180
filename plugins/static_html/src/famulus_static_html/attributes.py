"""The escaping of placeholders in each kind of attribute."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any

from famulus_static_html import escapes
from famulus_static_html.scripts import backslash_before
from famulus_static_html.source import Placeholder, Source
from famulus_static_html.template import Fill, Part, optional, required
from famulus_static_html.tokens import Attribute, Token
from famulus_static_html.urls import (
    UnsafeUrl,
    code_url_fill,
    url_fill,
    url_list_fill,
    url_part_fill,
)

_URLS = re.compile(
    "action|background|cite|classid|codebase|data|dynsrc|formaction|href|icon|longdesc|lowsrc|"
    "manifest|poster|profile|src|xlink:href|xml:base"
)
_URL_LISTS = frozenset({"srcset", "imagesrcset", "ping", "archive", "attributionsrc"})
_MEDIA = {
    tag: frozenset({"src", "poster", "href", "xlink:href"})
    for tag in ("img", "video", "audio", "source", "track", "input", "image")
}
_DESTINATIONS = frozenset({
    "action", "form", "formaction", "formenctype", "formmethod", "formtarget",
})  # fmt: skip
# Browsers run these, and Vue, Alpine, Angular and Knockout.
_JAVASCRIPT = re.compile(r"on|[@:(\[]|v-|x-|(?:data-)?ng-|data-bind\Z")
# Angular, htmx and hyperscript read these as languages of their own; what a framework is given as
# markup or as an address could run, whichever way it is written.
_FRAMEWORK_LANGUAGE = re.compile(r"[#*]|(?:data-)?hx-|_\Z")
_RUN_BY_FRAMEWORK = re.compile(r"(?!on).*(?:html|href|src|action)")
_RUN_LINK = re.compile(r"\s*javascript:", re.IGNORECASE)
_PASSIVE_LINKS = frozenset({
    "alternate", "apple-touch-icon", "author", "bookmark", "canonical", "dns-prefetch", "help",
    "icon", "license", "mask-icon", "next", "preconnect", "prefetch", "prev", "search", "shortcut",
})  # fmt: skip
_MEDIA_KINDS = frozenset({"audio", "fetch", "font", "image", "track", "video"})
_ANIMATIONS = frozenset({"animate", "set", "animatemotion", "animatetransform"})
_ENTITY_BEGUN = re.compile(r"&(?=(?:[A-Za-z][A-Za-z0-9]*)?\Z)")
_ANY_ENTITY_BEGUN = re.compile(r"&(?=#?[A-Za-z0-9]*\Z)")

# They say no more than yes or no.
_SWITCHES = frozenset({
    "autofocus", "autoplay", "checked", "controls", "default", "disabled", "hidden", "inert",
    "loop", "multiple", "muted", "open", "playsinline", "readonly", "required", "reversed",
    "selected",
})  # fmt: skip
_SWITCH = re.compile(r"""([a-z]+)(?:=(["']?)(?:\1|true|)\2)?""", re.IGNORECASE)

#: Called with a placeholder that is not allowed, and the reason.
Refuse = Callable[[Placeholder, str], None]


class Context(Enum):
    """How an attribute's value is read."""

    TEXT = auto()
    URL = auto()
    URL_LIST = auto()
    CODE_URL = auto()
    CSS = auto()
    #: JavaScript
    HANDLER = auto()
    #: code in a language of a framework's own
    FRAMEWORK = auto()
    MARKUP = auto()
    #: where the answers go, or whether the form has the field
    DESTINATION = auto()


def context_of(source: Source, tag: Token, attribute: str) -> Context:
    """Return how browsers read the attribute of this tag."""
    if _JAVASCRIPT.match(attribute):
        return Context.FRAMEWORK if _RUN_BY_FRAMEWORK.match(attribute) else Context.HANDLER
    if _FRAMEWORK_LANGUAGE.match(attribute):
        return Context.FRAMEWORK
    if attribute in _DESTINATIONS:
        return Context.DESTINATION
    if attribute == "style":
        return Context.CSS
    if attribute in _URL_LISTS:
        return Context.URL_LIST
    if attribute == "href" and tag.name in ("a", "area") and _runs(source, tag):
        return Context.HANDLER
    if _URLS.fullmatch(attribute) and not (attribute == "data" and tag.name != "object"):
        return Context.CODE_URL if _loads_code(source, tag) else Context.URL
    if tag.name == "param" and attribute == "value":
        return Context.URL
    return Context.MARKUP if _decides(source, tag, attribute) else Context.TEXT


def _runs(source: Source, tag: Token) -> bool:
    """Return whether a link runs code instead of leading somewhere."""
    found = tag.attribute("href")
    if found is None or found.value is None:
        return False
    return _RUN_LINK.match(source.text[slice(*found.value)]) is not None


def _loads_code(source: Source, tag: Token) -> bool:
    """Return whether the URL of an element is that of a script or a style sheet."""
    if tag.name != "link":
        return tag.name == "script"
    words = set(value_of(source, tag, "rel").lower().split())
    if words == {"preload"} and value_of(source, tag, "as").strip().lower() in _MEDIA_KINDS:
        return False
    return not words <= _PASSIVE_LINKS


def _decides(source: Source, tag: Token, attribute: str) -> bool:
    """Return whether the value decides what the element does, or is a whole page."""
    if attribute in ("srcdoc", "http-equiv", "sandbox", "allow", "shadowrootmode"):
        return True
    if tag.name == "meta":
        name = value_of(source, tag, "name").strip().lower()
        sets_policy = tag.attribute("http-equiv") is not None or name == "referrer"
        return attribute == "name" or (attribute == "content" and sets_policy)
    if tag.name == "script":
        return attribute in ("type", "language")
    if tag.name == "link":
        return attribute == "rel"
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
    """Return the value of an attribute, which is not JavaScript, as literal text and fills."""
    assert attribute.value is not None
    pieces = source.pieces(*attribute.value)
    placeholders = [piece for piece in pieces if not isinstance(piece, str)]
    context = context_of(source, tag, attribute.name)
    if context is Context.FRAMEWORK:
        return [_raw_or_source(piece) for piece in pieces]
    reason = _refusal(context, tag, attribute, placeholders)
    if reason:
        for placeholder in placeholders:
            if not placeholder.raw:
                refuse(placeholder, reason)
    if context in (Context.URL, Context.URL_LIST, Context.CODE_URL):
        return _url_parts(pieces, context, tag, attribute, refuse)
    if context is Context.CSS:
        return _css_parts(source, pieces)
    return text_parts(pieces)


def _refusal(
    context: Context, tag: Token, attribute: Attribute, placeholders: Sequence[Placeholder]
) -> str:
    if not attribute.quote and any(placeholder.raw for placeholder in placeholders):
        return (
            "stands beside a raw value in an attribute value without quotes: write "
            f'{attribute.name}="…"'
        )
    if context is Context.MARKUP:
        return (
            f"stands in the attribute {attribute.name} of <{tag.name}>, where no escaping is safe"
        )
    if context is Context.DESTINATION:
        return f"stands in {attribute.name}, which decides where the answers go"
    return ""


def switches(value: Any) -> str | None:
    """Return the attributes such as ``checked`` that a value names; None if it is anything else."""
    found = [_SWITCH.fullmatch(word) for word in escapes.text_of(value).split()]
    names = [match[1].lower() for match in found if match]
    return " ".join(names) if len(names) == len(found) and _SWITCHES.issuperset(names) else None


def switch_fill(placeholder: Placeholder) -> Fill:
    """Return what fills a placeholder in the place of attributes such as ``checked``."""
    name = placeholder.html_name
    return lambda values: switches(values.get(name)) or ""


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
        if context is Context.CODE_URL:
            return [code_url_fill(pieces, "style" if tag.name == "link" else "script")]
        return [url_fill(pieces, media=media)]
    except UnsafeUrl as error:
        refuse(placeholders[0], str(error))
        return []


def _raw_or_source(piece: str | Placeholder) -> Part:
    if isinstance(piece, str):
        return piece
    if piece.trusted:
        return optional(piece, escapes.text_of)
    return required(piece, escapes.text_of) if piece.raw else piece.source


def _raw_or_encoded(piece: str | Placeholder) -> Part:
    if isinstance(piece, str):
        return _ANY_ENTITY_BEGUN.sub("&amp;", piece)
    return required(piece, escapes.text_of) if piece.raw else url_part_fill(piece)
