"""What is found out about the placeholders of a page while it is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import Factory, define, frozen

from famulus_static_html.source import Placeholder


@frozen
class Forbidden:
    """A placeholder that is not allowed where it is, if it stands for a value of the data."""

    placeholder: Placeholder
    reason: str

    @property
    def name(self) -> str:
        """The name of the value."""
        return self.placeholder.html_name


@frozen
class Limited:
    """A placeholder in a tag for which only some values are inserted.

    ``accepts`` returns whether a value is one, and ``meaning`` names them: "an attribute such as
    checked".
    """

    placeholder: Placeholder
    accepts: Callable[[Any], bool]
    meaning: str


@define
class Found:
    """What was found out about the placeholders of a page, as in its compiled form."""

    needed: list[Placeholder] = Factory(list)
    forbidden: list[Forbidden] = Factory(list)
    shown: list[Placeholder] = Factory(list)
    quoted: list[Placeholder] = Factory(list)
    limited: list[Limited] = Factory(list)
    has_raw_markup: bool = False

    def forbid(self, placeholder: Placeholder, reason: str) -> None:
        """Refuse a placeholder if it stands for a value of the data."""
        self.forbidden.append(Forbidden(placeholder, reason))
