"""The limits of one submission, and the variables that pass them to the serving process."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from attrs import frozen

from famulus import Problem, UsageError

#: Threads of a serving process, unless they are set.
DEFAULT_THREADS = 32

_PREFIX = "FAMULUS_FLASK_"


@frozen(kw_only=True)
class Limits:
    """Upper bounds of one form; a form that exceeds one gets the status 413."""

    max_file_bytes: int = 100_000_000
    max_form_bytes: int = 250_000_000
    max_text_bytes: int = 2_000_000
    max_fields: int = 1000
    max_files: int = 100
    #: threads of each process of a WSGI server that does not receive bodies by itself
    threads: int = DEFAULT_THREADS

    @property
    def max_bodies_at_once(self) -> int:
        """How many threads may receive bodies; the others are for pages."""
        return max(1, self.threads * 3 // 4)

    @property
    def max_strangers_at_once(self) -> int:
        """How many of these threads may receive bodies that need no ticket."""
        return max(1, self.max_bodies_at_once // 3)

    def to_environment(self) -> dict[str, str]:
        """Return the variables from which :meth:`from_environment` makes the same limits."""
        return {_variable(name): str(value) for name, value in attrs.asdict(self).items()}

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Limits:
        """Read the limits; a variable that is not set stands for the default.

        :raises famulus.UsageError: for a value that is not a number of at least 0.
        """
        names = [field.name for field in attrs.fields(cls) if _variable(field.name) in environ]
        wrong = [name for name in names if not environ[_variable(name)].isdecimal()]
        if wrong:
            raise UsageError(
                Problem(
                    f"{environ[name]!r} is not a whole number of at least 0; set it to one",
                    key=name,
                )
                for name in map(_variable, wrong)
            )
        return cls(**{name: int(environ[_variable(name)]) for name in names})


def _variable(name: str) -> str:
    return _PREFIX + name.upper()
