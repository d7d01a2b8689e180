"""Compare the placeholders of pages with the columns of the data."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field

import famulus
from famulus_static_html.compiled import CompiledPage, Forbidden
from famulus_static_html.source import OWN_NAMES, Placeholder

_MOST_SHOWN = 30
_MOST_LINES = 3
_MOST_COLUMNS = 1000


def page_problems(
    page: CompiledPage, file: Path, columns: Collection[str] | None
) -> list[famulus.Problem]:
    """Return the problems of a page; unknown columns only where the columns are known."""
    found = [*page.problems, *forbidden_problems(page, file, columns or ())]
    known = OWN_NAMES | set(columns or ())
    if columns is not None:
        unknown = [one for one in page.needed if one.html_name not in known]
        found += [_unknown(placeholder, file, columns) for placeholder in unknown]
    return found


def forbidden_problems(
    page: CompiledPage, file: Path, columns: Collection[str]
) -> list[famulus.Problem]:
    """Return the places in code that would be filled with values of these columns."""
    return [
        _forbidden(each, file)
        for each in page.forbidden
        if each.name in columns or each.name in OWN_NAMES
    ]


def _forbidden(forbidden: Forbidden, file: Path) -> famulus.Problem:
    placeholder = forbidden.placeholder
    return famulus.Problem(
        f"{placeholder.source} {forbidden.reason}, where no escaping is safe: put it into a data- "
        f"attribute, or, where you trust every value, write ${{{placeholder.name}|raw}}",
        file=file,
        line=placeholder.line,
    )


def _unknown(placeholder: Placeholder, file: Path, columns: Collection[str]) -> famulus.Problem:
    name = placeholder.html_name
    column, bar, how = (part.strip() for part in name.rpartition("|"))
    if bar and (column in columns or column in OWN_NAMES):
        return famulus.Problem(
            f"{placeholder.source}: there is no '|{how}'; write ${{{column}|raw}} or "
            f"${{{column}|text}}",
            file=file,
            line=placeholder.line,
        )
    close = difflib.get_close_matches(name, sorted({*columns, *OWN_NAMES}), 1)
    hint = f"; did you mean ${{{close[0]}}}?" if close else ""
    return famulus.Problem(
        f"{placeholder.source} has no data{hint} (columns: {_shown(columns)})",
        file=file,
        line=placeholder.line,
    )


def _shown(columns: Collection[str]) -> str:
    shown = list(columns)[:_MOST_SHOWN]
    more = len(columns) - len(shown)
    return (", ".join(shown) or "none") + (f" and {more} more" if more else "")


@define
class Coverage:
    """Collects the names in the rows, and the rows that lack one that a page needs."""

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
        """Yield each name that some rows have and others lack: the first of these, and how many."""
        for name in sorted(self._lacking):
            if name in self.columns:
                yield name, self._lacking[name], self._counts[name]
