"""Find the context of each placeholder in a script: a string, a regular expression, or code.

A wrong guess can garble a script, but the escapes keep every value inside of its literal.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from attrs import define, field

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


#: Functions that run their argument, or load it to be run.
_LOADERS = frozenset({
    "import", "importScripts", "Worker", "SharedWorker", "addModule", "require", "getScript",
    "eval", "globalEval", "execScript", "Function",
})  # fmt: skip
#: Functions that run their first argument if it is text.
_TIMERS = frozenset({"setTimeout", "setInterval"})


# What leads somewhere: ``location = …``, ``window.open(…)``, ``frame.src = …``.
_ADDRESS = re.compile(
    r"(?:\blocation|\.\s*(?:href|src|action))\s*=\s*\Z"
    r"|\blocation\s*\.\s*(?:assign|replace)\s*\(\s*\Z|\bopen\s*\(\s*\Z"
)
#: Within how many characters before it.
_FAR = 100


class ScriptKind(Enum):
    """The kind of content of a ``<script>``, by its type."""

    CODE = auto()
    JSON = auto()
    #: JSON that determines where code is found, or what is loaded
    RULES = auto()
    #: markup or text that the page's scripts insert
    INERT = auto()
    #: code that browsers do not run: a shader, the configuration of a library …
    OTHER = auto()


class Place(Enum):
    """The place of a placeholder in a script."""

    CODE = auto()
    INSIDE = auto()
    #: right behind the slash that opens a regular expression
    REGEX_START = auto()
    #: elsewhere in a regular expression
    REGEX = auto()
    #: behind a backslash: the author's own ``\\${x}``
    ESCAPED = auto()
    #: at the start of a string that becomes the address of a page, or as that string
    ADDRESS = auto()
    ADDRESS_VALUE = auto()
    #: in what names or holds further code: ``import "${x}"``, ``eval("${x}")``
    LOADED = auto()


@define
class _Call:
    """A call with open parentheses. ``runs_text`` is whether text between them is run as code."""

    start: int
    callee: str
    runs_text: bool


@define
class _Scan:
    """The state of a scan: the spans of literals, and of texts that are loaded or run as code."""

    literals: list[tuple[int, int]] = field(factory=list)
    loaded: list[tuple[int, int]] = field(factory=list)
    _calls: list[_Call] = field(factory=list)

    def literal(self, start: int, end: int, before: str) -> None:
        """Add a literal that follows the word ``before``."""
        self.literals.append((start, end))
        self._text(start, end, before)

    def word(self, word: str, start: int, end: int, before: str) -> None:
        """Add a word or operator of code."""
        if word == "(":
            self._calls.append(_Call(start, before, before in _TIMERS))
        elif word == ")" and self._calls:
            self._close(self._calls.pop(), end)
        elif word.startswith("${"):
            self._text(start, end, before)
        elif self._calls and (word in {",", "function"} or (before, word) == ("=", ">")):
            self._calls[-1].runs_text = False

    def close(self, end: int) -> None:
        """End what is still open at the end of the script."""
        while self._calls:
            self._close(self._calls.pop(), end)

    def _text(self, start: int, end: int, before: str) -> None:
        if before in {"import", "from"} or (self._calls and self._calls[-1].runs_text):
            self.loaded.append((start, end))

    def _close(self, call: _Call, end: int) -> None:
        if call.callee in _LOADERS:
            self.loaded.append((call.start, end))


def places(
    source: Source, start: int, end: int, kind: ScriptKind
) -> list[tuple[Placeholder, Place]]:
    """Return every placeholder of a script or data block with its place."""
    text = source.text[start:end]
    if kind is ScriptKind.JSON:
        scan = _Scan([match.span() for match in _JSON_STRING.finditer(text)])
    else:
        scan = _js(text)
    if kind is ScriptKind.OTHER:
        scan.loaded.clear()
    return [
        (found, _place(source.text, found, start, scan))
        for found in source.placeholders(start, end)
    ]


def _place(text: str, found: Placeholder, start: int, scan: _Scan) -> Place:
    if backslash_before(text, found.start):
        return Place.ESCAPED
    at = found.start - start
    code = text[start : found.start]
    if any(first <= at < last for first, last in scan.loaded):
        return Place.LOADED
    for first, last in scan.literals:
        if first <= at < last:
            if at == first + 1 and _ADDRESS.search(code[:first], max(0, first - _FAR)):
                return Place.ADDRESS
            if text[start + first] == "/":
                return Place.REGEX_START if at == first + 1 else Place.REGEX
            return Place.INSIDE
    return Place.ADDRESS_VALUE if _ADDRESS.search(code, max(0, at - _FAR)) else Place.CODE


def backslash_before(text: str, position: int) -> bool:
    """Return whether the character at a position is escaped by a backslash."""
    run = position
    while run > 0 and text[run - 1] == "\\":
        run -= 1
    return (position - run) % 2 == 1


def _js(text: str) -> _Scan:
    """Scan JavaScript for literals and for calls that load or run code.

    Literals are strings, regular expressions and the text of template literals.
    """
    scan = _Scan()
    depths: list[int] = []  # of each template literal around us: how many braces are open in it
    position, last = 0, ""
    while position < len(text):
        character = text[position]
        if comment := _COMMENT.match(text, position):
            position = comment.end()
            continue
        closes_template = character == "}" and depths and depths[-1] == 0
        before = last
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
                position, last = _code(text, position, last, depths, scan)
                continue
            last = character
        scan.literal(position, found.end(), before)
        position = found.end()
    scan.close(len(text))
    return scan


def _literal(text: str, position: int, last: str) -> re.Match[str] | None:
    character = text[position]
    if character in _STRINGS:
        return _STRINGS[character].match(text, position)
    if character == "/" and last in _BEFORE_REGEX:
        return _REGEX.match(text, position)
    return None


def _code(text: str, position: int, last: str, depths: list[int], scan: _Scan) -> tuple[int, str]:
    found = _CODE.match(text, position)
    assert found is not None  # the pattern matches any character
    word = found[0]
    if word.isspace():
        return found.end(), last
    if depths and word in "{}":
        depths[-1] += 1 if word == "{" else -1
    scan.word(word, position, found.end(), last)
    return found.end(), word
