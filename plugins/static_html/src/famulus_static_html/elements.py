"""Write the elements of an author's markup with the values of the data in their places."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from attrs import define

from famulus_static_html.attributes import (
    JAVASCRIPT,
    URL_CONTEXTS,
    Refuse,
    ValueContext,
    attribute_parts,
    context_of,
    switch_fill,
    switches,
    text_parts,
)
from famulus_static_html.beginnings import class_judge, text_writer, value_judge
from famulus_static_html.contents import (
    code_parts,
    rcdata_parts,
    script_parts,
    style_parts,
    untouched_parts,
)
from famulus_static_html.differences import differing_in_address, differing_in_script
from famulus_static_html.engines import NO_FRAMEWORK, InPage
from famulus_static_html.findings import Found, Limited
from famulus_static_html.placement import script_kind
from famulus_static_html.scripts import ScriptKind
from famulus_static_html.source import EXPRESSION, Placeholder, Source
from famulus_static_html.template import Part, accepted, required
from famulus_static_html.tokens import OPAQUE, RCDATA, Attribute, Token

#: Returns what returns whether a value is accepted in the place of a placeholder.
_Judge = Callable[[Placeholder], Callable[[Any], bool]]


@define
class Elements:
    """Writes tags, their attributes and contents; calls ``refuse`` for faults.

    Controls at the offsets ``outside`` belong to no form. ``in_page`` is what frameworks evaluate
    in these elements but those at the offsets ``shielded``, and ``expressions`` finds what they
    evaluate in addresses.
    """

    source: Source
    found: Found
    refuse: Refuse
    outside: Collection[int] = ()
    in_page: InPage = NO_FRAMEWORK
    shielded: Collection[int] = ()
    expressions: re.Pattern[str] = EXPRESSION

    def text_parts(self, start: int, end: int) -> list[Part]:
        """Return the text between tags."""
        pieces = self.source.pieces(start, end)
        placeholders = [piece for piece in pieces if not isinstance(piece, str)]
        self.found.needed += placeholders
        self.found.shown += placeholders
        self.found.has_raw_markup |= any(placeholder.raw for placeholder in placeholders)
        # A bare "<" must stay one, also where a tag behind it is left out.
        bare = [p.replace("<", "&lt;") if isinstance(p, str) else p for p in pieces]
        parts = text_parts(bare)
        if not self.in_page.begins:
            return parts
        written = iter(placeholders)
        return [
            part
            if isinstance(part, str)
            else required(
                piece := next(written), text_writer(self.source, piece, self.in_page.begins)
            )
            for part in parts
        ]

    def tag_parts(self, token: Token) -> list[Part]:
        """Return a tag."""
        parts: list[Part] = []
        position = token.start
        if token.start in self.outside:
            position += len(f"<{token.name}")
            # No form has this id, so the control has no form.
            parts = [f'{self.source.text[token.start : position]} form=""']
        for attribute in token.attributes:
            if attribute.value is None or not self.source.placeholders(*attribute.value):
                continue
            start, end = attribute.value
            quote = '"' if self._gets_quotes(attribute) else ""
            parts += [*self._inside_tag(token, position, start), quote]
            parts += [*self.attribute_parts(token, attribute), quote]
            position = end
        return [*parts, *self._inside_tag(token, position, token.head_end)]

    def attribute_parts(self, token: Token, attribute: Attribute) -> list[Part]:
        """Return the value of an attribute."""
        assert attribute.value is not None
        context = context_of(self.source, token, attribute.name)
        for placeholder in self.source.placeholders(*attribute.value):
            self._attribute_placeholder(placeholder, attribute, context)
            if context is ValueContext.URL:
                start = attribute.value[0]
                self.found.differing += differing_in_address(self.source, start, placeholder)
        if context in JAVASCRIPT:
            parts = code_parts(self.source, *attribute.value, context, self.found)
        else:
            parts = attribute_parts(self.source, token, attribute, self.refuse, self.expressions)
        if self.in_page.reads_attributes:
            parts = self._without_begun(
                token, parts, attribute.value, self._judge(attribute, context)
            )
        if not self._gets_quotes(attribute):
            return parts
        return [part.replace('"', "&quot;") if isinstance(part, str) else part for part in parts]

    def _judge(self, attribute: Attribute, context: ValueContext) -> _Judge:
        """Return, by placeholder, the test that its value makes no expression in an attribute."""
        span, begins = attribute.value, self.in_page.begins
        if attribute.name == "class" and span is not None:
            return lambda piece: _both(
                value_judge(self.source, piece, begins), class_judge(self.source, piece, span)
            )
        if context in URL_CONTEXTS:
            # These characters are encoded in addresses.
            begins = tuple(each for each in begins if not set(each) & set("<>{}|"))
        return lambda piece: value_judge(self.source, piece, begins)

    def _without_begun(
        self, token: Token, parts: list[Part], span: tuple[int, int], judge: _Judge
    ) -> list[Part]:
        """Return parts that leave out values which a framework would evaluate, and refuse these.

        Escaping as entities would not help: browsers resolve entities before the framework reads.
        """
        if token.start in self.shielded:
            return parts
        shields = self.in_page.shields
        fault = "holds an expression, which a framework of the page would evaluate here"
        if shields:
            fault += (
                f"; it stays text if <{token.name}> has {' and '.join(f'`{s}`' for s in shields)}"
            )
        for piece in self.source.placeholders(*span):
            if not piece.raw:
                is_good = judge(piece)
                self.found.limited.append(Limited(piece, is_good, fault))
                parts = [
                    part if isinstance(part, str) else accepted(piece, part, is_good)
                    for part in parts
                ]
        return parts

    def name_parts(self, start: int, end: int) -> list[Part]:
        """Return a part of a tag without values, in which only raw values may stand."""
        parts: list[Part] = []
        for piece in self.source.pieces(start, end):
            parts += [piece] if isinstance(piece, str) else self._name(piece)
        return parts

    def content_parts(self, token: Token) -> list[Part]:
        """Return the content and the end tag of an element that is one token; none for others."""
        if token.content is None:
            return []
        content = self.inner_parts(token, *token.content)
        return [*content, self.source.text[token.content[1] : token.end]]

    def _gets_quotes(self, attribute: Attribute) -> bool:
        """Return whether quotes are put around a value, so that any inserted value stays whole.

        No quotes are put around raw values: they would change the meaning.
        """
        assert attribute.value is not None
        placeholders = self.source.placeholders(*attribute.value)
        return not attribute.quote and not any(placeholder.raw for placeholder in placeholders)

    def _attribute_placeholder(
        self, placeholder: Placeholder, attribute: Attribute, context: ValueContext
    ) -> None:
        is_code = context in JAVASCRIPT or context is ValueContext.CODE
        if is_code and placeholder.trusted:
            return
        shows = (
            context in (ValueContext.MARKUP_EXPRESSION, ValueContext.DOCUMENT)
            and not placeholder.raw
        )
        (self.found.shown if shows else self.found.quoted).append(placeholder)
        if placeholder.raw or not is_code:
            self.found.needed.append(placeholder)
        elif context is ValueContext.CODE:
            reason = f"stands in the attribute {attribute.name}, whose value is code"
            self.found.forbid(placeholder, reason)

    def _inside_tag(self, token: Token, start: int, end: int) -> list[Part]:
        """Return a part of a tag, in which a value can stand for attributes such as ``checked``."""
        parts: list[Part] = []
        for piece in self.source.pieces(start, end):
            if isinstance(piece, str):
                parts.append(piece)
            elif not piece.raw and self._is_whole_attribute(piece):
                self.found.needed.append(piece)
                self.found.limited.append(
                    Limited.name(piece, _is_switch, "an attribute such as checked")
                )
                parts.append(switch_fill(piece))
            else:
                parts += self.name_in_tag(token, piece)
        return parts

    def name_in_tag(self, token: Token, piece: Placeholder) -> list[Part]:
        """Return a placeholder in the name of a tag or of one of its attributes."""
        return self._name(piece)

    def _name(self, piece: Placeholder) -> list[Part]:
        self.found.needed.append(piece)
        self.found.has_raw_markup |= piece.raw
        if not piece.raw:
            self.refuse(piece, "stands in the name of a tag or of an attribute")
        return text_parts([piece])

    def _is_whole_attribute(self, piece: Placeholder) -> bool:
        text = self.source.text
        return (
            text[piece.start - 1].isspace()
            and re.match(r"(?=[\s/>])\s*[^\s=]", text[piece.end :]) is not None
        )

    def inner_parts(self, token: Token, start: int, end: int) -> list[Part]:
        """Return the content of an element that is one token."""
        pieces = self.source.pieces(start, end)
        if len(pieces) == 1:
            return [self.source.text[start:end]]
        # SVG reads these as markup, HTML does not; without a tag in them both read the same.
        refuse = self._refuse_all(pieces)
        if token.foreign and "<" in self.source.text[start:end]:
            refuse(f"stands in the <{token.name}> of an <svg> that has markup in it")
        if token.name in OPAQUE:
            refuse(f"stands in <{token.name}>, where no escaping is possible")
        if token.name in RCDATA or token.name in OPAQUE:
            placeholders = [piece for piece in pieces if not isinstance(piece, str)]
            self.found.needed += placeholders
            self.found.quoted += placeholders if token.name in RCDATA else ()
            # As in <pre>: the first line feed is dropped.
            in_textarea = token.name == "textarea" and pieces[0] == ""
            parts: list[Part] = ["\n"] * in_textarea
            parts += rcdata_parts(pieces)
            begins = self.in_page.begins
            if not begins:
                return parts
            return self._without_begun(
                token, parts, (start, end), lambda piece: value_judge(self.source, piece, begins)
            )
        if token.name == "style":
            return style_parts(self.source, start, end, self.refuse, self.found.forbid)
        kind = script_kind(self.source, token)
        if kind is ScriptKind.RULES:
            reason = "stands in rules for what is loaded"
            return untouched_parts(self.source, start, end, reason, self.found.forbid)
        self.found.differing += differing_in_script(self.source, start, end, kind)
        return script_parts(self.source, start, end, kind, self.found.forbid)

    def _refuse_all(self, pieces: list[str | Placeholder]) -> Callable[[str], None]:
        def refuse(reason: str) -> None:
            for piece in pieces:
                if not isinstance(piece, str) and not piece.raw:
                    self.refuse(piece, reason)

        return refuse


def _both(one: Callable[[Any], bool], other: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: one(value) and other(value)


def _is_switch(value: Any) -> bool:
    return switches(value) is not None
