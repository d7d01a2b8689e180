"""A compiled text with places for values, which can be filled quickly many times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from famulus_static_html.escapes import text_of
from famulus_static_html.source import Placeholder

#: Returns the text of one place from the values.
Fill = Callable[[Mapping[str, Any]], str]
Part = str | Fill


class Template:
    """Literal text and fills, in order."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts: list[str] = []
        self._fills: list[tuple[int, Fill]] = []
        text: list[str] = []
        for part in parts:
            if isinstance(part, str):
                text.append(part)
            else:
                self._parts += ["".join(text), ""]
                self._fills.append((len(self._parts) - 1, part))
                text = []
        self._parts.append("".join(text))

    def render(self, values: Mapping[str, Any]) -> str:
        """Return the text with every place filled."""
        parts = self._parts.copy()
        for index, fill in self._fills:
            parts[index] = fill(values)
        return "".join(parts)


def required(placeholder: Placeholder, escape: Callable[[Any], str]) -> Fill:
    """Return the fill of a placeholder in the page, empty if there is no value."""
    name = placeholder.html_name
    write = text_of if placeholder.raw else escape
    return lambda values: write(values.get(name))


def accepted(placeholder: Placeholder, fill: Fill, accepts: Callable[[Any], bool]) -> Fill:
    """Return a fill that is empty if the value of the placeholder is not accepted."""
    name = placeholder.html_name
    return lambda values: fill(values) if accepts(values.get(name)) else ""


def optional(
    placeholder: Placeholder, escape: Callable[[Any], str], before: tuple[str, str] = ("", "")
) -> Fill:
    """Return the fill of a placeholder in code; without a value, its text stays as it is.

    ``before`` is put before the value, or before the text that stays.
    """
    name = placeholder.name
    write = text_of if placeholder.raw else escape
    in_front, own = before[0], before[1] + placeholder.source
    return lambda values: in_front + write(values[name]) if name in values else own
