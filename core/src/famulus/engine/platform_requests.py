"""Requests that a platform sends by itself: verified by the provider, and kept as hints to sync."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import Future, wait

from famulus.contracts.provider import Provider
from famulus.contracts.receiving import PlatformRequest, Received, Unverified
from famulus.contracts.views import Reply
from famulus.engine.outbox.retry_pause import pause_after
from famulus.engine.platform.sync_requests import request_sync
from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError, Outage
from famulus.model.transaction import Transaction

_log = logging.getLogger(__name__)

#: The largest body. Platforms send names and statuses, and no data.
MOST_BYTES = 64 * 1024
#: Calls of a provider at the same time, those that hang included.
_MOST_CALLS = 4
#: Seconds that a call may take, and that a request waits for the calls before it.
_PATIENCE = 5.0
_ROOM_SECONDS = 0.5
#: The failures for which a platform is asked to pause, where nothing else is known.
_FAILURES = 3
_TEXT = "text/plain; charset=utf-8"


class PlatformRequests:
    """Answers the requests of one run's platform. Used by many threads.

    A call to the provider that hangs is abandoned, so that it takes no thread from workers.
    """

    def __init__(self, database: Database, run_id: int, provider: Provider) -> None:
        self._database = database
        self._run_id = run_id
        self._provider = provider
        self._outage = Outage(f"receive() of {provider.type!r} for run {run_id}")
        self._room = threading.Semaphore(_MOST_CALLS)
        #: calls that have taken too long
        self._late: list[Future[Received | Unverified]] = []
        self._is_unverified_logged = False

    def answer(self, provider_type: str, request: PlatformRequest) -> Reply:
        """Have the provider verify a request, store what it names, and return the reply.

        :param provider_type: the provider's type in the request's URL.
        """
        provider = self._provider
        if provider_type != provider.type or not provider.capabilities.receives:
            return _reply(404, "No platform sends anything to this address.")
        if len(request.body) > MOST_BYTES:
            return _reply(413, f"The body may have {MOST_BYTES:,} bytes.")
        try:
            reply = self._answer(request)
        except UnavailableError as error:
            if not isinstance(error, DatabaseUnavailableError):
                self._outage.failed(error)
            pause = pause_after(_FAILURES, error.retry_after).total_seconds()
            return _reply(503, "Not now; try again.", {"Retry-After": f"{pause:.0f}"})
        except (Exception, SystemExit):  # noqa: BLE001 - third-party code; the platform tries again
            _log.exception("run %d: %s.receive failed", self._run_id, provider.type)
            return _reply(500, "Something went wrong here.")
        self._outage.passed()
        return reply

    def _answer(self, request: PlatformRequest) -> Reply:
        received = self._ask(request)
        if isinstance(received, Unverified):
            self._log_unverified(received)
            return _reply(403, "The request is not verified.")
        if not isinstance(received, Received):
            raise TypeError(f"receive returned {received!r}, not Received or Unverified")
        self._is_unverified_logged = False
        if received.runs or received.references:

            def store(tx: Transaction) -> None:
                request_sync(
                    tx, self._provider.type, runs=received.runs, references=received.references
                )

            self._database.write(store)
        return received.reply

    def _ask(self, request: PlatformRequest) -> Received | Unverified:
        """Call the provider in a thread of its own.

        :raises famulus.UnavailableError: when the call, or too many earlier ones, do not return.
        """
        self._late = [each for each in self._late if not each.done()]
        seconds = 0 if len(self._late) >= _MOST_CALLS else _ROOM_SECONDS
        if not self._room.acquire(timeout=seconds):
            raise UnavailableError(f"{_MOST_CALLS} earlier calls have not returned")
        call: Future[Received | Unverified] = Future()
        thread = threading.Thread(
            target=self._call, args=(request, call), name="famulus-receive", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the process may have no more threads now
            self._room.release()
            raise UnavailableError(f"no thread can be started: {error}") from error
        wait([call], _PATIENCE)
        if not call.done():
            self._late = [*self._late, call]
            raise UnavailableError(f"it has not returned within {_PATIENCE:g} seconds")
        return call.result()

    def _call(self, request: PlatformRequest, call: Future[Received | Unverified]) -> None:
        try:
            result = self._provider.receive(request)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            call.set_exception(error)
        else:
            call.set_result(result)
        finally:
            self._room.release()

    def _log_unverified(self, received: Unverified) -> None:
        """Log why a request was refused, once until a request is verified: anyone can send one."""
        if not self._is_unverified_logged:
            self._is_unverified_logged = True
            _log.warning(
                "run %d: a request to %s is not verified (403): %s",
                self._run_id,
                self._provider.type,
                received.note,
            )


def _reply(status: int, body: str, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status=status, body=body, content_type=_TEXT, headers=headers or {})
