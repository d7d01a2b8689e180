"""The server: one event loop with all connections, the threads and the deadlines."""

from __future__ import annotations

import asyncio
import heapq
import logging
import socket
from typing import TYPE_CHECKING

from famulus_flask.application import Application
from famulus_flask.serving.accepting import Acceptor
from famulus_flask.serving.connection import Connection
from famulus_flask.serving.disk import DiskFullError
from famulus_flask.serving.fast_path import FastPath
from famulus_flask.serving.heads import Head
from famulus_flask.serving.pool import ThreadPool
from famulus_flask.serving.replies import DateHeader
from famulus_flask.serving.settings import Settings
from famulus_flask.serving.site import Site
from famulus_flask.serving.wsgi_call import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = logging.getLogger(__name__)

_STOP_LOOK_SECONDS = 0.02
#: Of so many connections one is closed where there are too many. Finding them among thousands
#: takes milliseconds, in which no other request is served.
_CONNECTIONS_PER_CLOSED = 64


class Server:
    """Serves one application on one listening socket, on the running event loop."""

    def __init__(
        self, application: WSGIApplication, listener: socket.socket, settings: Settings
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._connections: set[Connection] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._is_disk_full = self._is_pool_full = False
        self.application = application
        self.settings = settings
        self.address = _address(listener)
        self.date_header = DateHeader()
        self.is_stopping = False
        ours = application if isinstance(application, Application) else None
        self.fast_path = (
            None
            if ours is None
            else FastPath(
                ours, self._loop, settings.transaction_seconds, lambda: len(self._connections)
            )
        )
        self.site = Site(
            None if ours is None else ours.answers,
            small_body=settings.small_body_bytes,
            keep_free=settings.min_free_bytes,
        )
        self.pool = ThreadPool(
            self._loop,
            threads=settings.threads,
            queue_length=settings.queue_length,
            patience=settings.queue_seconds,
        )

    async def serve_until(self, stopping: asyncio.Event, backlog: int) -> None:
        """Serve until the event is set; then give the requests under way a bounded time to end."""
        acceptor = Acceptor(
            self._listener, lambda: Connection(self), self.settings.accept_pause_seconds
        )
        acceptor.start(backlog)
        try:
            await stopping.wait()
        finally:
            await acceptor.stop()
            await self._stop()

    def time(self) -> float:
        """Return the time that deadlines refer to."""
        return self._loop.time()

    def health(self, head: Head) -> Response | None:
        """Return the reply to a health check, or None for any other request."""
        return self.site.health(head, is_busy=self.pool.is_busy)

    def add(self, connection: Connection) -> None:
        """Add a new connection; if there are too many, close some others or turn it away."""
        self._connections.add(connection)
        if len(self._connections) > self.settings.connections:
            others = (each for each in self._connections if each is not connection)
            replaceable = [each for each in others if each.may_be_replaced]
            if replaceable:
                count = max(1, self.settings.connections // _CONNECTIONS_PER_CLOSED)
                for each in heapq.nsmallest(count, replaceable, key=lambda each: each.deadline):
                    each.transport.abort()
            else:
                connection.turn_away()
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(self.settings.sweep_seconds, self._sweep)

    def remove(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self._connections.discard(connection)

    def note_full_disk(self, error: DiskFullError) -> None:
        """Log that uploads are refused; once, until one is accepted again."""
        if not self._is_disk_full:
            self._is_disk_full = True
            _log.error("uploads are refused with 503: %s", error)

    def note_room_on_disk(self) -> None:
        """Log that uploads are accepted again, if they were not."""
        if self._is_disk_full:
            self._is_disk_full = False
            _log.warning("uploads are accepted again")

    def note_full_pool(self) -> None:
        """Log that requests are refused; once, until a thread is free again."""
        if not self._is_pool_full:
            self._is_pool_full = True
            _log.error(
                "all %d threads have been busy for %g seconds; requests are refused with 503",
                self.settings.threads,
                self.settings.queue_seconds,
            )

    async def _stop(self) -> None:
        self.is_stopping = True
        end = self.time() + self.settings.stop_seconds
        for connection in list(self._connections):
            connection.stop()
        while self._is_at_work() and self.time() < end:
            await asyncio.sleep(_STOP_LOOK_SECONDS)
        for connection in list(self._connections):
            connection.transport.close()  # after the buffer was sent
        while self._connections and self.time() < end:
            await asyncio.sleep(_STOP_LOOK_SECONDS)
        for connection in list(self._connections):
            connection.transport.abort()
        while self._connections:
            await asyncio.sleep(0)
        self.pool.close()
        if self.fast_path is not None:
            self.fast_path.close()

    def _is_at_work(self) -> bool:
        """Return whether a request is under way, even if its client has left."""
        has_left = self.pool.has_jobs or (
            self.fast_path is not None and self.fast_path.has_requests
        )
        return has_left or any(each.is_busy for each in self._connections)

    def _sweep(self) -> None:
        now = self.time()
        self.pool.give_up_late_jobs()
        if self.fast_path is not None:
            self.fast_path.give_up_late()
        for connection in [each for each in self._connections if each.deadline <= now]:
            connection.expire()
        if self._is_pool_full and not self.pool.is_busy:
            self._is_pool_full = False
            _log.warning("threads are free again; requests are answered")
        self._sweeping = None
        if self._connections:
            self._sweeping = self._loop.call_later(self.settings.sweep_seconds, self._sweep)


def _address(listener: socket.socket) -> tuple[str, str]:
    name = listener.getsockname()
    return (str(name[0]), str(name[1])) if isinstance(name, tuple) else ("localhost", "0")
