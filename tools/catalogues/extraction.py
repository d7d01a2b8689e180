"""The texts of a package that have to be translated: the literals given to ``_`` and ``_n``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from attrs import define, field

_NAMES = {"_": 1, "_n": 2}
_COMMENT = "# Translators: "


@define
class Extracted:
    """A text in the sources."""

    message: str
    plural: str | None
    #: the files that have it, relative to the folder of the sources
    places: list[str] = field(factory=list)
    #: what translators have to know
    comment: str = ""


def extract(source: Path, package: str) -> dict[str, Extracted]:
    """Return the texts of a package by message id, in the order of the files.

    :param source: the folder that the package lies in.
    :raises ValueError: for a text that is no literal, and for one with two plurals.
    """
    found: dict[str, Extracted] = {}
    for file in sorted((source / package).rglob("*.py")):
        place = file.relative_to(source).as_posix()
        for message, plural, comment in _texts(file, place):
            entry = found.setdefault(message, Extracted(message, plural))
            if entry.plural != plural:
                raise ValueError(f"{place}: {message!r} has another plural than elsewhere")
            if place not in entry.places:
                entry.places.append(place)
            entry.comment = entry.comment or comment
    return found


def _texts(file: Path, place: str) -> Iterator[tuple[str, str | None, str]]:
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    calls = [
        (call.lineno, call.func.id, call)
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _NAMES
    ]
    for line, name, call in sorted(calls, key=lambda each: each[0]):
        count = _NAMES[name]
        ids = [_literal(each) for each in call.args]
        if len(ids) != count or None in ids:
            raise ValueError(f"{place}:{line}: {name}() needs {count} literal(s)")
        yield f"{ids[0]}", (f"{ids[1]}" if count > 1 else None), _comment(lines, line)


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _comment(lines: list[str], line: int) -> str:
    """Return the comment for translators above a line, at most two lines up."""
    above = (each.strip() for each in lines[max(line - 3, 0) : line - 1])
    return next((each.removeprefix(_COMMENT) for each in above if each.startswith(_COMMENT)), "")
