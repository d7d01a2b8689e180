"""Find fields whose answers would be lost, because the page around the form uses their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from attrs import frozen

from famulus_static_html.escapes import attribute_text, text_of
from famulus_static_html.fields import is_field
from famulus_static_html.inert import inert_tokens
from famulus_static_html.placement import script_kind
from famulus_static_html.scripts import ScriptKind
from famulus_static_html.source import Placeholder, Source
from famulus_static_html.tokens import Kind, Token

#: The names of the hidden fields that Famulus adds to the form and takes out of the answers.
RESERVED_NAMES = frozenset({"famulus_token", "famulus_submission"})


@frozen
class FieldName:
    """The name of a field in the source, possibly with placeholders."""

    pieces: Sequence[str | Placeholder]
    written: str
    line: int

    @classmethod
    def all_of(cls, source: Source, tokens: Iterable[Token]) -> Iterator[tuple[Token, Self]]:
        """Yield the names of the fields among the tokens, with the token of each."""
        for token in _with_templates(source, tokens):
            found = token.attribute("name") if token.kind is Kind.START else None
            if found is None or found.value is None or not is_field(source, token):
                continue
            written = source.text[slice(*found.value)]
            pieces = source.pieces(*found.value)
            yield token, cls(pieces, written, source.line(found.value[0]))

    @property
    def columns(self) -> set[str]:
        """The columns whose values are in the name."""
        return {piece.html_name for piece in self.pieces if not isinstance(piece, str)}

    def filled(self, values: Mapping[str, Any]) -> str:
        """Return the name that the form sends for these values."""
        return "".join(
            attribute_text(piece) if isinstance(piece, str) else _value(piece, values)
            for piece in self.pieces
        )


def _with_templates(source: Source, tokens: Iterable[Token]) -> Iterator[Token]:
    """Yield the tokens, and after each template in a script the tokens inside it."""
    for token in tokens:
        yield token
        is_script = token.kind is Kind.START and token.name == "script"
        if is_script and token.content and script_kind(source, token) is ScriptKind.INERT:
            yield from inert_tokens(source, *token.content)


def _value(piece: Placeholder, values: Mapping[str, Any]) -> str:
    text = text_of(values.get(piece.html_name))
    return attribute_text(text) if piece.raw else text


def reserved_fault(name: str) -> str:
    """Return what is wrong with a field of this name; empty if nothing is."""
    if name not in RESERVED_NAMES:
        return ""
    return f"the name {name} is reserved for a field of Famulus, so that the answer would be lost"


def reserved_fields(source: Source, tokens: Iterable[Token]) -> Iterator[tuple[int, str]]:
    """Yield the offset and the fault of each field with a reserved name."""
    for token, name in FieldName.all_of(source, tokens):
        if not name.columns and (fault := reserved_fault(name.filled({}))):
            yield token.start, f"{fault}: give the <{token.name}> another name"


def names_from_rows(source: Source, tokens: Iterable[Token]) -> tuple[FieldName, ...]:
    """Return the names of fields that contain values of the data."""
    return tuple(name for _, name in FieldName.all_of(source, tokens) if name.columns)
