"""The files that a page names by addresses in its own folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from attrs import frozen

import famulus
from famulus_static_html.source import OWN_NAMES, Placeholder, Source
from famulus_static_html.tokens import Kind, Token

# Their addresses are opened by a worker, or not.
_LINKED = frozenset({"a", "area"})


@frozen
class LocalFiles:
    """The addresses that a page names in its own folder, and the columns whose values it uses."""

    addresses: tuple[famulus.FileAddress, ...] = ()
    columns: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, source: Source, tokens: Iterable[Token], live: Sequence[Token], file: Path | None
    ) -> LocalFiles:
        """Return the addresses and columns that a page names, without duplicates.

        :param live: the tokens outside of ``<template>``.
        :param file: the file of the page.
        """
        if any(token.name == "base" for token in live):
            return cls()
        starts = {token.start for token in live}
        found: dict[str, famulus.FileAddress] = {}
        for token in tokens:
            if token.kind is not Kind.START:
                continue
            expected = token.start in starts and token.name not in _LINKED
            for address in _addresses(source, token, file, expected=expected):
                known = found.get(address.written)
                if address.may_be_here and (known is None or expected > known.expected):
                    found[address.written] = address
        placeholders = source.placeholders(0, len(source.text))
        columns = dict.fromkeys(one.html_name for one in placeholders)
        return cls(tuple(found.values()), tuple(name for name in columns if name not in OWN_NAMES))


def _addresses(
    source: Source, token: Token, file: Path | None, *, expected: bool
) -> Iterator[famulus.FileAddress]:
    attributes = ((each.name, each.value) for each in token.attributes if each.value is not None)
    for start, end, resolved in famulus.file_address_spans(
        source.text, token.name, attributes, token.content
    ):
        place = famulus.Problem("", file=file, line=source.line(start))
        yield famulus.FileAddress(_pieces(source.pieces(start, end), resolved), place, expected)
    if token.name == "script" and token.content is not None:
        code = source.text[slice(*token.content)]
        place = famulus.Problem("", file=file, line=source.line(token.start))
        for name in famulus.media_names(code):
            yield famulus.FileAddress((name,), place, expected=False)


def _pieces(
    pieces: Sequence[str | Placeholder], resolved: Callable[[str], str]
) -> tuple[str | famulus.FileColumn, ...]:
    return tuple(
        resolved(piece)
        if isinstance(piece, str)
        else famulus.FileColumn(piece.html_name, piece.source)
        for piece in pieces
    )
