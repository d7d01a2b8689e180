"""A program of the author's own that serves a run, for architects that start nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

from attrs import field, frozen
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from famulus import Gateway
from famulus_flask import create_app


def _bound() -> socket.socket:
    # No other process gets the port before it is listened on.
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


@frozen
class OutsideServer:
    """An address that refuses connections until a gateway is served there; close it at the end."""

    _socket: socket.socket = field(factory=_bound, init=False)

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"http://localhost:{self._socket.getsockname()[1]}/words"

    def close(self) -> None:
        """Free the port."""
        self._socket.close()

    @contextlib.contextmanager
    def serving(self, gateway: Gateway, url: str) -> Iterator[None]:
        """Mount the gateway below the path of its address, and serve it with a thread."""
        path = urlsplit(url).path.rstrip("/")
        site = DispatcherMiddleware(lambda *_: [], {path: create_app(gateway).wsgi_app})
        self._socket.listen(128)
        server = make_server("127.0.0.1", 0, site, threaded=True, fd=self._socket.fileno())
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
