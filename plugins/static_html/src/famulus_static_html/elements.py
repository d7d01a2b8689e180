"""Write the elements of an author's markup with the values of the data in their places."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from attrs import define

from famulus_static_html import escapes
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
from famulus_static_html.interpolations import Interpolations
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
    in these elements and texts but those at the offsets ``shielded``, and ``expressions`` finds
    what they evaluate in addresses.
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
        inside = self._interpolations(start, (start, end), html.unescape)
        return [
            part if isinstance(piece, str) else self._text_part(piece, inside)
            for piece, part in zip(pieces, parts, strict=True)
        ]

    def _text_part(self, piece: Placeholder, inside: Interpolations) -> Part:
        """Return a value in a text that frameworks read."""
        if piece in inside:
            return inside.part(piece, ValueContext.TEXT, self.found)
        return required(
            piece, text_writer(self.source, piece, [*self.in_page.begins, *inside.ends_at(piece)])
        )

    def _interpolations(
        self, offset: int, span: tuple[int, int], resolve: Callable[[str], str]
    ) -> Interpolations:
        """Return the values in expressions of a span of the element or text at an offset."""
        delimiters = () if offset in self.shielded else self.in_page.delimiters
        return Interpolations.of(self.source, span, delimiters, resolve)

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
        if self.in_page.reads_attributes and token.start not in self.shielded:
            inside = Interpolations()
            if context not in JAVASCRIPT:
                inside = self._interpolations(token.start, attribute.value, escapes.attribute_text)
            if context in URL_CONTEXTS:
                parts = self._address_with_expressions(parts, attribute.value, inside)
            elif context not in JAVASCRIPT:
                parts = self._with_code(parts, attribute.value, inside, context)
            parts = self._without_begun(
                token, parts, attribute.value, self._judge(attribute, context, inside), inside
            )
        if not self._gets_quotes(attribute):
            return parts
        return [part.replace('"', "&quot;") if isinstance(part, str) else part for part in parts]

    def _with_code(
        self,
        parts: list[Part],
        span: tuple[int, int],
        inside: Interpolations,
        context: ValueContext,
    ) -> list[Part]:
        """Return parts, one for each piece of a span, with the values in expressions as code."""
        return [
            part
            if isinstance(piece, str) or piece not in inside
            else inside.part(piece, context, self.found)
            for piece, part in zip(self.source.pieces(*span), parts, strict=True)
        ]

    def _address_with_expressions(
        self, parts: list[Part], span: tuple[int, int], inside: Interpolations
    ) -> list[Part]:
        """Return an address without the values that could end a string in its expressions."""
        for piece in self.source.placeholders(*span):
            if inside.refuse(piece, self.found):
                return []
            if limited := inside.judge(piece):
                self.found.limited.append(limited)
                parts = _accepted(parts, piece, limited.accepts)
        return parts

    def _judge(self, attribute: Attribute, context: ValueContext, inside: Interpolations) -> _Judge:
        """Return, by placeholder, the test that its value makes no expression in an attribute."""
        span = attribute.value
        assert span is not None
        # These characters are encoded in addresses.
        encoded = set("<>{}|" if context in URL_CONTEXTS else "")

        def judge(piece: Placeholder) -> Callable[[Any], bool]:
            marks = [*self.in_page.begins, *inside.ends_at(piece)]
            is_good = value_judge(self.source, piece, [m for m in marks if not set(m) & encoded])
            if attribute.name != "class":
                return is_good
            return _both(is_good, class_judge(self.source, piece, span))

        return judge

    def _without_begun(
        self,
        token: Token,
        parts: list[Part],
        span: tuple[int, int],
        judge: _Judge,
        inside: Interpolations,
    ) -> list[Part]:
        """Return parts that leave out values which a framework would evaluate, and refuse these.

        Escaping as entities would not help: browsers resolve entities before the framework reads.
        """
        shields = self.in_page.shields
        fault = "holds an expression, which a framework of the page would evaluate here"
        if shields:
            fault += (
                f"; it stays text if <{token.name}> has {' and '.join(f'`{s}`' for s in shields)}"
            )
        for piece in self.source.placeholders(*span):
            if not piece.raw and piece not in inside:
                is_good = judge(piece)
                self.found.limited.append(Limited(piece, is_good, fault))
                parts = _accepted(parts, piece, is_good)
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
            return [*["\n"] * in_textarea, *self._rcdata_parts(token, start, end)]
        if token.name == "style":
            return style_parts(self.source, start, end, self.refuse, self.found.forbid)
        kind = script_kind(self.source, token)
        if kind is ScriptKind.RULES:
            reason = "stands in rules for what is loaded"
            return untouched_parts(self.source, start, end, reason, self.found.forbid)
        self.found.differing += differing_in_script(self.source, start, end, kind)
        return script_parts(self.source, start, end, kind, self.found.forbid)

    def _rcdata_parts(self, token: Token, start: int, end: int) -> list[Part]:
        """Return the content of ``<textarea>`` and the like, which frameworks may read."""
        parts = rcdata_parts(self.source.pieces(start, end))
        begins = self.in_page.begins
        if not begins or token.start in self.shielded:
            return parts
        inside = self._interpolations(token.start, (start, end), html.unescape)
        parts = self._with_code(parts, (start, end), inside, ValueContext.TEXT)

        def judge(piece: Placeholder) -> Callable[[Any], bool]:
            return value_judge(self.source, piece, [*begins, *inside.ends_at(piece)])

        return self._without_begun(token, parts, (start, end), judge, inside)

    def _refuse_all(self, pieces: list[str | Placeholder]) -> Callable[[str], None]:
        def refuse(reason: str) -> None:
            for piece in pieces:
                if not isinstance(piece, str) and not piece.raw:
                    self.refuse(piece, reason)

        return refuse


def _accepted(
    parts: Sequence[Part], piece: Placeholder, is_good: Callable[[Any], bool]
) -> list[Part]:
    """Return parts whose fills are empty if the value of a placeholder is not good."""
    return [part if isinstance(part, str) else accepted(piece, part, is_good) for part in parts]


def _both(one: Callable[[Any], bool], other: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: one(value) and other(value)


def _is_switch(value: Any) -> bool:
    return switches(value) is not None
