"""Docstrings, signatures and tables as Markdown that reads well on a forge."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any

import attrs

from famulus.contracts import context, plan
from famulus.operate import checking, operator

from .places import href

#: A cross-reference of a docstring: ``:class:`~famulus.Plan```.
_ROLE = re.compile(r":\w+:`~?([\w.]+)`")
_FIELD = re.compile(r":(param|raises) (?P<what>[\w.]+): ")
#: What signatures call by a name that is not exported.
_ALIASES = MappingProxyType(
    {
        "AnyClass": context.AnyClass,
        "Configured": checking.Configured,
        "RunLike": operator.RunLike,
        "SharedStateClass": plan.SharedStateClass,
    }
)
#: Longer signatures have one line per parameter.
_WIDTH = 88

NOTICE = "<!-- Made from the code by `make docs`: change the docstrings, then run it again. -->"


def document(title: str, *parts: str) -> str:
    """Return a whole page."""
    return "\n\n".join([NOTICE, f"# {title}", *(part.strip("\n") for part in parts if part)]) + "\n"


def prose(text: str | None, page: str) -> str:
    """Return a docstring as Markdown: code, links, and lists of parameters and exceptions."""
    if not text:
        return ""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(_paragraph(paragraph, page) for paragraph in paragraphs)


def _paragraph(text: str, page: str) -> str:
    if text.startswith("    "):
        return text.replace("``", "")
    text = _ROLE.sub(lambda found: _linked(found[1], page), text.replace("``", "`"))
    # Two colons announce a block in a docstring.
    text = re.sub("::$", ":", text)
    lines: list[str] = []
    for line in text.splitlines():
        field = _FIELD.match(line)
        if field and field[1] == "raises":
            lines.append(f"- Raises {_linked(field['what'], page)} {line[field.end() :]}")
        elif field:
            lines.append(f"- `{field['what']}`: {line[field.end() :]}")
        else:
            lines.append(f"  {line.strip()}" if line.startswith("    ") else line)
    return "\n".join(lines)


def _linked(path: str, page: str) -> str:
    """Link a name of the public API, or a member of one, to its entry."""
    name = path.removeprefix("famulus.errors.").removeprefix("famulus.")
    target = href(name, page)
    return f"[`{name}`]({target})" if target else f"`{name}`"


def cell(text: str) -> str:
    """Return text for a cell of a table, which has one line."""
    return " ".join(text.split()).replace("|", r"\|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a column without any content is left out."""
    body = [[cell(text) for text in row] for row in rows]
    kept = [number for number in range(len(head)) if any(row[number] for row in body)]
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line[number] for number in kept) + " |" for line in lines)


def code(text: str) -> str:
    """Return a block of Python."""
    return f"```python\n{text}\n```"


def signature(name: str, function: Callable[..., Any], *, hide: Sequence[str] = ("self",)) -> str:
    """Return a function as it is called, with the annotations as they are written."""
    called = inspect.signature(function)
    shown: list[str] = []
    keyword_only = False
    for parameter in called.parameters.values():
        if parameter.name in hide:
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            shown.append("*")
        shown.append(_parameter(parameter))
    made = inspect.isclass(function) or called.return_annotation is called.empty
    end = ")" if made else f") -> {annotation(called.return_annotation)}"
    line = f"{name}({', '.join(shown)}{end}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {each}," for each in shown), end])


def _parameter(parameter: inspect.Parameter) -> str:
    # A parameter prints itself with its annotation and default, which are written otherwise here.
    text = str(parameter.replace(annotation=parameter.empty, default=parameter.empty))
    if parameter.annotation is not parameter.empty:
        text += f": {annotation(parameter.annotation)}"
    if parameter.default is parameter.empty:
        return text
    return f"{text} = {value(parameter.default)}" if ":" in text else f"{text}={parameter.default}"


def annotation(given: Any) -> str:
    """Return an annotation as it is written, without the modules it came from."""
    text = given if isinstance(given, str) else inspect.formatannotation(given)
    for name, alias in _ALIASES.items():
        text = re.sub(rf"\b{name}\b", inspect.formatannotation(alias), text)
    return re.sub(
        r"\b(?:famulus|typing|collections|datetime|pathlib|decimal)(?:\.\w+)*\.", "", text
    )


def value(given: Any) -> str:
    """Return a default as it is written; ``...`` for one that is made fresh_state, or for none."""
    if given is attrs.NOTHING:
        return "..."
    if isinstance(given, Enum):
        return f"{type(given).__name__}.{given.name}"
    return getattr(given, "__name__", None) or repr(given)
