"""The two most frequent requests, answered without Flask.

For a page or a submission, Flask and a general form parser cost more than the rest of this package,
and a commit costs more than all of it. So both kinds of request go directly to the gateway, which
answers all complete ones in one transaction: on the event loop, or in a thread with one round trip
to a database server. Unusual requests are left to the application.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from famulus_flask.answers import prefers_json
from famulus_flask.forms import plain_form
from famulus_flask.serving.batch import THREADS, Batch
from famulus_flask.serving.pool import ThreadPool

if TYPE_CHECKING:
    from famulus import Reply, StartedRequest
    from famulus_flask.application import Application
    from famulus_flask.serving.body import Body
    from famulus_flask.serving.heads import Head

_log = logging.getLogger(__name__)

_PLAIN_KIND = re.compile(rb"multipart/form-data; ?boundary=([0-9A-Za-z_-]{1,70})")
#: What a query holds where its text is not what it means.
_ENCODED = re.compile(r"[%+\x80-\xff]")
#: Headers ``Accept`` whose meaning is kept: browsers send a few.
_KEPT_PREFERENCES = 64
#: After a transaction that took too long, threads get the requests for so many times as long.
_REST = 4


class FastPath:
    """Answers plain requests for one application, unless something was added to it.

    :param patience: seconds in which a transaction is expected to end, since the event loop or
        other requests wait for it. After a longer transaction, requests are left to the application
        for a while.
    :param senders: returns the number of open connections.
    """

    def __init__(
        self,
        application: Application,
        loop: asyncio.AbstractEventLoop,
        patience: float,
        senders: Callable[[], int],
    ) -> None:
        self._application = application
        self._loop = loop
        self._patience = patience
        self._resting_until = -math.inf
        self._gateway = application.answers.gateway
        self._limits = application.answers.limits
        self._prefers_json = lru_cache(_KEPT_PREFERENCES)(prefers_json)
        self._pool = (
            ThreadPool(
                loop, threads=THREADS, queue_length=0, patience=patience, name="famulus-batch"
            )
            if self._gateway.waits_for_server
            else None
        )
        self._batch: Batch[StartedRequest, Reply] = Batch(loop, self._answer, senders, self._pool)

    @property
    def has_requests(self) -> bool:
        """Whether a request waits for its reply."""
        return len(self._batch) > 0

    def give_up_late(self) -> None:
        """Leave waiting requests to the application if those before them take too long."""
        now = self._loop.time()
        if self._batch.give_up(now - self._patience):
            self._resting_until = now + _REST * self._patience

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.close()

    def take(self, head: Head, body: Body, done: Callable[[Reply | None], None]) -> bool:
        """Start to answer a request that has arrived completely.

        The reply is passed to ``done`` on the event loop; None if the request turns out to be
        unusual.

        :returns: False for a request that is left to the application.
        """
        try:
            started = self._begin(head, body)
        except Exception as error:  # noqa: BLE001 - the application meets it again and answers
            _log.error("a request is answered by the application", exc_info=error)
            return False
        if started is None:
            return False
        self._batch.add(started, done)
        return True

    def _begin(self, head: Head, body: Body) -> StartedRequest | None:
        # A header that comes twice has both values for the application.
        is_plain = len(head.headers) == len(head.fields) and b"upgrade" not in head.headers
        if not is_plain or self._application.has_additions:
            return None
        if self._loop.time() < self._resting_until:
            return None
        match head.method, head.path:
            case "GET", "/":
                return self._begin_arrival(head) if head.announced == 0 else None
            case "POST", "/submit":
                return self._begin_submission(head, body)
        return None

    def _begin_arrival(self, head: Head) -> StartedRequest | None:
        query = _plain_query(head.query)
        if query is None:
            return None
        accepted = head.text(b"accept-language")
        return self._gateway.begin_arrival(query, accept_language=accepted)

    def _begin_submission(self, head: Head, body: Body) -> StartedRequest | None:
        kind = _PLAIN_KIND.fullmatch(head.headers.get(b"content-type", b""))
        data = body.in_memory()
        form = kind and data and plain_form(data, kind[1], self._limits)
        if not form:
            return None
        return self._gateway.begin_submission(
            form,
            as_json=self._prefers_json(head.text(b"accept")),
            accept_language=head.text(b"accept-language"),
        )

    def _answer(self, requests: Sequence[StartedRequest]) -> Sequence[Reply | None]:
        begun = self._loop.time()
        try:
            return self._gateway.answer_together(requests)
        finally:
            ended = self._loop.time()
            if ended - begun > self._patience:
                self._resting_until = ended + _REST * (ended - begun)


def _plain_query(encoded: str) -> dict[str, str] | None:
    """Return the first value of each name, or None when the query is not UTF-8."""
    pairs: Iterable[tuple[str, str]]
    if _ENCODED.search(encoded) is None:
        parts = (pair.partition("=") for pair in encoded.split("&") if pair)
        pairs = [(name, value) for name, _, value in parts]
    else:
        try:
            text = encoded.encode("latin-1").decode()
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
        except UnicodeError:
            return None
    query: dict[str, str] = {}
    for name, value in pairs:
        query.setdefault(name, value)
    return query
