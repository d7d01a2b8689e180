"""Requests of a few turns of the event loop, answered together in one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_log = logging.getLogger(__name__)

#: Requests that share a transaction. Others wait for it as long as it takes.
_MOST_TOGETHER = 64


class Batch(Generic[T, R]):
    """Collects requests until a turn of the event loop brings no new one.

    The transaction of many requests costs little more than that of one, and waiting for the next
    turn takes microseconds: no request waits for a timer.

    :param answer: returns one reply for each request, or None for one that it does not answer.
        It is called on the event loop.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, answer: Callable[[Sequence[T]], Sequence[R | None]]
    ) -> None:
        self._loop = loop
        self._answer = answer
        self._waiting: list[tuple[T, Callable[[R | None], None]]] = []
        self._seen = 0

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._waiting)

    def add(self, request: T, done: Callable[[R | None], None]) -> None:
        """Answer a request soon; ``done`` is called on the event loop with its reply."""
        if not self._waiting:
            self._seen = 0
            self._loop.call_soon(self._take_turn)
        self._waiting.append((request, done))

    def _take_turn(self) -> None:
        count = len(self._waiting)
        if self._seen < count < _MOST_TOGETHER:
            self._seen = count
            self._loop.call_soon(self._take_turn)
            return
        taken, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
        if self._waiting:
            self._seen = 0
            self._loop.call_soon(self._take_turn)
        requests = [request for request, _ in taken]
        for (_, done), reply in zip(taken, self._replies(requests), strict=True):
            done(reply)

    def _replies(self, requests: Sequence[T]) -> Sequence[R | None]:
        try:
            return self._answer(requests)
        except Exception as error:  # noqa: BLE001 - each request meets it again where it is its own
            # A repeated request has the same answer, whether or not the transaction was committed.
            _log.error("%d requests are answered one by one", len(requests), exc_info=error)
            return [None] * len(requests)
