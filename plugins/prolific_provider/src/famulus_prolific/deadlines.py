"""A deadline for a whole call: httpx limits each read and write, and there may be many of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpcore
import httpx
from attrs import define, field

if TYPE_CHECKING:
    import ssl

#: Bytes of a request that are sent at a time: a peer may read them slowly.
_PIECE = 16_384


class _Calls(threading.local):
    """When the call of this thread is to end; None outside of a call."""

    def __init__(self) -> None:
        self.until: float | None = None


@define(eq=False)
class Deadlines(httpcore.NetworkBackend):
    """Makes the connections of a client, whose calls have a deadline each.

    Looking a host up is up to the system, and has its own.
    """

    timer: Callable[[], float] = time.monotonic
    _calls: _Calls = field(factory=_Calls, init=False)
    _inner: httpcore.NetworkBackend = field(factory=httpcore.SyncBackend, init=False)

    def limit(self, client: httpx.Client) -> None:
        """Have a client, which has made no call yet, connect by this, also to its proxies."""
        # httpx has no option for it. Each proxy of the environment has a transport of its own.
        for transport in (client._transport, *client._mounts.values()):
            if isinstance(transport, httpx.HTTPTransport):
                transport._pool._network_backend = self

    @contextmanager
    def call(self, seconds: float) -> Iterator[None]:
        """Make calls of this thread that end in so many seconds, all together."""
        self._calls.until = self.timer() + seconds
        try:
            yield
        finally:
            self._calls.until = None

    def left(self, timeout: float | None, late: type[Exception]) -> float | None:
        """Return the seconds that a step of the call may take.

        :param late: the exception that is raised when no time is left.
        """
        if self._calls.until is None:
            return timeout
        left = self._calls.until - self.timer()
        if left <= 0:
            raise late("the call took too long")
        return left if timeout is None else min(left, timeout)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to a host."""
        left = self.left(timeout, httpcore.ConnectTimeout)
        stream = self._inner.connect_tcp(host, port, left, local_address, socket_options)
        return _Stream(stream, self)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        """Connect to a socket of this machine."""
        left = self.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_unix_socket(path, left, socket_options), self)

    def sleep(self, seconds: float) -> None:
        """Wait before another attempt to connect."""
        self._inner.sleep(self.left(seconds, httpcore.ConnectTimeout) or 0)


@define(eq=False)
class _Stream(httpcore.NetworkStream):
    _inner: httpcore.NetworkStream
    _deadlines: Deadlines

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadlines.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for first in range(0, len(buffer), _PIECE):
            left = self._deadlines.left(timeout, httpcore.WriteTimeout)
            self._inner.write(buffer[first : first + _PIECE], left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadlines.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadlines)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
