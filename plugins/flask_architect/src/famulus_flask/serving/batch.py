"""Requests of a few turns of the event loop, answered together in one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from famulus_flask.serving.pool import ThreadPool

T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger(__name__)

#: Requests that are answered together. Others wait for them as long as it takes.
_MOST_TOGETHER = 64
#: Groups of requests that threads answer at the same time: one is sent while another is awaited.
THREADS = 2


class Batch(Generic[T, R]):
    """Collects requests until a turn of the event loop brings no new one, or every sender has one.

    The transaction of many requests costs little more than that of one, and waiting for the next
    turn takes microseconds: no request waits for a timer.

    :param answer: returns one reply for each request, or None for one that it does not answer.
    :param senders: returns the number of open connections, each of which has one request here at a
        time.
    :param pool: has :data:`THREADS` threads that call ``answer``; None calls it on the event loop.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        answer: Callable[[Sequence[T]], Sequence[R | None]],
        senders: Callable[[], int],
        pool: ThreadPool | None = None,
    ) -> None:
        self._loop = loop
        self._answer = answer
        self._senders = senders
        self._pool = pool
        self._waiting: deque[tuple[T, Callable[[R | None], None], float]] = deque()
        self._is_collecting = False
        self._seen = 0
        self._under_way = 0

    def __len__(self) -> int:
        """Return how many requests wait or are being answered."""
        return len(self._waiting) + self._under_way

    def add(self, request: T, done: Callable[[R | None], None]) -> None:
        """Answer a request soon; ``done`` is called on the event loop with its reply."""
        self._waiting.append((request, done, self._loop.time()))
        self._collect()

    def give_up(self, since: float) -> bool:
        """Answer None to requests that wait since ``since`` or longer; return whether any did."""
        is_late = False
        while self._waiting and self._waiting[0][2] <= since:
            is_late = True
            _send(self._waiting.popleft()[1], None)
        return is_late

    def _collect(self) -> None:
        has_room = self._pool is None or not self._pool.is_busy
        if self._waiting and has_room and not self._is_collecting:
            self._is_collecting = True
            self._seen = 0
            self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        count = len(self._waiting)
        if self._seen < count < min(_MOST_TOGETHER, self._senders()):
            self._seen = count
            self._loop.call_soon(self._take_turn)
            return
        self._is_collecting = False
        if not count:
            return
        taken = [self._waiting.popleft() for _ in range(min(count, _MOST_TOGETHER))]
        requests = [request for request, _, _ in taken]
        done = [each for _, each, _ in taken]
        self._under_way += len(taken)
        if self._pool is None:
            self._collect()
            self._finish(done, self._replies(requests))
        else:
            self._pool.submit(partial(self._replies, requests), partial(self._finish, done))
            self._collect()

    def _finish(self, done: Sequence[Callable[[R | None], None]], replies: Any) -> None:
        self._under_way -= len(done)
        if isinstance(replies, BaseException):
            replies = [None] * len(done)
        self._collect()
        for each, reply in zip(done, replies, strict=True):
            _send(each, reply)

    def _replies(self, requests: Sequence[T]) -> Sequence[R | None]:
        try:
            return self._answer(requests)
        except Exception as error:  # noqa: BLE001 - each request meets it again where it is its own
            # A repeated request has the same answer, whether or not the transaction was committed.
            _log.error("%d requests are answered one by one", len(requests), exc_info=error)
            return [None] * len(requests)


def _send(done: Callable[[R | None], None], reply: R | None) -> None:
    try:
        done(reply)
    except Exception:  # noqa: BLE001 - logged; the others are answered
        _log.exception("a reply cannot be sent; those of the others are")
