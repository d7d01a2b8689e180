"""The tags that a worker's page has itself: an author's ``<html>``, ``<body>`` and ``<form>``.

The tags are left out, and what they say goes on to ours.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import Factory, define, frozen

from famulus_static_html.attributes import value_of
from famulus_static_html.mturk import MTURK_FORM
from famulus_static_html.source import Source
from famulus_static_html.template import Part, Template
from famulus_static_html.tokens import Kind, Token

#: How the author's form would be sent; Famulus sends it.
NOT_USED = frozenset({"action", "method", "enctype", "accept-charset", "target", "rel"})

_OUTER = frozenset({"html", "body", "form"})
_CONTROLS = frozenset({"button", "fieldset", "input", "object", "output", "select", "textarea"})
_MOST_SHOWN = 10
_MTURKS_ADDRESS = "externalsubmit"


@define
class OuterTags:
    """The attributes of the three tags; the first of a name counts, as in browsers."""

    _fixed: dict[str, dict[str, str]] = Factory(lambda: {name: {} for name in _OUTER})
    _filled: dict[str, dict[str, Template]] = Factory(lambda: {name: {} for name in _OUTER})

    def add(self, tag: str, attribute: str, parts: Sequence[Part]) -> None:
        """Add an attribute of an author's tag, whose value is HTML."""
        if attribute in self._fixed[tag] or attribute in self._filled[tag]:
            return
        if all(isinstance(part, str) for part in parts):
            self._fixed[tag][attribute] = html.unescape(Template(parts).render({}))
        else:
            self._filled[tag][attribute] = Template(parts)

    def render(self, tag: str, values: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the attributes of a tag as text."""
        filled = self._filled[tag]
        if not filled:
            return self._fixed[tag]
        rendered = {name: html.unescape(each.render(values)) for name, each in filled.items()}
        return {**self._fixed[tag], **rendered}

    def form(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Return the attributes of the form, which scripts written for MTurk find."""
        return {"id": MTURK_FORM, "name": MTURK_FORM, **self.render("form", values)}

    @property
    def has_form_name(self) -> bool:
        """Whether the form has a name of its own."""
        return "name" in self._fixed["form"] or "name" in self._filled["form"]


@frozen
class OwnForm:
    """The form of an author's page. ``faults`` and ``doubts`` are offsets with what is wrong."""

    #: the offsets of controls that stand outside of it
    outside: frozenset[int] = frozenset()
    faults: Sequence[tuple[int, str]] = ()
    doubts: Sequence[tuple[int, str]] = ()


def own_form(source: Source, tokens: Sequence[Token]) -> OwnForm:
    """Find the ``<form>`` of a page. One becomes the form of the task; several are a fault."""
    tags = [token for token in tokens if token.name == "form"]
    starts = [token for token in tags if token.kind is Kind.START]
    if not tags:
        return OwnForm()
    if len(starts) != 1 or tags[0].kind is Kind.END:
        return OwnForm(faults=[_not_one_form(source, starts, tags)])
    start = starts[0]
    # Browsers ignore an end tag behind the one that counts.
    end = tags[1].start if len(tags) > 1 else len(source.text)
    outside = [
        token
        for token in tokens
        if token.kind is Kind.START
        and token.name in _CONTROLS
        and not start.end <= token.start < end
        and not token.attribute("form")
    ]
    return OwnForm(
        outside=frozenset(token.start for token in outside),
        doubts=[*_sent_elsewhere(source, start), *_never_sent(source, outside)],
    )


def _not_one_form(
    source: Source, starts: Sequence[Token], tags: Sequence[Token]
) -> tuple[int, str]:
    if len(starts) > 1:
        lines = ", ".join(str(source.line(token.start)) for token in starts)
        message = (
            f"the page has {len(starts)} forms (<form> on lines {lines}), and a worker sends one:"
            " put all fields into one <form>, or leave out <form> and </form>"
        )
        return starts[1].start, message
    message = "</form> without its <form>: leave it out"
    stray = next(token for token in tags if token.kind is Kind.END)
    return stray.start, message


def _sent_elsewhere(source: Source, start: Token) -> Iterator[tuple[int, str]]:
    action = value_of(source, start, "action").strip()
    if action.strip("#") and _MTURKS_ADDRESS not in action.lower():
        yield (
            start.start,
            f"the form's action {action} is not used: Famulus stores the answers",
        )


def _never_sent(source: Source, outside: Sequence[Token]) -> Iterator[tuple[int, str]]:
    fields = [
        (token, value_of(source, token, "name"))
        for token in outside
        if token.name in ("input", "select", "textarea")
    ]
    named = [(token, name) for token, name in fields if name]
    if named:
        shown = ", ".join(
            f"{name} (line {source.line(token.start)})" for token, name in named[:_MOST_SHOWN]
        )
        more = f" and {len(named) - _MOST_SHOWN} more" if len(named) > _MOST_SHOWN else ""
        yield (
            named[0][0].start,
            f"these fields stand outside of the page's <form>, and so are not sent: {shown}{more};"
            " move them into the form",
        )
