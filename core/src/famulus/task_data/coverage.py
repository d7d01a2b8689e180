"""The columns that the rows of a task have, and the columns that some rows lack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import define, field

_MOST_LINES = 3
_MOST_COLUMNS = 1000


@define
class Coverage:
    """Collects the names in the rows, and the rows that lack a name which a page needs."""

    needed: frozenset[str]
    #: every name seen, in the order seen
    columns: dict[str, None] = field(factory=dict)
    first: Sequence[str] | None = None
    _lacking: dict[str, list[int]] = field(factory=dict)
    _counts: dict[str, int] = field(factory=dict)

    def see(self, place: int, row: Mapping[str, Any]) -> None:
        """Record one row; ``place`` is its line or its number."""
        keys = row.keys()
        if self.first is None:
            self.first = tuple(keys)
        if not keys <= self.columns.keys() and len(self.columns) < _MOST_COLUMNS:
            self.columns.update(dict.fromkeys(keys))
        if not keys >= self.needed:
            for name in self.needed - keys:
                self._lack(name, place)

    def _lack(self, name: str, place: int) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1
        places = self._lacking.setdefault(name, [])
        if len(places) < _MOST_LINES:
            places.append(place)

    def lacking(self) -> Iterable[tuple[str, list[int], int]]:
        """Yield each name that only some rows have, the first rows without it, and their number."""
        for name in sorted(self._lacking):
            if name in self.columns:
                yield name, self._lacking[name], self._counts[name]
