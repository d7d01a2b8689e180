"""Values in styles: their filters, and which values have no effect."""

from __future__ import annotations

import re
from collections.abc import Iterator

from famulus_crowd_form.html_tokens import Kind, line_of, tokens

#: The filter of an address without quotes after ``@import``, which does not exist.
BARE_IMPORT = " | in_import"

_CLOSED = r"""/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\])*+"|'(?:\\.|[^'\\])*+'"""
_COMMENTS_AND_STRINGS = re.compile(_CLOSED, re.DOTALL)
_OPEN_STRING = re.compile(r"""["'](?P<text>.*)\Z""", re.DOTALL)
_IN_URL = re.compile(r"\b(?:url|src)\((?P<text>[^)]*)\Z")
_IN_IMAGE = re.compile(r"\bimage(?:-set)?\([^)]*\Z")
_PROPERTY = re.compile(r"[\w-]+\s*:")
_PARTS = re.compile(
    rf"{_CLOSED}|\burl\([^)]*+(?:\)|\Z)|(?P<words>(?:[\w#%.-]|\\[0-9a-f]{{1,6}} )++)", re.DOTALL
)
#: What ``in_css`` makes of characters that mean something where no string is.
_SYNTAX = re.compile(r"\\(?:20|21|22|27|28|29|2c|2f|3a|3b|40|7b|7d) ")
_END = re.compile(r"[{};]|\Z")
_ESCAPE = re.compile(r"\\([0-9a-f]{1,6}) ")
_INVALID_URL = r"about\3a invalid"


def css_filter(before: str, *, is_attribute: bool) -> str:
    """Return the filter for a value in a style.

    :param before: the style's text before the value, without Liquid.
    :param is_attribute: whether the style is an attribute rather than an element.
    """
    text = _COMMENTS_AND_STRINGS.sub(
        lambda found: " " if found[0].startswith("/") else "s", before
    ).lower()
    string = _OPEN_STRING.search(text)
    outside = text[: string.start()] if string else text
    statement = re.split(r"[;{}]", outside)[-1].lstrip()
    begins = string is None or not string["text"].strip()
    if url := _IN_URL.search(statement):
        return " | in_css_url" if begins and not url["text"].strip() else " | in_css"
    if string is not None:
        is_url = statement.startswith("@import") or _IN_IMAGE.search(statement) is not None
        return " | in_css_url" if begins and is_url else " | in_css"
    if statement.startswith("@import"):
        return BARE_IMPORT
    if not is_attribute and outside.count("{") <= outside.count("}"):
        return " | in_css"
    if not statement:
        return " | in_declarations"
    return " | in_css_value" if _PROPERTY.match(statement) else " | in_css"


def style_faults(page: str) -> Iterator[tuple[int, str]]:
    """Yield the values of a filled page that have no effect in its styles, with their lines."""
    if "\\" not in page:
        # What has no effect is escaped.
        return
    for token in tokens(page):
        if token.kind is not Kind.START:
            continue
        if token.name == "style" and token.content_end is not None:
            content = page[token.end : token.content_end]
            for place, fault in _faults(content):
                yield line_of(page, token.end + place), fault
        for attribute in token.attributes():
            if attribute.name == "style":
                for _, fault in _faults(attribute.value):
                    yield line_of(page, attribute.start), fault


def _faults(style: str) -> Iterator[tuple[int, str]]:
    if (place := style.find(_INVALID_URL)) >= 0:
        yield (
            place,
            "an address of the data is about:invalid in a style, where only relative addresses, "
            "http and https work",
        )
    for found in _PARTS.finditer(style):
        lost = found["words"]
        if lost is None or _SYNTAX.search(lost) is None:
            continue
        end = _END.search(style, found.end())
        if end is not None and end[0] == "{" and r"\7b " not in lost:
            # A selector has its effect with any name.
            continue
        shown = _ESCAPE.sub(lambda each: chr(int(each[1], 16)), lost)
        yield (
            found.start(),
            f"{shown!r} of the data has no effect in a style: values are words, numbers, colours "
            "or declarations that load nothing; write the rest into the template, or add "
            "| skip_autoescape for data that you trust",
        )
