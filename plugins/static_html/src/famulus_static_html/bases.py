"""The ``<base>`` of an author's page, which may not hold for the frame's own addresses."""

from __future__ import annotations

from collections.abc import Sequence

from famulus_static_html.attributes import value_of
from famulus_static_html.escapes import html_text, js_literal
from famulus_static_html.source import Source
from famulus_static_html.tokens import Kind, Token


def base_script(source: Source, tokens: Sequence[Token]) -> str:
    """Return what puts a page's ``<base>`` into the head; empty without one.

    The first address and the first target count, as in browsers. It is written by a script: where
    none run, the browser sends the form to an address that the base would change.
    """
    bases = [token for token in tokens if token.name == "base" and token.kind is Kind.START]
    found = {
        name: value_of(source, base, name)
        for name in ("href", "target")
        for base in reversed(bases)
        if base.attribute(name)
    }
    if not found:
        return ""
    attributes = "".join(f' {name}="{html_text(value)}"' for name, value in found.items())
    return f"<script>document.write({js_literal(f'<base{attributes}>')});</script>\n"
