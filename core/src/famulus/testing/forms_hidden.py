"""Which elements of a form a worker cannot see."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track")
) | {"wbr"}
_DISPLAYS_NONE = re.compile(r"(?:^|;)\s*display\s*:\s*none\b", re.IGNORECASE)


class HiddenElements:
    """The open elements, and whether one of them hides its content."""

    def __init__(self) -> None:
        self._open: list[tuple[str, bool]] = []

    @property
    def here(self) -> bool:
        """Whether an open element hides the next one."""
        return any(hides for _, hides in self._open)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Process a start tag."""
        if tag not in _VOID:
            self._open.append((tag, is_hidden(attributes)))

    def end(self, tag: str) -> None:
        """Process an end tag; it also ends unclosed elements inside its element."""
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place][0] == tag:
                del self._open[place:]
                return


def is_hidden(attributes: Mapping[str, str]) -> bool:
    """Return whether an element hides itself and its content."""
    return "hidden" in attributes or _DISPLAYS_NONE.search(attributes.get("style", "")) is not None
