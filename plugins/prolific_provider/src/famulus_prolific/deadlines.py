"""A deadline for a whole call: httpx limits each read and write, and there may be many of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx
from attrs import define, field

if TYPE_CHECKING:
    import ssl

#: Bytes of a request that are sent at a time: a peer may read them slowly.
_PIECE = 16_384


#: The number of connections that are kept for later calls, and for how many seconds.
_KEPT = 20
_KEPT_SECONDS = 5
_MOST_CONNECTIONS = 100
_FAILURES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


@define(eq=False)
class DeadlineTransport(httpx.BaseTransport):
    """Sends requests, each limited to ``seconds`` until the last byte of its reply.

    Uses the proxy that the environment names for an address, like httpx's own transport.
    """

    seconds: float
    _deadlines: Deadlines
    _pool: httpcore.ConnectionPool

    @classmethod
    def to(cls, url: str, context: ssl.SSLContext, seconds: float) -> DeadlineTransport:
        """Return a transport for the requests to one host.

        :raises ValueError: when the address of the environment's proxy cannot be parsed.
        """
        deadlines = Deadlines()
        pool = httpcore.ConnectionPool(
            ssl_context=context,
            proxy=_environment_proxy(url),
            max_connections=_MOST_CONNECTIONS,
            max_keepalive_connections=_KEPT,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=deadlines,
        )
        return cls(seconds, deadlines, pool)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and read the whole reply."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        assert isinstance(request.stream, httpx.SyncByteStream)
        sent = httpcore.Request(
            request.method,
            url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _errors_of_httpx(), self._deadlines.call(self.seconds):
            response = self._pool.handle_request(sent)
            try:
                response.read()
            finally:
                response.close()
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=httpx.ByteStream(response.content),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


def _environment_proxy(url: str) -> httpcore.Proxy | None:
    parts = urlsplit(url)
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = httpx.Proxy(found if "://" in found else f"http://{found}")
    return httpcore.Proxy(str(proxy.url), auth=proxy.raw_auth, headers=proxy.headers.raw)


@contextmanager
def _errors_of_httpx() -> Iterator[None]:
    """Raise httpcore's errors as the httpx errors of the same names."""
    try:
        yield
    except _FAILURES as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error


class _Calls(threading.local):
    """The time at which the current call of this thread has to end; None outside of a call."""

    def __init__(self) -> None:
        self.until: float | None = None


@define(eq=False)
class Deadlines(httpcore.NetworkBackend):
    """Makes connections whose calls have a deadline each.

    These deadlines do not cover looking up host names: the system does that, with its own limit.
    """

    timer: Callable[[], float] = time.monotonic
    _calls: _Calls = field(factory=_Calls, init=False)
    _inner: httpcore.NetworkBackend = field(factory=httpcore.SyncBackend, init=False)

    @contextmanager
    def call(self, seconds: float) -> Iterator[None]:
        """Limit the total time in which this thread sends and reads within the block."""
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
