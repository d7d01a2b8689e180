"""Find the rows of a template whose pages differ only in shown texts and addresses.

Of such rows, the page of only one is checked. A value that is only shown cannot break a page, since
it is escaped. A value in a tag of Liquid, in a filter or in an element's configuration can.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterator, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from attrs import frozen

from famulus_crowd_form.contexts import blank, liquid_places
from famulus_crowd_form.html_tokens import Attribute, Kind, Token, tokens
from famulus_crowd_form.template import OBJECT, OBJECT_COLUMNS, Template

_COLUMN = r"""task\.input(?:\.([\w-]+)|\[\s*(?:"([^"]*)"|'([^']*)')\s*\])"""
_USED = re.compile(rf"\b{_COLUMN}")
# Filters that can have any text, and make none of it blank.
_FILTERS = "escape|escape_once|grant_read_access|strip|lstrip|rstrip|upcase|downcase|capitalize"
_OUTPUT = re.compile(rf"\{{\{{-?\s*{_COLUMN}\s*(?:\|\s*(?:{_FILTERS})\s*)*-?\}}\}}")
_TASK = re.compile(r"(?<![\w.-])task\b")
_ELSEWHERE = re.compile(r"https?://", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[\w./~%:@?=&+,;#-]+", re.IGNORECASE | re.ASCII)
_SHOWN = frozenset({"alt", "error-message", "header", "label", "placeholder", "title"})
_CONFIGURED = frozenset({"multiple", "name", "type"})
_ADDRESSES = frozenset({"href", "poster", "src"})
_MARKED = "crowd-entity-annotation"
#: Longer values can reach the limits of a page.
_LONGEST = 100_000


class Use(IntEnum):
    """How a page uses a value, from the least to the greatest effect."""

    SHOWN = 0
    ADDRESS = 1
    ANYTHING = 2


@frozen
class RowKinds:
    """How a template uses each column. Rows of one kind have the same faults, or none."""

    uses: Mapping[str, Use]

    @classmethod
    def of_template(cls, template: Template) -> RowKinds | None:
        """Return how a template uses each column; None if it can read any column."""
        uses: dict[str, Use] = {}
        for column, use in _uses(template.source):
            if column is None:
                return None
            for name in (OBJECT, *OBJECT_COLUMNS) if column == OBJECT else (column,):
                uses[name] = max(use, uses.get(name, use))
        return cls(MappingProxyType(uses))

    def kind(self, row: Mapping[str, Any]) -> Hashable:
        """Return the key shared by rows whose pages differ only in texts and addresses."""
        return tuple(_kind(row.get(column), use) for column, use in self.uses.items())


def _kind(value: Any, use: Use) -> Hashable:
    if use is Use.SHOWN and isinstance(value, str) and len(value) <= _LONGEST:
        return Use.SHOWN if value.strip() else ""
    if use is Use.ADDRESS and isinstance(value, str) and _ADDRESS.fullmatch(value):
        return Use.ADDRESS
    return type(value), repr(value)


def _uses(source: str) -> Iterator[tuple[str | None, Use]]:
    blanked = blank(source)
    parts = list(tokens(blanked))
    for piece in liquid_places(source):
        output = _OUTPUT.fullmatch(piece[0])
        if output:
            yield _name(output), _use(source, parts, piece.start(), piece.end())
            continue
        used = [_name(found) for found in _USED.finditer(piece[0])]
        if len(used) < len(_TASK.findall(piece[0])):
            yield None, Use.ANYTHING
        yield from ((name, Use.ANYTHING) for name in used)


def _name(found: re.Match[str]) -> str:
    return next(name for name in found.groups() if name is not None)


def _use(source: str, parts: Collection[Token], start: int, end: int) -> Use:
    """Return the use of a value that a template only outputs, escaped for its place."""
    for token in parts:
        if token.start <= start < token.end:
            return _use_in_tag(source, token, start, end)
        if token.content_end is not None and token.end <= start < token.content_end:
            return Use.SHOWN if token.name in ("script", "textarea", "title") else Use.ANYTHING
    return Use.SHOWN


def _use_in_tag(source: str, token: Token, start: int, end: int) -> Use:
    if token.kind is not Kind.START:
        return Use.SHOWN if token.kind is Kind.OTHER else Use.ANYTHING
    attributes = list(token.attributes())
    for attribute in attributes:
        if attribute.span is None or not attribute.span[0] <= start < attribute.span[1]:
            continue
        if not attribute.is_quoted or attribute.name == "style":
            return Use.ANYTHING
        if attribute.name in _ADDRESSES:
            before = source[attribute.span[0] : start]
            is_whole = (start, end) == attribute.span
            if _ELSEWHERE.match(before):
                return Use.SHOWN
            return Use.ADDRESS if is_whole else Use.ANYTHING
        return Use.SHOWN if _is_shown(token, attribute, attributes) else Use.ANYTHING
    return Use.ANYTHING


def _is_shown(token: Token, attribute: Attribute, attributes: Collection[Attribute]) -> bool:
    if token.name == _MARKED and attribute.name == "text":
        return all(each.name != "initial-value" for each in attributes)
    if token.name.startswith("crowd-"):
        return attribute.name in _SHOWN
    is_field = token.name in ("input", "select", "textarea", "button")
    return attribute.name not in (_CONFIGURED if is_field else ("background", "srcset", "data"))
