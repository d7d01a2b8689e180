"""An author's HTML file as text, with the placeholders in it and the lines they stand on."""

from __future__ import annotations

import html
import re
from bisect import bisect_right

from attrs import field, frozen

#: Opaque to every tokeniser here: what is inside the braces is a name, never markup or code.
PLACEHOLDER = r"\$\{[ \t]*[^{}$\s][^{}$\n\r]*\}"

_PLACEHOLDER = re.compile(PLACEHOLDER)
_RAW = re.compile(r"(.*\S)\s*\|\s*raw", re.DOTALL)


@frozen
class Placeholder:
    """One ``${name}`` or ``${name|raw}``. ``source`` is how it is written."""

    name: str
    raw: bool
    source: str
    start: int
    end: int
    line: int

    @property
    def html_name(self) -> str:
        """The name as meant where the file is HTML: ``${Q&amp;A}`` names the column ``Q&A``."""
        return html.unescape(self.name) if "&" in self.name else self.name


def _line_starts(source: Source) -> list[int]:
    return [0, *(match.end() for match in re.finditer("\n", source.text))]


@frozen
class Source:
    """The text of one page."""

    text: str
    _starts: list[int] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_starts", _line_starts(self))

    def line(self, offset: int) -> int:
        """Return the line, from 1, that an offset is on."""
        return bisect_right(self._starts, offset)

    def placeholders(self, start: int, end: int) -> list[Placeholder]:
        """Return the placeholders that lie wholly within a span."""
        return [self._placeholder(match) for match in _PLACEHOLDER.finditer(self.text, start, end)]

    def pieces(self, start: int, end: int) -> list[str | Placeholder]:
        """Cut a span into literal text and placeholders, in order."""
        pieces: list[str | Placeholder] = []
        for placeholder in self.placeholders(start, end):
            pieces += [self.text[start : placeholder.start], placeholder]
            start = placeholder.end
        return [*pieces, self.text[start:end]]

    def _placeholder(self, match: re.Match[str]) -> Placeholder:
        inside = match[0][2:-1].strip()
        raw = _RAW.fullmatch(inside)
        return Placeholder(
            name=raw[1] if raw else inside,
            raw=raw is not None,
            source=match[0],
            start=match.start(),
            end=match.end(),
            line=self.line(match.start()),
        )
