"""The ``<base>`` of an author's page: it must not change the frame's own addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from famulus_static_html.escapes import attribute_text, html_text, js_literal, text_of
from famulus_static_html.source import Source
from famulus_static_html.template import Part
from famulus_static_html.tokens import Kind, Token


def base_script(source: Source, tokens: Sequence[Token]) -> Part:
    """Return a script that writes a page's ``<base>`` into the head; empty without one.

    The first address and the first target count, as in browsers. Only a script may write it: with
    scripts off, browsers submit the form to the frame's address, which the base would change.
    """
    bases = [token for token in tokens if token.name == "base" and token.kind is Kind.START]
    spans = {
        name: attribute.value
        for name in ("href", "target")
        for base in reversed(bases)
        if (attribute := base.attribute(name)) and attribute.value
    }
    if not spans:
        return ""

    def script(values: Mapping[str, Any]) -> str:
        written = {name: _written(source, span, values) for name, span in spans.items()}
        attributes = "".join(f' {name}="{html_text(value)}"' for name, value in written.items())
        return f"<script>document.write({js_literal(f'<base{attributes}>')});</script>\n"

    has_values = any(source.placeholders(*span) for span in spans.values())
    return script if has_values else script({})


def _written(source: Source, span: tuple[int, int], values: Mapping[str, Any]) -> str:
    """Return the value of an attribute as browsers read it, with raw placeholders filled."""
    return attribute_text(
        "".join(
            piece
            if isinstance(piece, str)
            else text_of(values.get(piece.html_name))
            if piece.raw
            else piece.source
            for piece in source.pieces(*span)
        )
    )
