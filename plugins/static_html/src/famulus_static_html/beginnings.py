"""Prevent that a value, alone or with its neighbours, begins an expression of a template."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Self

from attrs import frozen

from famulus_static_html import escapes
from famulus_static_html.source import PLACEHOLDERS, Placeholder, Source

# All that can begin an expression of a template engine, unlike the objects of JSON.
_BRACE = re.compile(r'\{(?!")|(?<=[{$#%@])\{')
_BRACE_OR_FIRST = re.compile(rf"\A\{{|{_BRACE.pattern}")
_BEFORE_BRACE = tuple("{$#%@}")
# Vue and Angular read expressions in text whose entities are resolved, but not across nodes.
_APART = "<!---->"
_BRACE_APART = f"{_APART}&#123;"
# AngularJS reads these in a class as directives with an expression: ``ng-init: f()``.
_CLASS_DIRECTIVE = re.compile(r"(?<![a-z0-9])ng(?:[-_:]?[\w-]*):|[\w-]:[^;]*[(=|]", re.IGNORECASE)
# More characters than an entity has.
_LONGEST_ENTITY = 40
_NO_DIRECTIVE = re.compile(r"[\w\s./%#-]*")


def text_writer(source: Source, piece: Placeholder, begins: Sequence[str]) -> Callable[[Any], str]:
    """Return a function that writes a value as text in which nothing begins an expression.

    :param begins: further texts that begin an expression, in addition to those that always may.
    """
    is_behind = _read_before(source, piece).endswith(_BEFORE_BRACE)
    write = _text_behind_brace if is_behind else _text
    beside = _Beside.of(source, piece, ("{{", *begins))

    def text(value: Any) -> str:
        own = escapes.text_of(value)
        cuts = sorted(
            {
                found.start() + 1
                for begin in begins
                for found in re.finditer(rf"(?={re.escape(begin[:2])})", own)
            }
        )
        first, *others = [own[i:j] for i, j in pairwise([0, *cuts, len(own)])]
        inner = _APART.join([write(first), *map(_text, others)])
        around = _APART if beside.joins(own) else ""
        return f"{around}{inner}{around}"

    return text


def value_judge(source: Source, piece: Placeholder, begins: Iterable[str]) -> Callable[[Any], bool]:
    """Return a predicate: whether a value begins none of these expressions."""
    beside = _Beside.of(source, piece, begins)
    return lambda value: not beside.begins(escapes.text_of(value))


def class_judge(source: Source, piece: Placeholder, span: tuple[int, int]) -> Callable[[Any], bool]:
    """Return a predicate: whether a value in a class makes no directive of AngularJS.

    :param span: where the class is in the page.
    """
    # The value before may end in the beginning of a directive: ``ng-`` before ``init:f()``.
    before = PLACEHOLDERS.sub("ng", source.text[span[0] : piece.start])
    after = PLACEHOLDERS.sub("x", source.text[piece.end : span[1]])

    def judge(value: Any) -> bool:
        text = escapes.text_of(value)
        is_name = _NO_DIRECTIVE.fullmatch(text) is not None
        return is_name or not _CLASS_DIRECTIVE.search(f"{before}{text}{after}")

    return judge


@frozen
class _Beside:
    """The neighbours of a value: the author's text, or another value, which may be anything."""

    #: the first two characters of each delimiter
    pairs: frozenset[tuple[str, str]]
    before: str
    after: str
    is_behind_value: bool

    @classmethod
    def of(cls, source: Source, piece: Placeholder, begins: Iterable[str]) -> Self:
        before = _read_before(source, piece)
        after = html.unescape(source.text[piece.end : piece.end + _LONGEST_ENTITY])
        return cls(
            frozenset((begin[0], begin[1]) for begin in begins),
            before[-1:],
            after[:1],
            before.endswith("}"),
        )

    def begins(self, text: str) -> bool:
        """Return whether a value begins an expression, by itself or with its neighbours."""
        return self.joins(text) or any(first + second in text for first, second in self.pairs)

    def joins(self, text: str) -> bool:
        """Return whether a value begins an expression together with its neighbours."""
        for first, second in self.pairs:
            is_behind = self.is_behind_value or self.before == first
            if text[:1] == second and is_behind:
                return True
            # An empty value leaves what is before it beside what is after it.
            ends = text[-1:] == first if text else is_behind
            if ends and self.after == second:
                return True
        return False


def _read_before(source: Source, piece: Placeholder) -> str:
    """Return the end of the text before a value, with its entities resolved."""
    return html.unescape(source.text[max(0, piece.start - _LONGEST_ENTITY) : piece.start])


def _text(value: Any) -> str:
    """Escape a value for text, where quotes are no markup and stay."""
    return _BRACE.sub(_BRACE_APART, _in_text(value))


def _text_behind_brace(value: Any) -> str:
    return _BRACE_OR_FIRST.sub(_BRACE_APART, _in_text(value))


def _in_text(value: Any) -> str:
    escaped = html.escape(escapes.text_of(value), quote=False)
    return escaped.replace("\0", "\ufffd").replace("\r", "&#13;")
