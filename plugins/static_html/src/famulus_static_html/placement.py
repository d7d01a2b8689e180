"""Decide where the elements of an author's page go in a worker's page."""

from __future__ import annotations

import re
from enum import Enum, auto

from famulus_static_html.attributes import value_of
from famulus_static_html.source import Source
from famulus_static_html.tokens import Kind, Token
from famulus_static_html.urls import is_elsewhere

_DROPPED_META = frozenset({"content-type", "x-ua-compatible"})
_JS_TYPE = re.compile(r"|module|(?:text|application)/(?:x-)?(?:java|ecma|j|live)script[\d.]*")
# Not scripts, but read by the scripts behind them.
_READ_BY_SCRIPTS = frozenset({"importmap", "speculationrules"})
_JSON_TYPE = re.compile(r".*json|importmap|speculationrules")
_IMPORT = re.compile(r"@import[^;]*?(?://|\\)", re.IGNORECASE)


class Where(Enum):
    """A part of the worker's page."""

    BODY = auto()
    HEAD = auto()
    #: behind everything a worker needs
    END = auto()
    NOWHERE = auto()


def where(source: Source, token: Token) -> Where:
    """Send every script, and what may wait for another host, to the end."""
    if token.kind is not Kind.START:
        return Where.BODY
    choose = {"script": _script, "style": _style, "link": _link, "meta": _meta}.get(token.name)
    return choose(source, token) if choose else Where.BODY


def is_json(source: Source, token: Token) -> bool:
    """Say whether a ``<script>`` holds JSON."""
    return _JSON_TYPE.fullmatch(_script_type(source, token)) is not None


def _script(source: Source, token: Token) -> Where:
    kind = _script_type(source, token)
    return Where.END if _JS_TYPE.fullmatch(kind) or kind in _READ_BY_SCRIPTS else Where.BODY


def _script_type(source: Source, token: Token) -> str:
    return _word(source, token, "type").partition(";")[0].strip()


def _style(source: Source, token: Token) -> Where:
    content = source.text[slice(*token.content)] if token.content else ""
    if _IMPORT.search(content):
        return Where.END
    return Where.BODY if token.foreign else Where.HEAD


def _link(source: Source, token: Token) -> Where:
    href = value_of(source, token, "href")
    is_here = not is_elsewhere(href) and "${" not in href.partition("/")[0]
    is_sheet = "stylesheet" in _word(source, token, "rel").split()
    return Where.HEAD if is_sheet and is_here else Where.END


def _meta(source: Source, token: Token) -> Where:
    is_ours = (
        token.attribute("charset")
        or _word(source, token, "name") == "viewport"
        or _word(source, token, "http-equiv") in _DROPPED_META
    )
    return Where.NOWHERE if is_ours else Where.HEAD


def _word(source: Source, token: Token, attribute: str) -> str:
    return value_of(source, token, attribute).strip().lower()
