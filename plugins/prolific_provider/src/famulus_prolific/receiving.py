"""Requests that Prolific sends by itself: their signature, and the studies that they name."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import define, field

from famulus import PlatformRequest, Received, Unverified

if TYPE_CHECKING:
    from famulus import Clock

_SIGNATURE = "x-prolific-request-signature"
_TIME = "x-prolific-request-timestamp"
#: Prolific repeats a request for 24 hours. Whether each attempt is signed again is not documented.
_LONGEST_DELAY = timedelta(hours=26)
#: How far the clock that signs requests may be ahead of this one.
_FUTURE = timedelta(minutes=10)
#: How long the secret is not read again for requests that do not match it: any sender can
#: make some.
_READ_AGAIN = timedelta(minutes=1)


@define(eq=False, kw_only=True)
class Receiver:
    """Verifies requests, by the secret of the workspace. Threads share it.

    A request only names what has to be read again, so no record of requests is needed to detect
    repeated ones. A request for another run or program of the workspace names an unknown study.
    """

    clock: Clock
    #: returns the secret, or None; may call Prolific
    secret: Callable[[], str | None]
    #: returns the runs of studies, as far as they are of this database
    runs_of: Callable[[Sequence[str]], Mapping[str, int]]
    _known: str | None = field(default=None, init=False)
    _read_at: datetime = field(default=datetime.min.replace(tzinfo=UTC), init=False)
    _reading: threading.Lock = field(factory=threading.Lock, init=False)

    def receive(self, request: PlatformRequest) -> Received | Unverified:
        """Verify a request, and return what it is about.

        :raises famulus.UnavailableError: when the secret is not known here and cannot be read.
        """
        at, given = request.headers.get(_TIME, ""), request.headers.get(_SIGNATURE, "")
        if not self._is_signed(at, given, request.body):
            return Unverified(note="the signature does not match the body")
        late = self._lateness(at)
        if late is None or not -_FUTURE <= late <= _LONGEST_DELAY:
            return Unverified(note=f"it was signed at {at!r}, which is too long ago or no time")
        return self._subject(request.body)

    def _is_signed(self, at: str, given: str, body: bytes) -> bool:
        if not at or not given:
            return False
        known = self._known
        if known is not None and _matches(known, at, given, body):
            return True
        found = self._read(known)
        return found is not None and _matches(found, at, given, body)

    def _read(self, known: str | None) -> str | None:
        """Return a secret that may differ from ``known``; None if it was read too recently."""
        with self._reading:
            now = self.clock()
            if self._known is not known:
                return self._known
            # The clock may have been set back.
            if abs(now - self._read_at) < _READ_AGAIN:
                return None
            self._read_at = now
            self._known = self.secret()
            return self._known

    def _lateness(self, at: str) -> timedelta | None:
        try:
            return self.clock() - datetime.fromtimestamp(float(at), UTC)
        except (ValueError, OverflowError, OSError):
            return None

    def _subject(self, body: bytes) -> Received:
        try:
            event: Any = json.loads(body)
            kind, resource = str(event["event_type"]), str(event["resource_id"])
        except (ValueError, KeyError, TypeError):
            return Received()
        if kind.startswith("submission."):
            return Received(references=(resource,))
        return Received(runs=(*self.runs_of([resource]).values(),))


def _matches(secret: str, at: str, given: str, body: bytes) -> bool:
    signed = at.encode(errors="replace") + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest), given.strip().encode(errors="replace"))
