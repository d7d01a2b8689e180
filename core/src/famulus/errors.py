"""All errors of Famulus, grouped by what the caller can do about them.

    FamulusError
    ├── UsageError            correct the input: ``problems`` names each place and remedy
    │   ├── PluginError       a requested plugin cannot be used; the message has the reason
    │   └── NotFoundError     there is no row of that name or number
    ├── ConflictError         the stored state has changed: read it again, then decide
    │   ├── DuplicateError    the name is taken
    │   ├── IllegalTransitionError  the new status may not follow the stored one
    │   └── RunBusyError      another live operator has the run's lease
    ├── UnavailableError      try again later: nothing was changed
    ├── RefusedError          a platform refused the call: nothing was changed
    └── DatabaseError         the database cannot be used as it is
        ├── NewerDatabaseError  it was written by a newer version
        └── MissingDriverError  a driver has to be installed first

:class:`InvalidAnswers` is not one of them: its message is for a worker, not for the program's user.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen


@frozen
class Problem:
    """One problem with a user's input.

    ``key`` is a dotted option (``blueprint.data_csv``); ``line`` counts from 1. A problem with
    ``warning`` set is printed by ``check`` and ``launch`` and stops neither.
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


def without_warnings(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems that stop a check or a launch."""
    return [problem for problem in problems if not problem.warning]


class FamulusError(Exception):
    """The base class of all errors that Famulus raises on purpose.

    ``exit_code`` is the exit status of the command line when the error is not caught.
    """

    exit_code = 1


def reason(error: BaseException) -> str:
    """Return the message of an error, preceded by its class unless it is a FamulusError."""
    return str(error) if isinstance(error, FamulusError) else f"{type(error).__name__}: {error}"


class UsageError(FamulusError):
    """The user's input is wrong; nothing was written. ``problems`` lists all that was found."""

    exit_code = 2

    def __init__(self, problems: str | Problem | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        if isinstance(problems, Problem):
            problems = (problems,)
        self.problems: Sequence[Problem] = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class PluginError(UsageError):
    """A plugin that was requested by name cannot be used."""


@contextmanager
def as_plugin_error(failure: str) -> Iterator[None]:
    """Raise an error of a plugin's code as a PluginError; a FamulusError stays as it is.

    :param failure: what has failed, for the message.
    """
    try:
        yield
    except FamulusError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"{failure}: {reason(error)}") from error


class NotFoundError(UsageError):
    """There is no row of the given name or number."""


class ConflictError(FamulusError):
    """The request does not fit the stored state, which may have changed since it was read."""


class DuplicateError(ConflictError):
    """The name is taken."""


class IllegalTransitionError(ConflictError):
    """The new status may not follow the stored one."""


class RunBusyError(ConflictError):
    """Another live operator has the run's lease."""


class UnavailableError(FamulusError):
    """Something that the call needs is not available now; the same call may succeed later.

    ``retry_after`` is the number of seconds to wait, if a platform has named one, else None.
    """

    def __init__(self, *args: object, retry_after: float | None = None) -> None:
        super().__init__(*args)
        self.retry_after = retry_after


class UnlistedPlacesError(UnavailableError):
    """Every place that a platform lists is closed, but others may have been opened.

    Raised if a call to open places had no answer: the platform may list the places later. The
    closing is repeated until that is known; the run may be resumed in the meantime.
    """


class RefusedError(FamulusError):
    """A platform refused the call, certainly without any effect; the message has the reason."""


class UnpayableError(RefusedError):
    """A platform cannot make a payment at all: the requester owes it to the worker."""


class DatabaseError(FamulusError):
    """The database cannot be used as it is."""


class NewerDatabaseError(DatabaseError):
    """The database was written by a newer Famulus (or a newer plugin) than this one."""


class MissingDriverError(DatabaseError):
    """The database needs a driver that is not installed."""


class InvalidAnswers(Exception):  # noqa: N818 - it is an answer to a worker, not an error
    """Raised by a blueprint for a form that it cannot accept; the worker reads the message.

    ``fields`` has a sentence for each field that is missing or not right, by the field's name. The
    page's scripts get them as ``detail.fields`` of the event ``famulus:refused``; a browser without
    JavaScript gets the blueprint's ``refused_page``.
    """

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        #: as it was given, so that a translatable text can be translated
        self.message = message
        self.fields: Mapping[str, str] = dict(fields or {})
