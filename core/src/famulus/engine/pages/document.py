"""The HTML document of all pages, complete in one response, and its most common content."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from html import escape
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

from famulus.html_attributes import attributes
from famulus.translation import LANGUAGES, Language, Translator

_COMMENTS = {
    ".css": re.compile(r"/\*.*?\*/", re.DOTALL),
    ".js": re.compile(r"^\s*//.*$", re.MULTILINE),
}


@cache
def asset(name: str) -> str:
    """Read a script or stylesheet of this package, without its comments and indentation.

    The result is ASCII, like all our own parts of a page: one other character makes the whole text
    twice as large in memory, and slow to encode (measured: 2 to 3 % of a request).
    """
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    bare = _COMMENTS[name[name.rindex(".") :]].sub("", text)
    lines = "\n".join(line.strip() for line in bare.splitlines() if line.strip())
    # Only strings of scripts have other characters, and the escapes mean the same there.
    return lines.encode("ascii", "backslashreplace").decode()


@cache
def script(*names: str, element_id: str = "", texts: str = "") -> str:
    """Return assets as one inline script element, which defines no global names.

    :param texts: the texts that the scripts show, as a JSON object in ASCII; its name is ``texts``.
    """
    # Text in HTML must not end the element.
    known = f"const texts = {texts.replace('<', chr(92) + 'u003c')};\n" if texts else ""
    text = known + "\n".join(map(asset, names))
    identified = f' id="{element_id}"' if element_id else ""
    return f'<script{identified}>\n(function () {{\n"use strict";\n{text}\n}})();\n</script>\n'


# The empty icon keeps browsers from asking the server for one.
_BEFORE_TITLE = """<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>"""
#: Titles of notices, of which a run has a few in each language.
_KEPT_BEGINNINGS = 64
_STYLE_TAG = '<style id="famulus-style">'

Mood = Literal["plain", "good", "warn"]
_MARKS: Mapping[Mood, str] = MappingProxyType({"plain": "i", "good": "&#10003;", "warn": "!"})
_NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})


def document(
    title: str,
    body: str,
    language: Language,
    *,
    head: str = "",
    html_attributes: Mapping[str, str] = _NO_ATTRIBUTES,
    body_attributes: Mapping[str, str] = _NO_ATTRIBUTES,
) -> str:
    """Return a whole document.

    ``title`` and the attributes are text; ``body`` and ``head`` are HTML.

    :param language: the document's language, unless ``html_attributes`` states another one.
    """
    return assembled(
        beginning(title),
        (body,),
        language,
        head=head,
        html_attributes=html_attributes,
        body_attributes=body_attributes,
    )


def _language_attributes(language: Language) -> Mapping[str, str]:
    return {"lang": language.tag} if language.direction == "ltr" else language.attributes


#: By tag; of a document whose author states no language.
_LANGUAGE_ATTRIBUTES: Mapping[str, str] = MappingProxyType(
    {tag: attributes(_language_attributes(each)) for tag, each in LANGUAGES.items()}
)


@lru_cache(_KEPT_BEGINNINGS)
def beginning(title: str) -> str:
    """Return the beginning of the head of a document, for :func:`assembled`."""
    ascii_title = escape(title).encode("ascii", "xmlcharrefreplace").decode()
    return f"{_BEFORE_TITLE}{ascii_title}</title>\n{_style()}\n"


@cache
def _style() -> str:
    return f"{_STYLE_TAG}\n{asset('worker.css')}\n</style>"


def without_style(html: str) -> str:
    """Return a document with an empty style sheet, which the page's script fills."""
    # Searching for the whole sheet would cost more than all else of a reply (measured).
    style, start = _style(), html.find(_STYLE_TAG)
    if start < 0 or not html.startswith(style, start):
        return html
    return f"{html[:start]}{_STYLE_TAG}</style>{html[start + len(style) :]}"


def assembled(
    beginning: str,
    body: Sequence[str],
    language: Language,
    *,
    head: str = "",
    html_attributes: Mapping[str, str] = _NO_ATTRIBUTES,
    body_attributes: Mapping[str, str] = _NO_ATTRIBUTES,
) -> str:
    """Return a whole document like :func:`document`, from the result of :func:`beginning`.

    :param body: its parts in their order. Joined here, they are copied only once.
    """
    if not html_attributes:
        own = _LANGUAGE_ATTRIBUTES[language.tag]
    elif "lang" in html_attributes:
        own = attributes(html_attributes)
    else:
        own = attributes({**_language_attributes(language), **html_attributes})
    of_body = attributes(body_attributes) if body_attributes else ""
    before = f"<!doctype html>\n<html{own}>\n"
    between = f"{head}\n</head>\n<body{of_body}>\n"
    return "".join((before, beginning, between, *body, "\n</body>\n</html>\n"))


def notice(
    title: str,
    translate: Translator,
    heading: str,
    body: str,
    *,
    mood: Mood = "plain",
    head: str = "",
) -> str:
    """Return a page with one message; ``body`` and ``head`` are HTML."""
    heading = translate(heading)
    content = (
        f'<main class="famulus-result" tabindex="-1">\n'
        f'<p class="famulus-kicker" dir="auto">{escape(title)}</p>\n'
        f'<div class="famulus-mark famulus-mark-{mood}" aria-hidden="true">{_MARKS[mood]}</div>\n'
        f"<h1>{escape(heading)}</h1>\n{body}</main>\n"
    )
    return document(f"{heading} · {title}", content, translate.language, head=head)


def paragraph(text: str) -> str:
    """Return text as a paragraph of HTML."""
    return f"<p>{escape(text)}</p>\n"


def actions(controls: str) -> str:
    """Return buttons or links, which are HTML, on their own line."""
    return f'<div class="famulus-actions">{controls}</div>\n'
