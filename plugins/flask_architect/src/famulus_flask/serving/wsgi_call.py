"""Call a WSGI application with a complete request."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

from attrs import define, frozen

from famulus_flask.answers import RECEIVED
from famulus_flask.serving.heads import Head

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

#: Of a long reply, this much is fetched from the application at a time.
_PIECE_BYTES = 256 * 1024
_SKIPPED = frozenset((b"content-length", b"transfer-encoding", b"expect", b"proxy"))
#: Those that concern one connection are the server's own.
_CONNECTION_HEADERS = frozenset(("connection", "keep-alive", "transfer-encoding", "date"))

Headers = list[tuple[str, str]]


@frozen(kw_only=True)
class Addresses:
    """The addresses of a connection that WSGI variables hold."""

    server: tuple[str, str]
    client: str


@define(eq=False)
class Response:
    """An application's reply: its beginning, and the rest if there is more."""

    status: str
    headers: Headers
    beginning: bytes
    rest: RemainingBody | None = None


class RemainingBody:
    """The part of a reply that the application has not returned yet."""

    def __init__(self, pieces: Iterator[bytes], close: Callable[[], None]) -> None:
        self._pieces = pieces
        self._close = close

    def fetch(self) -> tuple[bytes, bool]:
        """Return the next bytes, and whether there may be more. Runs third-party code."""
        found: list[bytes] = []
        size = 0
        for piece in self._pieces:
            found.append(piece)
            size += len(piece)
            if size >= _PIECE_BYTES:
                return b"".join(found), True
        self.close()
        return b"".join(found), False

    def close(self) -> None:
        """Have the application clean up, once. Runs third-party code."""
        close, self._close = self._close, _do_nothing
        close()


def call_application(application: WSGIApplication, environ: WSGIEnvironment) -> Response:
    """Return the application's reply. Runs third-party code, and raises its exceptions."""
    started: list[tuple[str, Headers]] = []
    written: list[bytes] = []

    def start_response(
        status: str, headers: Headers, _exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        started.append((status, headers))
        return written.append

    pieces = application(environ, start_response)
    rest = RemainingBody(iter(pieces), getattr(pieces, "close", _do_nothing))
    try:
        beginning, has_more = rest.fetch()
        status, headers = started[-1]
        kept = [pair for pair in headers if pair[0].lower() not in _CONNECTION_HEADERS]
        response = Response(status, kept, b"".join(written) + beginning)
    except BaseException:
        rest.close()
        raise
    response.rest = rest if has_more else None
    return response


def make_environ(head: Head, body: IO[bytes], size: int, addresses: Addresses) -> WSGIEnvironment:
    """Return the variables of a request whose body is complete."""
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": head.path,
        "QUERY_STRING": head.query,
        "SERVER_NAME": addresses.server[0],
        "SERVER_PORT": addresses.server[1],
        "SERVER_PROTOCOL": f"HTTP/{head.version}",
        "REMOTE_ADDR": addresses.client,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        RECEIVED: True,
    }
    if head.announced != 0 or b"content-length" in head.headers:
        environ["CONTENT_LENGTH"] = str(size)
    for name, value in head.fields:
        # An underscore would make X_Name and X-Name the same variable.
        if name not in _SKIPPED and b"_" not in name:
            _add_header(environ, name.decode("latin-1"), value.decode("latin-1"))
    return environ


def _add_header(environ: WSGIEnvironment, name: str, value: str) -> None:
    key = name.upper().replace("-", "_")
    if key != "CONTENT_TYPE":
        key = f"HTTP_{key}"
    if key in environ:
        separator = "; " if key == "HTTP_COOKIE" else ","
        value = f"{environ[key]}{separator}{value}"
    environ[key] = value


def _do_nothing() -> None:
    """Do nothing."""
