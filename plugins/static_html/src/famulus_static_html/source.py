"""An author's HTML file as text, with its placeholders and their lines."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Self

from attrs import evolve, field, frozen

#: All tokenizers treat it as one token: what is inside the braces is a name, not markup or code.
PLACEHOLDER = r"\$\{[ \t]*[^{}$\s][^{}$\n\r]*\}"


def delimited(begin: str, end: str) -> str:
    """Return a pattern for text between two delimiters; if the second is missing, up to the end."""
    begin, end = re.escape(begin), re.escape(end)
    return rf"{begin}(?:{PLACEHOLDER}|(?!{end}).)*+(?:{end}|\Z)"


#: Patterns for what template engines evaluate unless a page says otherwise, by how it begins.
EXPRESSIONS: Mapping[str, str] = MappingProxyType(
    {"<%": delimited("<%", "%>"), "{{": delimited("{{", "}}")}
)


def any_expression(own: Iterable[tuple[str, str]] = ()) -> re.Pattern[str]:
    """Return a pattern for the expressions that any template engine may evaluate.

    :param own: the delimiters that the page names.
    """
    # Between "${" and "}" a placeholder stands.
    named = [delimited(*pair) for pair in own if pair[0] != "${"]
    return re.compile("|".join([*named, *EXPRESSIONS.values()]), re.DOTALL)


EXPRESSION = any_expression()

PLACEHOLDERS = re.compile(PLACEHOLDER)
_FILTER = re.compile(r"(.*\S)\s*\|\s*(raw|text)", re.DOTALL)

#: Names that every page can use besides the columns of the data.
OWN_NAMES = frozenset({"famulus_agent_id", "mephisto_agent_id", "provider_worker_id"})


@frozen
class Placeholder:
    """One ``${name}``, ``${name|raw}`` or ``${name|text}``. ``source`` is its text.

    ``raw`` means that the value is inserted unescaped, ``trusted`` that this is so because all data
    are trusted, and ``text`` that markup in the value is shown as text.
    """

    name: str
    raw: bool
    trusted: bool
    text: bool
    source: str
    start: int
    end: int
    line: int

    @property
    def html_name(self) -> str:
        """The name with entities resolved, as in HTML: ``${Q&amp;A}`` names the column ``Q&A``."""
        return html.unescape(self.name) if "&" in self.name else self.name


def _line_starts(source: Source) -> list[int]:
    return [0, *(match.end() for match in re.finditer("\n", source.text))]


def trust(placeholder: Placeholder) -> str:
    """Return, as the end of a sentence, how an author allows that values are code.

    ``trust_data`` is left out for the names that every page can use: it does not apply to them.
    """
    written = f"write ${{{placeholder.name}|raw}}"
    is_own = placeholder.html_name in OWN_NAMES
    return written if is_own else f"{written}, or set blueprint.trust_data=true for all of them"


@frozen
class Source:
    """The text of one page. ``trusted`` is whether values of the data are inserted unescaped."""

    text: str
    trusted: bool = False
    _starts: list[int] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_starts", _line_starts(self))

    def of(self, text: str) -> Self:
        """Return another text as a source, with the same ``trusted``."""
        return evolve(self, text=text)

    def line(self, offset: int) -> int:
        """Return the line, from 1, that an offset is on."""
        return bisect_right(self._starts, offset)

    def placeholders(self, start: int, end: int) -> list[Placeholder]:
        """Return the placeholders that lie wholly within a span."""
        return [self._placeholder(match) for match in PLACEHOLDERS.finditer(self.text, start, end)]

    def pieces(self, start: int, end: int) -> list[str | Placeholder]:
        """Cut a span into literal text and placeholders, in order."""
        pieces: list[str | Placeholder] = []
        for placeholder in self.placeholders(start, end):
            pieces += [self.text[start : placeholder.start], placeholder]
            start = placeholder.end
        return [*pieces, self.text[start:end]]

    def _placeholder(self, match: re.Match[str]) -> Placeholder:
        inside = match[0][2:-1].strip()
        found = _FILTER.fullmatch(inside)
        name, how = found.groups() if found else (inside, "")
        # Who works is not data: a worker's name comes from outside.
        trusted = self.trusted and not how and html.unescape(name) not in OWN_NAMES
        return Placeholder(
            name=name,
            raw=how == "raw" or trusted,
            trusted=trusted,
            text=how == "text",
            source=match[0],
            start=match.start(),
            end=match.end(),
            line=self.line(match.start()),
        )
