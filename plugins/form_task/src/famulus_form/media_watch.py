"""Check the addresses of images, sounds and videos that contain values of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, evolve, field

import famulus
from famulus_form.texts import is_safe_url

#: Most rows in one line, and most characters of a value.
_MOST_NAMED, _LONGEST = 20, 80


@define
class MediaWatch:
    """Finds files in the rows that a worker would not get, and addresses that no page shows."""

    files: famulus.FileWatch
    _addresses: Sequence[famulus.FileAddress] = field(init=False)
    _unshown: dict[str, _Unshown] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._addresses = [
            one for one in self.files.beside.addresses if one.columns and all(one.columns)
        ]

    @property
    def names(self) -> set[str]:
        """The columns that it reads."""
        own = {name for address in self._addresses for name in address.columns}
        return own | self.files.names

    def see(self, place: int, row: Mapping[str, Any]) -> None:
        """Look at the addresses of one row; ``place`` is its line or its number."""
        self.files.see(place, row)
        for address in self._addresses:
            filled = address.filled(row)
            if not is_safe_url(filled):
                self._unshown.setdefault(address.written, _Unshown(address)).add(filled, place)

    def problems(self) -> list[famulus.Problem]:
        """Return a warning for each address that the values of some rows make unusable."""
        return [each.problem(self.files.noun) for each in self._unshown.values()]


@define
class _Unshown:
    """The rows with values that make one address unusable, so that pages do not show it."""

    address: famulus.FileAddress
    #: the first of these addresses, each with its row
    named: list[tuple[str, int]] = field(factory=list)
    rows: int = 0

    def add(self, filled: str, place: int) -> None:
        self.rows += 1
        if len(self.named) < _MOST_NAMED:
            self.named.append((f"'{famulus.escaped_line(filled, _LONGEST)}'", place))

    def problem(self, noun: str) -> famulus.Problem:
        (filled, place), *others = self.named
        rows = [f"{noun} {place}: {filled}" for filled, place in others]
        rows += [f"{self.rows - len(self.named)} more"] if self.rows > len(self.named) else []
        also = f" (also {', '.join(rows)})" if rows else ""
        message = (
            f"{self.address.written}: {filled}, the address of {noun} {place}, is not shown: begin "
            f"with https://, or name a file{also}"
        )
        return evolve(self.address.place, message=message, warning=True)
