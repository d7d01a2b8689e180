"""The fields of a form that can have several values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Self

from attrs import Factory, frozen

import famulus
from famulus_static_html.attributes import value_of
from famulus_static_html.source import PLACEHOLDER, Source
from famulus_static_html.tokens import Kind, Token

_UNSENT = frozenset({"button", "image", "reset"})


@frozen
class ListFields:
    """The names of checkbox groups, ``<select multiple>`` and ``<input type=file multiple>``.

    A name that contains a placeholder matches any name that a value can make of it.
    """

    names: frozenset[str] = Factory(frozenset)

    @classmethod
    def of(cls, source: Source, tags: Iterable[Token]) -> Self:
        """Collect the names from the start tags of a page."""
        checkboxes: set[str] = set()
        names: set[str] = set()
        for tag in tags:
            name = value_of(source, tag, "name")
            kind = value_of(source, tag, "type").strip().lower()
            is_multiple = tag.attribute("multiple") is not None
            if is_multiple and (tag.name == "select" or (tag.name == "input" and kind == "file")):
                names.add(name)
            elif tag.name == "input" and kind == "checkbox":
                (names if name in checkboxes else checkboxes).add(name)
        return cls(frozenset(names - {""}))

    def among(self, form: famulus.Form) -> set[str]:
        """Return the names of this form's fields that are lists."""
        if not self.names:
            return set()
        sent = {name for name, _ in form.fields} | {file.field for file in form.files}
        patterns = [_pattern(name) for name in self.names - sent if "${" in name]
        found = {name for name in sent for pattern in patterns if pattern.fullmatch(name)}
        return found | (self.names & sent)


def has_named_field(source: Source, tokens: Iterable[Token]) -> bool:
    """Return whether any of these tags is a field whose value is sent with the form.

    A custom element with a name may be one.
    """
    return any(
        token.kind is Kind.START and is_field(source, token) and value_of(source, token, "name")
        for token in tokens
    )


def is_field(source: Source, token: Token) -> bool:
    """Return whether the value of an element can be sent with the form."""
    if token.name == "input":
        return value_of(source, token, "type").strip().lower() not in _UNSENT
    return token.name in ("select", "textarea", "button") or "-" in token.name


def _pattern(name: str) -> re.Pattern[str]:
    literals = re.split(PLACEHOLDER, name)
    return re.compile(".*".join(map(re.escape, literals)), re.DOTALL)
