"""Accept connections, even at the limit of open files, and lose none when accepting ends."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

_log = logging.getLogger(__name__)

#: Connections that are accepted in one step of the event loop.
_MOST_AT_ONCE = 256


class Acceptor:
    """Accepts the connections to one socket, each for a protocol of its own.

    asyncio's server is not used: if no file can be opened, it logs an error for each connection
    that it would have accepted in one step; and when it closes, it drops connections that it has
    accepted but not handed on.

    :param listener: a socket that is bound.
    :param pause: seconds between a failed attempt and the next one.
    """

    def __init__(
        self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol], pause: float
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._protocol = protocol
        self._pause = pause
        self._resuming: asyncio.TimerHandle | None = None
        self._handing_on: set[asyncio.Task[None]] = set()
        self._has_failed = False

    def start(self, backlog: int) -> None:
        """Listen; ``backlog`` is how many connections may wait to be accepted."""
        self._listener.setblocking(False)
        self._listener.listen(backlog)
        self._resume()

    async def stop(self) -> None:
        """Close the socket, and return when every accepted connection has its protocol."""
        self._loop.remove_reader(self._listener)
        if self._resuming is not None:
            self._resuming.cancel()
        self._listener.close()
        if self._handing_on:
            await asyncio.wait(self._handing_on)

    def _resume(self) -> None:
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(_MOST_AT_ONCE):
            try:
                connection, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:  # by the client, before it was accepted
                continue
            except OSError as error:
                self._wait(error)
                return
            self._note_success()
            task = self._loop.create_task(self._hand_on(connection))
            self._handing_on.add(task)
            task.add_done_callback(self._handing_on.discard)

    async def _hand_on(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:  # the client has reset the connection
            connection.close()

    def _wait(self, error: OSError) -> None:
        """Leave new connections in the queue of the system for a while."""
        if not self._has_failed:
            self._has_failed = True
            _log.error("no connection can be accepted, new ones have to wait: %s", error)
        self._loop.remove_reader(self._listener)
        self._resuming = self._loop.call_later(self._pause, self._resume)

    def _note_success(self) -> None:
        if self._has_failed:
            self._has_failed = False
            _log.warning("connections are accepted again")
