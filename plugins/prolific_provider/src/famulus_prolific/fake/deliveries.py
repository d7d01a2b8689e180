"""Sending events to the targets of subscriptions, with retries, and switching them off."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from famulus_prolific.fake.iso import iso
from famulus_prolific.fake.records import Event
from famulus_prolific.fake.state import State
from famulus_prolific.fake.timings import DISABLED_AFTER, FIRST_RETRY, RETRIES

_SECONDS = 5
_SUCCESSES = range(200, 300)
#: between two looks at what is due, where events are sent by themselves
_PAUSE = 0.05
Turn = Callable[[], AbstractContextManager[State]]
#: sends a body with headers to an address, and returns the status of the reply; raises ``OSError``
#: or ``HTTPException`` where there is none
Post = Callable[[str, bytes, Mapping[str, str]], int]


def post_over_http(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Send a body with headers to an address; return the status of the reply."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.netloc, timeout=_SECONDS)
    try:
        path = parts._replace(scheme="", netloc="").geturl()
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()


class Deliveries:
    """Sends the events that are due: at each :meth:`deliver`, or by itself once started."""

    def __init__(self, state: State, turn: Turn) -> None:
        self._state = state
        self._turn = turn
        #: the time that requests are signed with; None: that of the fake. Where its clock alone is
        #: moved, the targets go by another one, and refuse a time that is far from theirs.
        self.targets_clock: Callable[[], datetime] | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        #: set once an event has arrived
        self.arrived = threading.Event()
        #: how often each event is sent, although it arrives
        self.copies = 1
        #: whether the newest event is sent first
        self.newest_first = False
        #: carries events; another one can lead to targets that no network leads to
        self.post: Post = post_over_http

    def start(self) -> None:
        """Send events by themselves until the fake ends."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="fake-prolific-webhooks")
            self._thread.start()

    def stop(self) -> None:
        """Send nothing more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def deliver(self) -> int:
        """Send everything that is due; return how many events have arrived."""
        with self._turn() as state:
            due = [
                one for one in state.events if one.next_at is not None and one.next_at <= state.now
            ]
        if self.newest_first:
            due.reverse()
        return sum(self._deliver(one) for one in due)

    def _run(self) -> None:
        while not self._stopping.wait(_PAUSE):
            self.deliver()

    def _deliver(self, event: Event) -> bool:
        with self._turn() as state:
            current = state.subscriptions.get(event.subscription.id)
            if current is None or not current.is_enabled or event.next_at is None:
                event.next_at = None
                return False
            secret = state.secrets[event.subscription.workspace_id].value
            now = state.now if self.targets_clock is None else self.targets_clock()
        # Outside of the lock: the target may call the API before it answers.
        sent = [self._send(event, secret, int(now.timestamp())) for _ in range(self.copies)]
        with self._turn():
            self._record(event, arrived=all(sent))
        return all(sent)

    def _send(self, event: Event, secret: str, now: int) -> bool:
        body = json.dumps(dict(event.payload)).encode()
        signed = hmac.new(secret.encode(), str(now).encode() + body, hashlib.sha256).digest()
        seconds = self._state.facts.event_times == "seconds"
        headers = {
            "Content-Type": "application/json",
            "X-Prolific-Request-Timestamp": str(now),
            "X-Prolific-Request-Signature": base64.b64encode(signed).decode(),
            "X-Event-ID": event.id,
            "X-Timestamp": str(int(event.at.timestamp())) if seconds else str(iso(event.at)),
        }
        try:
            return self.post(event.subscription.target_url, body, headers) in _SUCCESSES
        except (OSError, HTTPException):
            return False

    def _record(self, event: Event, *, arrived: bool) -> None:
        now, subscription = self._state.now, event.subscription
        event.attempts += 1
        if arrived:
            self.arrived.set()
            event.status, event.next_at, subscription.failing_since = "SUCCEEDED", None, None
            return
        event.status = "FAILED"
        event.next_at = now + self._pause(event.attempts) if event.attempts <= RETRIES else None
        subscription.failing_since = subscription.failing_since or now
        if now - subscription.failing_since >= DISABLED_AFTER:
            subscription.is_enabled = False

    def _pause(self, attempts: int) -> timedelta:
        """Return the pause before the next attempt, varied at random by up to a tenth."""
        jitter = self._state.random.uniform(0.9, 1.1)
        pause: timedelta = FIRST_RETRY * 2 ** (attempts - 1) * jitter
        return pause
