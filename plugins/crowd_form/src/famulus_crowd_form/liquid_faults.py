"""Errors of a template that is not valid Liquid: the line, the fault and the remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType

import liquid
from attrs import frozen
from liquid.exceptions import LiquidError

from famulus_crowd_form.html_tokens import line_of

_SHOWN = 60
_RAW = (
    r"(?P<opening>\{%-?\s*(?P<raw>raw|comment)\s*-?%\})"
    r".*?(?P<closing>\{%-?\s*end(?P=raw)\s*-?%\}|\Z)"
)
_PIECE = re.compile(
    rf"{_RAW}|\{{%-?\s*(?P<tag>\w+)(?P<rest>.*?)-?%\}}|(?P<value>\{{\{{.*?\}}\}})", re.DOTALL
)
#: How each tag is written.
_FORMS: Mapping[str, str] = MappingProxyType(
    {
        "assign": "{% assign name = task.input.column %}",
        "capture": "{% capture name %}",
        "case": "{% case task.input.column %}",
        "cycle": "{% cycle 'odd', 'even' %}",
        "decrement": "{% decrement name %}",
        "elsif": "{% elsif task.input.column == 'text' %}",
        "for": "{% for item in task.input.column %}",
        "if": "{% if task.input.column == 'text' %}",
        "increment": "{% increment name %}",
        "tablerow": "{% tablerow item in task.input.column %}",
        "unless": "{% unless task.input.column == 'text' %}",
        "when": "{% when 'text' %}",
    }
)
_VALUE_FORM = "{{ task.input.column }}"
_BLOCKS = frozenset({
    "capture", "case", "comment", "for", "if", "ifchanged", "raw", "tablerow", "unless",
})  # fmt: skip
#: Tags that stand inside of others, with these.
_INSIDE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "break": ("for", "tablerow"),
        "continue": ("for", "tablerow"),
        "else": ("if", "unless", "case", "for"),
        "elsif": ("if", "unless"),
        "when": ("case",),
    }
)


class TemplateFault(LiquidError):  # noqa: N818 - it is about what an author wrote
    """A template has something that cannot be filled in."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message, token=None)
        self.line = line


@frozen
class _Piece:
    """A tag or an output in the source text of a template."""

    text: str
    tag: str | None
    line: int

    @property
    def shown(self) -> str:
        text = " ".join(self.text.split())
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def syntax_fault(
    source: str, error: LiquidError, environment: liquid.Environment, refused: Collection[str]
) -> LiquidError:
    """Return an error that names the line and a remedy, or ``error`` if they are unknown.

    :param refused: tags of Liquid that do not work here.
    """
    pieces = [
        _Piece(
            found["opening"] or found[0],
            found["raw"] or found["tag"],
            line_of(source, found.start()),
        )
        for found in _PIECE.finditer(source)
        if not found["closing"]
    ]
    if any(each.tag in refused for each in pieces):
        return error
    tags = {*environment.tags, *_BLOCKS, *_INSIDE}
    for fault in (
        _unknown(pieces, tags),
        _broken(pieces, environment),
        _unbalanced(pieces),
        _open_end(source),
    ):
        if fault is not None:
            return fault
    return error


def unknown_filter(name: str, line: int, known: Collection[str]) -> TemplateFault:
    """Return the error of a filter that does not exist."""
    close = difflib.get_close_matches(name, sorted(known), 1)
    remedy = (
        f"did you mean {close[0]}?"
        if close
        else "leave it out, and write what it makes of the value into the data"
    )
    return TemplateFault(f"unknown filter '{name}': {remedy}", line)


def _unknown(pieces: list[_Piece], tags: Collection[str]) -> TemplateFault | None:
    for piece in pieces:
        name = piece.tag
        if name is None or name in tags or name.removeprefix("end") in _BLOCKS:
            continue
        close = difflib.get_close_matches(name, sorted(tags), 1)
        remedy = f"did you mean {{% {close[0]} %}}?" if close else "leave it out"
        return TemplateFault(f"there is no tag {{% {name} %}}: {remedy}", piece.line)
    return None


def _broken(pieces: list[_Piece], environment: liquid.Environment) -> TemplateFault | None:
    """Return the fault of the first piece that cannot be parsed by itself."""
    for piece in pieces:
        alone = _alone(piece)
        if alone is None:
            continue
        try:
            environment.from_string(alone)
        except LiquidError as error:
            reason = error.args[0] if error.args else type(error).__name__
            form = _VALUE_FORM if piece.tag is None else _FORMS.get(piece.tag)
            remedy = f": write it as in {form}" if form else ""
            return TemplateFault(f"{piece.shown} cannot be read ({reason}){remedy}", piece.line)
    return None


def _alone(piece: _Piece) -> str | None:
    """Return a template of one piece, completed by the tags that it requires around it."""
    tag = piece.tag
    if tag is None:
        return piece.text
    if tag == "elsif":
        return f"{{% if true %}}{piece.text}{{% endif %}}"
    if tag == "when":
        return f"{{% case 1 %}}{piece.text}{{% endcase %}}"
    if tag in _INSIDE or tag.startswith("end") or tag in ("raw", "comment"):
        return None
    return f"{piece.text}{{% end{tag} %}}" if tag in _BLOCKS else piece.text


def _unbalanced(pieces: list[_Piece]) -> TemplateFault | None:
    opened: list[_Piece] = []
    for piece in pieces:
        tag = piece.tag or ""
        inner = opened[-1] if opened else None
        if tag in _BLOCKS:
            opened.append(piece)
        elif tag in _INSIDE and (inner is None or inner.tag not in _INSIDE[tag]):
            if tag in ("break", "continue") and any(one.tag in _INSIDE[tag] for one in opened):
                continue
            wanted = " or ".join(f"{{% {name} %}}" for name in _INSIDE[tag])
            return TemplateFault(f"{piece.shown} stands outside of {wanted}: move it", piece.line)
        elif tag.startswith("end"):
            if inner is None:
                message = f"{piece.shown} closes nothing: leave it out"
                return TemplateFault(message, piece.line)
            if tag != f"end{inner.tag}":
                message = (
                    f"{piece.shown} stands where {inner.shown} of line {inner.line} is open: write "
                    f"{{% end{inner.tag} %}} before it"
                )
                return TemplateFault(message, piece.line)
            opened.pop()
    if opened:
        piece = opened[-1]
        message = f"{piece.shown} is never closed: write {{% end{piece.tag} %}} where it ends"
        return TemplateFault(message, piece.line)
    return None


def _open_end(source: str) -> TemplateFault | None:
    """Return the fault of a value or a tag that has no end."""
    rest = _PIECE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), source)
    if found := re.search(r"\{\{|\{%", rest):
        end = "}}" if found[0] == "{{" else "%}"
        shown = rest[found.start() :].partition("\n")[0].strip()[:_SHOWN]
        return TemplateFault(
            f"{shown} is never closed: write {end} behind it", line_of(source, found.start())
        )
    return None
