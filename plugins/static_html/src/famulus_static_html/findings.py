"""Findings about the placeholders of a page while it is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from attrs import Factory, define, frozen

from famulus_static_html.differences import Differing
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
    """A placeholder for which only some values are inserted.

    ``accepts`` returns whether a value is inserted, and ``fault`` says what is wrong with any other
    value, as the end of a sentence.
    """

    placeholder: Placeholder
    accepts: Callable[[Any], bool]
    fault: str

    @classmethod
    def name(cls, placeholder: Placeholder, accepts: Callable[[Any], bool], meaning: str) -> Self:
        """Limit a placeholder to names; ``meaning`` says which: "an attribute such as checked"."""
        fault = f"is not the name of {meaning}, and only such names are inserted here"
        return cls(placeholder, accepts, fault)


@define
class Found:
    """The findings about the placeholders of a page, named as in ``CompiledPage``."""

    needed: list[Placeholder] = Factory(list)
    forbidden: list[Forbidden] = Factory(list)
    shown: list[Placeholder] = Factory(list)
    quoted: list[Placeholder] = Factory(list)
    differing: list[Differing] = Factory(list)
    limited: list[Limited] = Factory(list)
    has_raw_markup: bool = False

    def forbid(self, placeholder: Placeholder, reason: str) -> None:
        """Refuse a placeholder if it stands for a value of the data."""
        self.forbidden.append(Forbidden(placeholder, reason))
