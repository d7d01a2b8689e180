"""Find the delimiters that the scripts of a page give a template engine.

``delimiters: ["[[", "]]"]`` of Vue, ``Mustache.tags``, ``startSymbol("[[")`` of AngularJS,
``_.templateSettings`` and the like name the delimiters at which expressions begin and end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_CHARACTERS = r"[^\w\s\"'`\\,;]"
# One character must be an opening bracket, unlike in operators and the "$$" of MathJax.
_BEGIN = rf"([\"'`])(?=[^\w\"'`]*[\[({{<])({_CHARACTERS}{{2,4}})"
_END = rf"([\"'`])({_CHARACTERS}{{0,3}}[\])}}>%$#@|])"
# Two texts of such characters in a row: in a list, or as the arguments of ``delimiters(…)``.
_PAIR = re.compile(rf"(?:\[|\bdelimiters\s*\()\s*{_BEGIN}\1\s*,\s*{_END}\3\s*[\])]")
_ONE_TEXT = re.compile(
    rf"\bdelimiters[\"']?\s*[:=]\s*[\"'`]({_CHARACTERS}{{2,4}}) ({_CHARACTERS}{{1,4}})[\"'`]"
)
_SYMBOLS = (
    re.compile(
        r"(?:\bstartSymbol\s*\(|\b(?:(?:output|tag)DelimiterLeft|(?:variable|block|comment)Start)"
        rf"[\"']?\s*[:=])\s*{_BEGIN}\1"
    ),
    re.compile(
        r"(?:\bendSymbol\s*\(|\b(?:(?:output|tag)DelimiterRight|(?:variable|block|comment)End)"
        rf"[\"']?\s*[:=])\s*{_END}\1"
    ),
)
_SETTING = re.compile(
    r"\b(?:interpolate|evaluate|escape|encode|conditional|iterate|define|use)[\"']?\s*[:=]\s*"
    r"/((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+)/"
)
# A character of a regular expression that stands for itself, at its beginning and its end.
_LITERAL = r"(?:\\[^\w\s]|[^\w\s\\.\[\](){}*+?^$|])"
_EXPRESSION = re.compile(rf"({_LITERAL}{{2,4}}).*?({_LITERAL}{{1,4}})", re.DOTALL)


def own_delimiters(code: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs of delimiters that this code sets."""
    for found in _PAIR.finditer(code):
        yield found[2], found[4]
    for found in _ONE_TEXT.finditer(code):
        yield found[1], found[2]
    begins, ends = ([found[2] for found in symbol.finditer(code)] for symbol in _SYMBOLS)
    yield from zip(begins, ends, strict=False)
    for found in _SETTING.finditer(code):
        if parts := _EXPRESSION.fullmatch(found[1]):
            begin, end = (re.sub(r"\\(.)", r"\1", part) for part in parts.groups())
            # Further characters tell one kind of expression from another: ``{{=``, ``{{-``.
            yield begin[:2], end[-2:]
