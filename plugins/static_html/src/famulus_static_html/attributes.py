"""The escaping of placeholders in each kind of attribute."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any

from attrs import evolve

from famulus_static_html import escapes
from famulus_static_html.scripts import backslash_before
from famulus_static_html.source import EXPRESSION, Placeholder, Source
from famulus_static_html.template import Fill, Part, optional, required
from famulus_static_html.tokens import Attribute, Token
from famulus_static_html.urls import (
    UnsafeUrl,
    Url,
    Use,
    code_url_fill,
    entity_ended,
    markup_url_fill,
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
_FRAMES = frozenset({"applet", "embed", "frame", "iframe", "object", "param"})
_DESTINATIONS = frozenset({
    "action", "form", "formaction", "formenctype", "formmethod", "formtarget",
})  # fmt: skip
# Statements of browsers, Vue, Alpine, Angular and htmx.
_STATEMENTS = re.compile(
    r"on|[@(]|[vx]-on:|x-(?:init|effect)\Z|(?:data-)?hx-on"
    r"|(?:data-)?ng-(?:blur|change|click|copy|cut|dblclick|focus|init|key|mouse|paste|submit)"
)
# Angular reads all of these as `ng-`.
_NG_SPELLINGS = re.compile(r"\A(?:(data-)|data[_:]|x[-_:])?ng[-_:]")
# Expressions of the frameworks, and of Knockout.
_EXPRESSIONS = re.compile(r"[:.\[*#]|[vx]-|(?:data-)?ng-|data-bind\Z")
_BOUND = re.compile(r"(?::|\.|[vx]-bind:|\[(?:attr\.)?)([^\].]+)")
_MARKUP_OF = re.compile(r"[vx]-html|(?:data-)?ng-bind-html|innerhtml|outerhtml|srcdoc")
# Names and selectors.
_NO_EXPRESSIONS = re.compile(r"v-cloak|x-(?:ref|teleport|transition|cloak)(?=[:.]|\Z)")
_MODELS = re.compile(r"(?:[vx]|(?:data-)?ng)-model")
_INTERPOLATED = re.compile(r"(?:data-)?ng-(href|src|srcset)")
_HTMX = re.compile(r"(?:data-)?hx-([a-z]+)")
_HTMX_REQUESTS = frozenset({"get", "post", "put", "patch", "delete", "ws", "sse"})
_HTMX_OBJECTS = frozenset({"vals", "vars", "headers", "request"})
_RUN_LINK = re.compile(r"\s*javascript:", re.IGNORECASE)
_PASSIVE_LINKS = frozenset({
    "alternate", "apple-touch-icon", "author", "bookmark", "canonical", "dns-prefetch", "help",
    "icon", "license", "mask-icon", "next", "preconnect", "prefetch", "prev", "search", "shortcut",
})  # fmt: skip
_MEDIA_KINDS = frozenset({"audio", "fetch", "font", "image", "track", "video"})
_ANIMATIONS = frozenset({"animate", "set", "animatemotion", "animatetransform"})
_ENTITY_BEGUN = re.compile(r"&(?=(?:[A-Za-z][A-Za-z0-9]*)?\Z)")

# They say no more than yes or no.
_SWITCHES = frozenset({
    "autofocus", "autoplay", "checked", "controls", "default", "disabled", "hidden", "inert",
    "loop", "multiple", "muted", "open", "playsinline", "readonly", "required", "reversed",
    "selected",
})  # fmt: skip
_SWITCH = re.compile(r"""([a-z]+)(?:=(["']?)(?:\1|true|)\2)?""", re.IGNORECASE)

#: Called with a placeholder that is not allowed, and the reason.
Refuse = Callable[[Placeholder, str], None]


class ValueContext(Enum):
    """The ways in which browsers or frameworks read an attribute's value."""

    TEXT = auto()
    URL = auto()
    URL_LIST = auto()
    CODE_URL = auto()
    CSS = auto()
    #: JavaScript that is run at an event
    HANDLER = auto()
    #: JavaScript whose value a framework uses: as it is, as markup, or as an address
    EXPRESSION = auto()
    MARKUP_EXPRESSION = auto()
    URL_EXPRESSION = auto()
    #: words with JavaScript among them, as in ``hx-trigger``, or the name of a variable
    WORDS = auto()
    #: the address of markup that a framework inserts
    MARKUP_URL = auto()
    #: a whole page
    DOCUMENT = auto()
    #: code in a language of a library's own, or that is run later
    CODE = auto()
    #: what the element does
    DECISION = auto()
    #: where the answers go, or whether the form has the field
    DESTINATION = auto()


#: Where the value is an address, or several.
URL_CONTEXTS = frozenset({
    ValueContext.URL, ValueContext.URL_LIST, ValueContext.CODE_URL, ValueContext.MARKUP_URL,
})  # fmt: skip
#: Where the value is JavaScript.
JAVASCRIPT = frozenset({
    ValueContext.HANDLER, ValueContext.EXPRESSION, ValueContext.MARKUP_EXPRESSION,
    ValueContext.URL_EXPRESSION, ValueContext.WORDS,
})  # fmt: skip


def context_of(source: Source, tag: Token, attribute: str) -> ValueContext:
    """Return how browsers, or the frameworks that run in them, read an attribute of this tag."""
    if found := _INTERPOLATED.fullmatch(attribute):
        attribute = found[1]
    elif context := _framework_context(attribute):
        return context
    if attribute in _DESTINATIONS or tag.name == "base":
        return ValueContext.DESTINATION
    if attribute == "style":
        return ValueContext.CSS
    if attribute in _URL_LISTS:
        return ValueContext.URL_LIST
    if attribute == "href" and tag.name in ("a", "area") and _runs(source, tag):
        return ValueContext.HANDLER
    if _URLS.fullmatch(attribute) and not (attribute == "data" and tag.name != "object"):
        return ValueContext.CODE_URL if _loads_code(source, tag) else ValueContext.URL
    if tag.name == "param" and attribute == "value":
        return ValueContext.URL
    if attribute == "srcdoc":
        return ValueContext.DOCUMENT
    return ValueContext.DECISION if _decides(source, tag, attribute) else ValueContext.TEXT


def _framework_context(attribute: str) -> ValueContext | None:
    """Return how a framework, or an event, reads an attribute; None if neither does."""
    attribute = _NG_SPELLINGS.sub(r"\1ng-", attribute)
    if attribute in ("_", "data-script"):
        return ValueContext.CODE
    if _STATEMENTS.match(attribute):
        return ValueContext.HANDLER
    if found := _HTMX.fullmatch(attribute):
        return _htmx_context(found[1])
    if not _EXPRESSIONS.match(attribute):
        return None
    if _NO_EXPRESSIONS.match(attribute):
        return ValueContext.TEXT
    if _MODELS.match(attribute):
        return ValueContext.WORDS
    bound = _BOUND.match(attribute)
    name = bound[1] if bound else attribute
    if _MARKUP_OF.fullmatch(name):
        return ValueContext.MARKUP_EXPRESSION
    if name.startswith("on") or name in _DESTINATIONS:
        return ValueContext.CODE
    is_url = bound and (_URLS.fullmatch(name) or name in _URL_LISTS)
    return ValueContext.URL_EXPRESSION if is_url else ValueContext.EXPRESSION


def _htmx_context(name: str) -> ValueContext:
    if name in _HTMX_REQUESTS:
        return ValueContext.MARKUP_URL
    if name in _HTMX_OBJECTS:
        return ValueContext.EXPRESSION
    return ValueContext.WORDS if name == "trigger" else ValueContext.TEXT


def _runs(source: Source, tag: Token) -> bool:
    """Return whether a link runs code instead of leading somewhere."""
    found = tag.attribute("href")
    if found is None or found.value is None:
        return False
    return _RUN_LINK.match(source.text[slice(*found.value)]) is not None


def _loads_code(source: Source, tag: Token) -> bool:
    """Return whether the URL of an element names a script or a style sheet."""
    if tag.name != "link":
        return tag.name == "script"
    words = set(value_of(source, tag, "rel").lower().split())
    if words == {"preload"} and value_of(source, tag, "as").strip().lower() in _MEDIA_KINDS:
        return False
    return not words <= _PASSIVE_LINKS


def _decides(source: Source, tag: Token, attribute: str) -> bool:
    """Return whether the value of an attribute decides what the element does."""
    if attribute in ("http-equiv", "sandbox", "allow", "shadowrootmode"):
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
    return escapes.attribute_text(source.text[slice(*found.value)])


def attribute_parts(
    source: Source,
    tag: Token,
    attribute: Attribute,
    refuse: Refuse,
    expressions: re.Pattern[str] = EXPRESSION,
) -> list[Part]:
    """Return the value of an attribute that holds no JavaScript, as literal text and fills.

    :param expressions: finds the expressions that a template engine replaces in an address.
    """
    assert attribute.value is not None
    pieces = source.pieces(*attribute.value)
    placeholders = [piece for piece in pieces if not isinstance(piece, str)]
    context = context_of(source, tag, attribute.name)
    if context is ValueContext.CODE:
        return [_raw_or_source(piece) for piece in pieces]
    reason = _refusal(context, tag, attribute, placeholders)
    if reason:
        for placeholder in placeholders:
            if not placeholder.raw:
                refuse(placeholder, reason)
    if context in URL_CONTEXTS:
        return _url_parts(Url(pieces, expressions), context, tag, attribute, refuse)
    if context is ValueContext.CSS:
        return _css_parts(source, pieces)
    return text_parts(
        pieces, _document_text if context is ValueContext.DOCUMENT else escapes.html_text
    )


def _document_text(value: Any) -> str:
    """Escape a value twice, for text in a page that is itself an attribute's value."""
    return escapes.html_text(escapes.html_text(value))


def _refusal(
    context: ValueContext, tag: Token, attribute: Attribute, placeholders: Sequence[Placeholder]
) -> str:
    if not attribute.quote and any(placeholder.raw for placeholder in placeholders):
        return (
            "stands beside a raw value in an attribute value without quotes: write "
            f'{attribute.name}="…"'
        )
    if context is ValueContext.DECISION:
        return (
            f"stands in the attribute {attribute.name} of <{tag.name}>, which decides what it does"
        )
    if context is ValueContext.DESTINATION:
        return f"stands in {attribute.name}, which decides where the answers go"
    return ""


def switches(value: Any) -> str | None:
    """Return the attributes such as ``checked`` that a value names; None if it is anything else."""
    found = [_SWITCH.fullmatch(word) for word in escapes.text_of(value).split()]
    names = [match[1].lower() for match in found if match]
    return " ".join(names) if len(names) == len(found) and _SWITCHES.issuperset(names) else None


def switch_fill(placeholder: Placeholder) -> Fill:
    """Return the fill of a placeholder that stands for attributes such as ``checked``."""
    name = placeholder.html_name
    return lambda values: switches(values.get(name)) or ""


def text_parts(
    pieces: Sequence[str | Placeholder], escape: Callable[[Any], str] = escapes.html_text
) -> list[Part]:
    """Return text with its placeholders escaped for HTML.

    An ``&`` before a value is escaped, so that the value cannot complete an entity.
    """
    return [
        (_ENTITY_BEGUN.sub("&amp;", piece) if index + 1 < len(pieces) else piece)
        if isinstance(piece, str)
        else required(piece, escape)
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
    url: Url,
    context: ValueContext,
    tag: Token,
    attribute: Attribute,
    refuse: Refuse,
) -> list[Part]:
    placeholders = [piece for piece in url.pieces if not isinstance(piece, str)]
    if any(placeholder.raw for placeholder in placeholders):
        return [_raw_or_encoded(piece) for piece in url.pieces]
    if not attribute.quote:
        pieces = [p.replace('"', "&quot;") if isinstance(p, str) else p for p in url.pieces]
        url = evolve(url, pieces=pieces)
    if context is ValueContext.URL_LIST:
        return [url_list_fill(url)]
    try:
        if context is ValueContext.CODE_URL:
            return [code_url_fill(url, "style" if tag.name == "link" else "script")]
        if context is ValueContext.MARKUP_URL:
            return [markup_url_fill(url)]
        return [url_fill(url, _use(tag, attribute))]
    except UnsafeUrl as error:
        refuse(placeholders[0], str(error))
        return []


def _use(tag: Token, attribute: Attribute) -> Use:
    if attribute.name in _MEDIA.get(tag.name, ()):
        return Use.MEDIA
    return Use.FRAME if tag.name in _FRAMES else Use.LINK


def _raw_or_source(piece: str | Placeholder) -> Part:
    if isinstance(piece, str):
        return piece
    if piece.trusted:
        return optional(piece, escapes.text_of)
    return required(piece, escapes.text_of) if piece.raw else piece.source


def _raw_or_encoded(piece: str | Placeholder) -> Part:
    if isinstance(piece, str):
        return entity_ended(piece)
    return required(piece, escapes.text_of) if piece.raw else url_part_fill(piece)
