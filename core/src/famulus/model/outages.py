"""Outages: one log line when something becomes unavailable, and one when it is back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from famulus.errors import UnavailableError
from famulus.escaping import escaped_line

_log = logging.getLogger(__name__)

#: Characters of a reason that are logged: what a stranger has sent may be in it.
_LONGEST_REASON = 1000


class DatabaseUnavailableError(UnavailableError):
    """The database cannot be reached or written now. The outage is logged; do not log it again."""


class Outage:
    """Whether one thing is unavailable to this process, judged by the outcome of each attempt.

    :param what: its name in the log.
    :param calm_seconds: seconds after the last failure during which a success does not end the
        outage, so that an outage in which only some attempts fail is logged once.
    """

    def __init__(
        self,
        what: str,
        *,
        calm_seconds: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._calm_seconds = calm_seconds
        self._monotonic = monotonic
        self._mutex = threading.Lock()
        self._began_at: float | None = None
        self._failed_at = 0.0
        self._needs_write = False

    @property
    def is_on(self) -> bool:
        """Whether there is an outage as far as this process knows."""
        return self._began_at is not None

    def failed(self, reason: object, *, writing: bool = False) -> None:
        """Record an attempt that failed.

        :param writing: whether only a successful write ends the outage: reading works on a full
            disk.
        """
        with self._mutex:
            is_new = self._began_at is None
            self._failed_at = self._monotonic()
            self._began_at = self._failed_at if self._began_at is None else self._began_at
            self._needs_write = writing or self._needs_write
        if is_new:
            text = escaped_line(" ".join(str(reason).split()), _LONGEST_REASON)
            _log.warning("%s is unavailable; work that needs it waits: %s", self._what, text)

    def passed(self, *, writing: bool = False) -> None:
        """Record an attempt that succeeded."""
        if self._began_at is not None:
            self._end(writing)

    def _end(self, writing: bool) -> None:
        with self._mutex:
            began_at, now = self._began_at, self._monotonic()
            if began_at is None or now - self._failed_at < self._calm_seconds:
                return
            if self._needs_write and not writing:
                return
            self._began_at, self._needs_write = None, False
        _log.warning("%s is available again after %.0f s", self._what, now - began_at)
