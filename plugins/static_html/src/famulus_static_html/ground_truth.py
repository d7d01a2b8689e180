"""Find the parts of a page that only SageMaker Ground Truth understands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from famulus_static_html.placement import script_kind
from famulus_static_html.scripts import ScriptKind
from famulus_static_html.source import Source
from famulus_static_html.tokens import Kind, Token

_INPUT = r"""\btask\s*(?:\.\s*input\b|\[\s*["']input["'])"""
_LIQUID = re.compile(
    rf"\{{\{{[^{{}}]*?{_INPUT}[^{{}}]*(?:\}}\}})?|\{{%[^%]*?{_INPUT}[^%]*(?:%\}})?"
)
_MOST_SHOWN = 60
_NOT_RUN = (ScriptKind.INERT, ScriptKind.OTHER)


def ground_truth_faults(source: Source, tokens: Sequence[Token]) -> Iterator[tuple[int, str]]:
    """Yield the offset and the fault of each part that only SageMaker Ground Truth understands.

    These are each Liquid expression about the input, and each kind of ``<crowd-…>`` element.

    The content of an inert script (``text/template`` …) is left to the author's own scripts.
    """
    elements: set[str] = set()
    for token in tokens:
        is_element = token.kind is Kind.START and token.name.startswith("crowd-")
        if is_element and token.name not in elements:
            elements.add(token.name)
            yield token.start, _element_fault(token.name)
        for found in _LIQUID.finditer(source.text, token.start, _end(source, token)):
            yield found.start(), _liquid_fault(found[0])


def _end(source: Source, token: Token) -> int:
    """Return where the search for Liquid in a token ends."""
    if token.kind in (Kind.COMMENT, Kind.DOCTYPE):
        return token.start
    is_script = token.name == "script" and token.content is not None
    is_inert = is_script and script_kind(source, token) in _NOT_RUN
    return token.head_end if is_inert else token.end


def _element_fault(name: str) -> str:
    return (
        f"<{name}> is an element of Amazon's crowd-html-elements.js, which the blueprint "
        "crowd_form runs (famulus-crowd-form): set blueprint: crowd_form in defaults, or use "
        "ordinary fields"
    )


def _liquid_fault(written: str) -> str:
    shown = " ".join(written.split())
    shown = shown if len(shown) <= _MOST_SHOWN else f"{shown[: _MOST_SHOWN - 1]}…"
    return (
        f"{shown} is an expression of SageMaker Ground Truth, which the blueprint crowd_form "
        "fills in (famulus-crowd-form): set blueprint: crowd_form in defaults, or write ${…} with "
        "a column"
    )
