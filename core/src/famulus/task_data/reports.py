"""Reports of the problems of a data file: collected by a check, raised while it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from attrs import define, field

from famulus.errors import Problem, UsageError

_MOST = 20


class Report(Protocol):
    """Gets the problems of one file as they are found."""

    def add(self, message: str, line: int | None = None, *, warning: bool = False) -> None:
        """Add a problem, or a warning, which does not stop the launch."""


@define
class CollectingReport:
    """Keeps the first problems and counts the rest."""

    file: Path | None
    key: str | None = None
    _kept: list[Problem] = field(factory=list, init=False)
    _more: int = field(default=0, init=False)

    def add(self, message: str, line: int | None = None, *, warning: bool = False) -> None:
        """Keep a problem, or only count it."""
        if warning or len(self._kept) < _MOST:
            problem = Problem(message, key=self.key, file=self.file, line=line, warning=warning)
            self._kept.append(problem)
        else:
            self._more += 1

    @property
    def problems(self) -> Sequence[Problem]:
        """The problems that were kept, and one with the number of the others."""
        if not self._more:
            return tuple(self._kept)
        more = Problem(f"and {self._more} more", key=self.key, file=self.file)
        return (*self._kept, more)


@define
class RaisingReport:
    """Raises the first problem: the file was checked before, and has changed since."""

    file: Path | None

    def add(self, message: str, line: int | None = None, *, warning: bool = False) -> None:
        """Raise a problem as :class:`UsageError`; ignore a warning."""
        if warning:
            return
        raise UsageError(Problem(message, file=self.file, line=line))
