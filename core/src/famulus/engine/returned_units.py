"""Units whose visit has ended on the platform, looked for when a worker comes for one of them.

A platform that refills places by itself sends the next worker at once, perhaps before a sync has
read why. That worker would find nothing to do.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime, timedelta

from attrs import define, field

from famulus.clock import has_passed
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import RunView
from famulus.contracts.views import Refusal, RefusalReason
from famulus.engine.platform.visit_sync import look_at_units
from famulus.errors import UnavailableError, reason
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError

_log = logging.getLogger(__name__)

#: Looks of one process: not more than so many in this time.
_MOST_LOOKS, _IN = 10, timedelta(minutes=1)
#: How long a worker who was looked for is refused without another look.
_AGAIN = timedelta(minutes=1)
#: How long a worker is asked to try again while the platform does not answer. Then they are refused
#: after all, which lets them leave, rather than wait until their time is over.
_LONGEST_OUTAGE = timedelta(minutes=2)
#: Requests that wait for a look at the same time, and the seconds that they wait.
_MOST_WAITING = 4
_PATIENCE = 5.0
_REMEMBERED = 10_000


@define(eq=False)
class _Refused:
    """A visit that no unit was found for."""

    first_at: datetime
    #: when a look has ended that began after it
    looked_at: datetime | None = None


@define(eq=False, kw_only=True)
class ReturnedUnits:
    """Asks the platform of one run about the visits that hold its units. Used by many threads.

    A look covers all who came before it began, and those who come during it have the next one, so
    that many workers who come at once share two.
    """

    database: Database
    provider: Provider
    #: returns the run as it is now
    run: Callable[[], RunView]
    _mutex: threading.Lock = field(factory=threading.Lock, init=False)
    _refused: OrderedDict[str, _Refused] = field(factory=OrderedDict, init=False)
    _requests: int = field(default=0, init=False)
    #: requests before this one were covered by a look
    _covered: int = field(default=0, init=False)
    _began: deque[datetime] = field(factory=deque, init=False)
    _looking: threading.Lock = field(factory=threading.Lock, init=False)
    _room: threading.Semaphore = field(
        factory=lambda: threading.Semaphore(_MOST_WAITING), init=False
    )
    _is_failure_logged: bool = field(default=False, init=False)

    def look_for(self, reference: str, refusal: Refusal) -> bool:
        """Look for units for a visit that is refused; return whether it is to be admitted again.

        Not called inside a transaction.

        :raises famulus.UnavailableError: when the platform cannot be asked now.
        """
        capabilities = self.provider.capabilities
        if refusal.reason is not RefusalReason.NOTHING_LEFT or not capabilities.replaces_by_itself:
            return False
        now = self.database.clock()
        with self._mutex:
            self._requests += 1
            request, refused = self._requests, self._recall(reference, now)
            if refused.looked_at and not has_passed(now, refused.looked_at, _AGAIN):
                return False
        try:
            self._cover(request)
        except DatabaseUnavailableError:
            raise
        except UnavailableError:
            if has_passed(now, refused.first_at, _LONGEST_OUTAGE):
                return False
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; the refusal is shown
            self._log_failure(error)
            return False
        refused.looked_at = self.database.clock()
        return True

    def _recall(self, reference: str, now: datetime) -> _Refused:
        refused = self._refused.setdefault(reference, _Refused(now))
        self._refused.move_to_end(reference)
        if len(self._refused) > _REMEMBERED:
            self._refused.popitem(last=False)
        return refused

    def _cover(self, request: int) -> None:
        """Wait for a look that begins after a request has come, or look."""
        if not self._room.acquire(blocking=False):
            raise UnavailableError(f"{_MOST_WAITING} other workers wait for the platform")
        try:
            if not self._looking.acquire(timeout=_PATIENCE):
                raise UnavailableError("the platform does not say which visits have ended")
            try:
                if self._covered < request:
                    self._look()
            finally:
                self._looking.release()
        finally:
            self._room.release()

    def _look(self) -> None:
        now = self.database.clock()
        while self._began and has_passed(now, self._began[0], _IN):
            self._began.popleft()
        if len(self._began) >= _MOST_LOOKS:
            raise UnavailableError("the platform was asked too often which visits have ended")
        self._began.append(now)
        with self._mutex:
            requests = self._requests
        look_at_units(self.database, self.provider, self.run())
        self._covered, self._is_failure_logged = requests, False

    def _log_failure(self, error: BaseException) -> None:
        if not self._is_failure_logged:
            self._is_failure_logged = True
            _log.warning(
                "the platform %s cannot be asked for units whose visit has ended: %s",
                self.provider.type,
                reason(error),
            )
