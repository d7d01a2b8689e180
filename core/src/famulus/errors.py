"""Every error of Famulus, sorted by what the caller can do about it.

    FamulusError
    ├── UsageError            mend the input: its ``problems`` name each place and remedy
    │   ├── PluginError       a plugin that was named cannot be used, and why
    │   └── NotFoundError     no row of that name or number
    ├── ConflictError         the world has moved on: look again, then decide
    │   ├── DuplicateError    something of that name is there already
    │   ├── IllegalTransitionError  a status may not follow the one that is stored
    │   └── RunBusyError      another live operator holds the run
    ├── UnavailableError      try again later: nothing was changed
    ├── RefusedError          a platform said no, and why: nothing was changed
    └── DatabaseError         the database cannot be used as it is
        ├── NewerDatabaseError  written by a newer version
        └── MissingDriverError  a driver must be installed first

:class:`InvalidAnswers` is not among them: it speaks to a worker, not to the program's user.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import frozen


@frozen
class Problem:
    """One thing that is wrong with what a user has given.

    ``key`` is a dotted option (``blueprint.data_csv``); ``line`` counts from 1. One that is a
    ``warning`` is printed by ``check`` and ``launch`` and stops neither.
    """

    message: str
    key: str | None = None
    file: Path | None = None
    line: int | None = None
    warning: bool = False

    def __str__(self) -> str:
        place = "" if self.file is None else str(self.file)
        if place and self.line is not None:
            place = f"{place}:{self.line}"
        parts = [part for part in (place, self.key) if part]
        return ": ".join([*parts, self.message])


class FamulusError(Exception):
    """The root: whatever Famulus raises on purpose is one of these.

    ``exit_code`` is what the command line ends with when nobody catches the error.
    """

    exit_code = 1


class UsageError(FamulusError):
    """What the user has given is wrong; nothing was written. Carries every problem at once."""

    exit_code = 2

    def __init__(self, problems: str | Problem | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        if isinstance(problems, Problem):
            problems = (problems,)
        self.problems: Sequence[Problem] = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class PluginError(UsageError):
    """A plugin that was asked for by name cannot be used."""


class NotFoundError(UsageError):
    """There is no row of that name or number."""


class ConflictError(FamulusError):
    """What was asked does not fit what is stored by now."""


class DuplicateError(ConflictError):
    """Something of that name exists already."""


class IllegalTransitionError(ConflictError):
    """A status may not follow the one that is stored."""


class RunBusyError(ConflictError):
    """Another operator that is alive holds the run."""


class UnavailableError(FamulusError):
    """Something needed is away for the moment; the same call may succeed later."""


class RefusedError(FamulusError):
    """A platform has refused what it was told, surely without any effect; the message says why."""


class DatabaseError(FamulusError):
    """The database cannot be used as it is."""


class NewerDatabaseError(DatabaseError):
    """The database was written by a newer Famulus (or a newer plugin) than this one."""


class MissingDriverError(DatabaseError):
    """The database needs a driver that is not installed."""


class InvalidAnswers(Exception):  # noqa: N818 - it is an answer to a worker, not an error
    """Raised by a blueprint for a form it cannot take; the message is shown to the worker."""
