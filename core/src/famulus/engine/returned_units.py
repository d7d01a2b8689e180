"""The search for units whose visit has ended on the platform, made when a worker finds none.

A platform that refills places by itself sends the next worker at once, perhaps before a sync has
read that the earlier visit has ended. Without the search that worker would get no unit.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import datetime, timedelta

from attrs import define, field

from famulus.clock import has_passed
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import RunView
from famulus.contracts.views import Refusal, RefusalReason
from famulus.errors import UnavailableError, reason
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError

_log = logging.getLogger(__name__)

_NO_UNIT_FREE = (RefusalReason.NOTHING_LEFT, RefusalReason.RUN_COMPLETE)
#: Looks of one process: so many at once, and then one in each pause, so that a minute has ten at
#: most, and a worker who comes after the first ones waits for one pause rather than for a minute.
_AT_ONCE, _PAUSE = 4, timedelta(seconds=10)
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
    #: the number of its first request: a look that begins after that one covers the visit
    request: int
    #: when a look has ended that covers it
    looked_at: datetime | None = None


@define(eq=False, kw_only=True)
class ReturnedUnits:
    """Asks the platform of one run about the visits that hold its units. Used by many threads.

    One look covers all workers who came before it began; workers who come during it share the next
    one. So two looks are enough for many workers who come at once. A look has a thread of its own:
    a worker for whom it takes too long uses its result when they try again.
    """

    database: Database
    provider: Provider
    #: returns the run as it is now
    run: Callable[[], RunView]
    _mutex: threading.Lock = field(factory=threading.Lock, init=False)
    _refused: OrderedDict[str, _Refused] = field(factory=OrderedDict, init=False)
    _requests: int = field(default=0, init=False)
    #: requests up to this one were covered by a look
    _covered: int = field(default=0, init=False)
    #: the newest look, which may have ended
    _look: Future[None] | None = field(default=None, init=False)
    #: when looks without a break would have reached the one after the newest
    _next_at: datetime | None = field(default=None, init=False)
    _room: threading.Semaphore = field(
        factory=lambda: threading.Semaphore(_MOST_WAITING), init=False
    )
    _is_failure_logged: bool = field(default=False, init=False)

    def look_for(self, reference: str, refusal: Refusal) -> bool:
        """Look for units for a refused visit; return whether to try its admission again.

        Must not be called inside a transaction.

        :raises famulus.UnavailableError: when the platform cannot be asked now.
        """
        capabilities = self.provider.capabilities
        if refusal.reason not in _NO_UNIT_FREE or not capabilities.replaces_by_itself:
            return False
        now = self.database.clock()
        refused = self._recall(reference, now)
        if refused.looked_at is not None:
            return False
        try:
            self._cover(refused.request)
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
        """Return the record of a refused visit, or a new one if its last look is too long ago."""
        with self._mutex:
            found = self._refused.get(reference)
            if found is None or (found.looked_at and has_passed(now, found.looked_at, _AGAIN)):
                self._requests += 1
                found = self._refused[reference] = _Refused(now, self._requests)
            self._refused.move_to_end(reference)
            if len(self._refused) > _REMEMBERED:
                self._refused.popitem(last=False)
            return found

    def _cover(self, request: int) -> None:
        """Wait for the end of a look at the platform that began after the request."""
        if self._covered >= request:
            return
        if not self._room.acquire(blocking=False):
            raise UnavailableError(f"{_MOST_WAITING} other workers wait for the platform")
        try:
            until = time.monotonic() + _PATIENCE
            while (look := self._look_covering(request)) is not None:
                wait([look], until - time.monotonic())
                if not look.done():
                    raise UnavailableError("the platform does not say which visits have ended")
                look.result()
        finally:
            self._room.release()

    def _look_covering(self, request: int) -> Future[None] | None:
        """Return the look to wait for, beginning one if none runs; None for a covered request."""
        with self._mutex:
            if self._covered >= request:
                return None
            if self._look is None or self._look.done():
                self._look = self._begin()
            return self._look

    def _begin(self) -> Future[None]:
        now = self.database.clock()
        latest = now + _AT_ONCE * _PAUSE
        # It is later than that where the clock was set back.
        due = max(self._next_at, now) if self._next_at and self._next_at <= latest else now
        if due > latest - _PAUSE:
            raise UnavailableError("the platform was asked too often which visits have ended")
        look: Future[None] = Future()
        thread = threading.Thread(
            target=self._ask, args=(self._requests, look), name="famulus-look", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the process may have no more threads now
            raise UnavailableError(f"no thread can be started: {error}") from error
        self._next_at = due + _PAUSE
        return look

    def _ask(self, requests: int, look: Future[None]) -> None:
        try:
            # Payments and places come with it, of which a server needs nothing else.
            from famulus.engine.platform.visit_sync import look_at_units

            look_at_units(self.database, self.provider, self.run())
        except BaseException as error:  # noqa: BLE001 - raised again by the threads that wait
            look.set_exception(error)
        else:
            self._covered, self._is_failure_logged = requests, False
            look.set_result(None)

    def _log_failure(self, error: BaseException) -> None:
        if not self._is_failure_logged:
            self._is_failure_logged = True
            _log.warning(
                "the platform %s cannot be asked for units whose visit has ended: %s",
                self.provider.type,
                reason(error),
            )
