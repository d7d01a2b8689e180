"""Put values into the expressions of a template, as values of the language that reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from famulus_static_html import escapes
from famulus_static_html.contents import TAG_BEGUN
from famulus_static_html.engines import Expressions, TemplateLanguage
from famulus_static_html.scripts import Place, ScriptKind, places
from famulus_static_html.source import (
    EXPRESSIONS,
    PLACEHOLDER,
    Placeholder,
    Source,
    delimited,
)
from famulus_static_html.template import Fill, Part, Template, required

# Behind this, what follows is an argument of a helper, and no operand of JavaScript.
_BEFORE_ARGUMENT = re.compile(
    r"(?<![=<>!])\b(?!(?:await|case|delete|do|else|in|instanceof|new|of|return|throw|typeof|void"
    r"|yield)\s)[\w.-]+\s+\Z|[\w)\"']\s+[\w.-]+=\Z|[)\"']\s+\Z"
)
# What could end the script around a template, by itself or with what follows.
_ENDS_SCRIPT = re.compile(r"<(?=/?script|!--|[/!-]*\Z)", re.IGNORECASE)
_IN_STRING = str.maketrans({each: f"&#{ord(each)};" for each in "{}[]\\`"})
# All that can stand in an expression of Handlebars. A string ends at the next quote, or if all
# that follow are behind a backslash, at the last of these.
_HANDLEBARS_TOKEN = re.compile(
    rf"(?P<quote>[\"'])(?:{PLACEHOLDER}|\\(?P=quote)|(?!(?P=quote)|{PLACEHOLDER}).)*"
    rf"(?P=quote)"
    rf"|(?P<segment>\[(?:{PLACEHOLDER}|\\\]|[^\]])*+\]?)|{PLACEHOLDER}|.",
    re.DOTALL,
)
# What has a meaning in Handlebars, unlike the words and separators of a path.
_HANDLEBARS_CHARACTER = re.compile(r"[^\w\s./@-]")
# What an argument follows.
_FREE = re.compile(r"(?:\A\{\{[{~#^/&>*]*|[\s=(|])\Z")
_WORD = re.compile(r"[\w-]+")
_LITERALS = frozenset({Place.INSIDE, Place.REGEX})


def expressions_in(text: str, expressions: Expressions) -> Iterator[re.Match[str]]:
    """Yield the expressions of a text, except those that are certainly read as markup."""
    read = [
        pattern
        for begin, pattern in EXPRESSIONS.items()
        if begin not in expressions.own_begins
        and expressions.of(begin) is not TemplateLanguage.MARKUP
    ]
    # Between "${" and "}" a placeholder stands.
    own = [delimited(*pair) for pair in expressions.own if pair[0] != "${"]
    if patterns := own + read:
        yield from re.finditer("|".join(patterns), text, re.DOTALL)


def is_open(before: str, expressions: Expressions) -> bool:
    """Return whether an expression is open at the end of a text."""
    pairs = [*expressions.own, ("{{", "}}"), ("<%", "%>")]
    for found in expressions_in(before, expressions):
        begin, end = next(pair for pair in pairs if found[0].startswith(pair[0]))
        if found.end() == len(before):
            return not found[0][len(begin) :].endswith(end)
    return False


def filled_expressions(
    source: Source, part: str, known: Callable[[str], list[Placeholder]], expressions: Expressions
) -> Iterator[Part]:
    """Yield a part of a template with the values in its expressions.

    :param known: returns the placeholders of a text that are filled.
    """
    starts = {found.start for found in known(part)}
    text = Source(part, source.trusted)
    position = 0
    for found in expressions_in(part, expressions):
        language = expressions.of(found[0])
        for piece, place in places(text, *found.span(), ScriptKind.OTHER):
            if piece.start not in starts:
                continue
            own, before = part[position : piece.start], part[found.start() : piece.start]
            escape = _escape(language, found[0], before, place)
            begun = TAG_BEGUN.search(own) if place in _LITERALS and not piece.raw else None
            if begun:
                less = "\\u003c" if escape is escapes.js_inside else "&lt;"
                own = own[: begun.start()] + less + own[begun.end() :]
            yield own
            yield required(piece, escape)
            position = piece.end
    yield part[position:]


def refilled(
    source: Source, fill: Fill, known: Callable[[str], list[Placeholder]], expressions: Expressions
) -> Fill:
    """Return a fill that also fills the expressions in the text of another fill.

    Values in that text must neither begin expressions nor contain placeholders.
    """
    return lambda values: Template(
        filled_expressions(source, fill(values), known, expressions)
    ).render(values)


def in_string(value: Any) -> str:
    """Escape a value so that it can end neither a string nor an expression of a template engine."""
    return escapes.html_text(value).translate(_IN_STRING)


def plain(begun: str) -> Callable[[Any], str]:
    """Return the function that writes a value after a ``<`` of the author, if there is one."""
    return lambda value: _ENDS_SCRIPT.sub("&lt;", begun + escapes.text_of(value))


def _escape(
    language: TemplateLanguage, expression: str, before: str, place: Place
) -> Callable[[Any], str]:
    """Return the function that writes a value into an expression, after the part ``before``."""
    is_unknown = language is TemplateLanguage.UNKNOWN
    if language is TemplateLanguage.CODE or (is_unknown and before.startswith("<%")):
        return _code(place)
    quote = _open_quote(expression, len(before))
    if language is TemplateLanguage.HANDLEBARS:
        return _handlebars(before, quote)
    if quote is not None and _BEFORE_ARGUMENT.search(
        before[: before.rfind(quote)] if quote else before
    ):
        if quote:
            return in_string
        if language is TemplateLanguage.WORDS:
            return _argument(in_string)
    return _code(place)


def _code(place: Place) -> Callable[[Any], str]:
    return _literal if place in (Place.CODE, Place.ADDRESS_VALUE) else escapes.js_inside


def _literal(value: Any) -> str:
    # The braces of an object do not end the expression around it.
    return re.sub(r"\}(?=\})", "} ", escapes.js_value(value))


def _handlebars(before: str, quote: str | None) -> Callable[[Any], str]:
    """Return the function that writes a value into an expression of Handlebars.

    Its strings know one escape only. Only strings may contain special characters, so a value
    anywhere else has none.
    """
    if quote is None or before.startswith(("{{!", "{{~!")):
        return _without_characters
    if quote:
        return _string_of(quote)
    return _argument(_string_of('"')) if _FREE.search(before) else _without_characters


def _without_characters(value: Any) -> str:
    return _HANDLEBARS_CHARACTER.sub(lambda found: f"&#{ord(found[0])};", escapes.text_of(value))


def _open_quote(expression: str, position: int) -> str | None:
    """Return the quote that is open in an expression of Handlebars; empty outside of strings.

    Return None if neither is certain: in a name in brackets, or after a quote that ends a string
    only if no other quote follows, since a value could contain one.
    """
    for token in _HANDLEBARS_TOKEN.finditer(expression):
        is_there = token.start() <= position < token.end()
        if token["segment"]:
            if is_there or not token[0].endswith("]"):
                return None
        elif token["quote"]:
            if is_there:
                return token["quote"]
            if token[0].endswith(f"\\{token['quote']}"):
                return None
        elif is_there:
            return ""
        elif token[0] in ("'", '"'):
            return None
    return None


def _argument(write: Callable[[Any], str]) -> Callable[[Any], str]:
    """Return the function that writes a helper's argument: a word as it is, else a string."""

    def argument(value: Any) -> str:
        text = escapes.text_of(value)
        return text if _WORD.fullmatch(text) else f'"{write(value)}"'

    return argument


def _string_of(quote: str) -> Callable[[Any], str]:
    """Return the function that writes a value inside a string of Handlebars."""

    def write(value: Any) -> str:
        text = plain("")(value).replace(quote, f"\\{quote}")
        return text + " " * text.endswith("\\")

    return write
