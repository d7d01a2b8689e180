"""Find out what each placeholder of a script stands in: a string, a regular expression, or code.

A wrong guess can garble a script, never let a value out of its literal: the escapes see to that.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from famulus_static_html.source import PLACEHOLDER, Placeholder, Source

_LINE_END = r"\n\r\u2028\u2029"
_STRINGS = {
    quote: re.compile(
        rf"{quote}(?:{PLACEHOLDER}|\\(?:.|\n)|[^{quote}\\{_LINE_END}])*+{quote}?", re.DOTALL
    )
    for quote in "\"'"
}
_TEMPLATE = re.compile(rf"(?:{PLACEHOLDER}|\\.|\$(?!\{{)|[^`\\$])*+(?P<end>`|\$\{{)?", re.DOTALL)
_COMMENT = re.compile(rf"(?://|<!--)[^{_LINE_END}]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_REGEX = re.compile(
    rf"/(?![*/])(?:{PLACEHOLDER}|\\.|\[(?:\\.|[^\]\\{_LINE_END}])*+\]|[^/\\\[{_LINE_END}])++/"
)
_CODE = re.compile(rf"{PLACEHOLDER}|[\w$]+|\s+|.", re.DOTALL)
_JSON_STRING = re.compile(rf'"(?:{PLACEHOLDER}|\\.|[^"\\])*+"?', re.DOTALL)
_BEFORE_REGEX = frozenset("(,=:[!&|?{};+-*%~^<>") | {
    "", "return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do",
    "instanceof", "yield", "await",
}  # fmt: skip


class Place(Enum):
    """What a placeholder stands in."""

    CODE = auto()
    INSIDE = auto()
    #: right behind the slash that opens a regular expression
    REGEX_START = auto()
    #: behind a backslash: the author's own ``\\${x}``
    ESCAPED = auto()


def places(
    source: Source, start: int, end: int, *, is_json: bool
) -> list[tuple[Placeholder, Place]]:
    """Return every placeholder of a script or data block with the place it stands in."""
    scan = _json_literals if is_json else _js_literals
    literals = scan(source.text[start:end])
    return [
        (found, _place(source.text, found, start, literals))
        for found in source.placeholders(start, end)
    ]


def _place(text: str, found: Placeholder, start: int, literals: list[tuple[int, int]]) -> Place:
    if backslash_before(text, found.start):
        return Place.ESCAPED
    at = found.start - start
    for first, last in literals:
        if first <= at < last:
            is_regex = at == first + 1 and text[start + first] == "/"
            return Place.REGEX_START if is_regex else Place.INSIDE
    return Place.CODE


def backslash_before(text: str, position: int) -> bool:
    """Say whether the character at a position is escaped by a backslash."""
    run = position
    while run > 0 and text[run - 1] == "\\":
        run -= 1
    return (position - run) % 2 == 1


def _json_literals(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _JSON_STRING.finditer(text)]


def _js_literals(text: str) -> list[tuple[int, int]]:
    """Return the spans of strings, regular expressions and the text of template literals."""
    literals: list[tuple[int, int]] = []
    depths: list[int] = []  # of each template literal around us: how many braces are open in it
    position, last = 0, ""
    while position < len(text):
        character = text[position]
        if comment := _COMMENT.match(text, position):
            position = comment.end()
            continue
        closes_template = character == "}" and depths and depths[-1] == 0
        if character == "`" or closes_template:
            if closes_template:
                depths.pop()
            found = _TEMPLATE.match(text, position + 1)
            assert found is not None  # the pattern matches the empty text
            if found["end"] == "${":
                depths.append(0)
            last = "" if found["end"] == "${" else "`"
        else:
            found = _literal(text, position, last)
            if found is None:
                position, last = _code(text, position, last, depths)
                continue
            last = character
        literals.append((position, found.end()))
        position = found.end()
    return literals


def _literal(text: str, position: int, last: str) -> re.Match[str] | None:
    character = text[position]
    if character in _STRINGS:
        return _STRINGS[character].match(text, position)
    if character == "/" and last in _BEFORE_REGEX:
        return _REGEX.match(text, position)
    return None


def _code(text: str, position: int, last: str, depths: list[int]) -> tuple[int, str]:
    found = _CODE.match(text, position)
    assert found is not None  # the pattern matches any character
    word = found[0]
    if depths and word in "{}":
        depths[-1] += 1 if word == "{" else -1
    return found.end(), last if word.isspace() else word
