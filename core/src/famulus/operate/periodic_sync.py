"""Asking a run's platform regularly for the status of its visits."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from attrs import define, field

from famulus.clock import has_passed
from famulus.engine.outbox.retry_pause import pause_after
from famulus.engine.platform.bound_provider import BoundProvider
from famulus.engine.platform.sync_requests import is_sync_requested
from famulus.engine.platform.visit_sync import sync_run
from famulus.errors import UnavailableError, reason
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError

_log = logging.getLogger(__name__)

_LONGEST_WAIT = timedelta(minutes=10)
#: Between two syncs that the platform has caused by its own requests.
_SHORTEST_WAIT = timedelta(seconds=1)


@define(eq=False)
class PeriodicSync:
    """Syncs one run with its platform: periodically, and when the platform has announced changes.

    Asks less often while syncing fails.
    """

    database: Database
    bound: BoundProvider
    #: when all reports of the platform were last read
    answered_at: datetime | None = None
    _asked_at: datetime | None = None
    #: until the next sync, and until one that the platform has requested
    _pause: timedelta = timedelta(0)
    _requested_pause: timedelta = _SHORTEST_WAIT
    _failures: int = field(default=0, init=False)

    @property
    def is_needed(self) -> bool:
        """Whether the platform reports visits."""
        return self.bound.provider.capabilities.reports_submissions

    def sync(self) -> None:
        """Ask for the status of visits, if that is due; log errors of the platform.

        :raises famulus.UnavailableError: when the database is unavailable.
        """
        now = self.database.clock()
        if not (self.is_needed and self._is_due(now)):
            return
        every = timedelta(seconds=self.bound.provider.sync_seconds)
        run = self.bound.record.id
        try:
            sync_run(self.database, self.bound.provider, self.bound.run_view())
        except DatabaseUnavailableError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; tried again later
            if not self._failures or not isinstance(error, UnavailableError):
                _log.warning(
                    "run %d: the platform cannot be asked about visits: %s", run, reason(error)
                )
            self._failures += 1
            self._asked_at = now
            self._pause = min(every * 2 ** min(self._failures, 10), _LONGEST_WAIT)
            retry_after = getattr(error, "retry_after", None)
            if retry_after is not None:
                self._pause = max(every, pause_after(self._failures, retry_after))
            self._requested_pause = min(self._pause, pause_after(self._failures, retry_after))
            return
        if self._failures:
            _log.warning("run %d: the platform answers about visits again", run)
        self._failures, self.answered_at = 0, now
        self._asked_at, self._pause, self._requested_pause = now, every, _SHORTEST_WAIT

    def _is_due(self, now: datetime) -> bool:
        if has_passed(now, self._asked_at, self._pause):
            return True
        receives = self.bound.provider.capabilities.receives
        if not (receives and has_passed(now, self._asked_at, self._requested_pause)):
            return False
        with self.database.read() as tx:
            return is_sync_requested(tx, self.bound.record.id)
