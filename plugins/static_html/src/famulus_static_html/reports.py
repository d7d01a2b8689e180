"""What happens with the problems of a data file: collected while it is checked, raised later."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from attrs import define, field

import famulus

_MOST = 20


class Report(Protocol):
    """Takes the problems of one file as they are found."""

    def add(self, message: str, line: int | None = None, *, warning: bool = False) -> None:
        """Take one problem, or a warning, which stops nothing."""


@define
class Collected:
    """Keeps the first problems and counts the rest, so that a report can be read."""

    file: Path | None
    key: str | None = None
    _kept: list[famulus.Problem] = field(factory=list, init=False)
    _more: int = field(default=0, init=False)

    def add(self, message: str, line: int | None = None, *, warning: bool = False) -> None:
        """Keep a problem, or only count it."""
        if warning or len(self._kept) < _MOST:
            problem = famulus.Problem(
                message, key=self.key, file=self.file, line=line, warning=warning
            )
            self._kept.append(problem)
        else:
            self._more += 1

    @property
    def problems(self) -> Sequence[famulus.Problem]:
        """Everything found, with a last one that says how many more there are."""
        if not self._more:
            return tuple(self._kept)
        more = famulus.Problem(f"and {self._more} more", key=self.key, file=self.file)
        return (*self._kept, more)


@define
class Raised:
    """Raises: the file was checked before, so that whatever is wrong now has changed since."""

    file: Path | None

    def add(self, message: str, line: int | None = None, *, warning: bool = False) -> None:
        """Raise a problem as :class:`famulus.UsageError`; the check has told of warnings."""
        if warning:
            return
        raise famulus.UsageError(famulus.Problem(message, file=self.file, line=line))
