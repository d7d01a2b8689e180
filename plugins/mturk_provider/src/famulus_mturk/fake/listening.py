"""A threaded HTTP server, optionally with TLS, that closes its connections when it ends."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from famulus_mturk.fake.certificate import Certificate


class Handler(BaseHTTPRequestHandler):
    """Keeps connections open, sends a reply in one piece, and logs nothing."""

    protocol_version = "HTTP/1.1"
    # Head and body in two packets would wait for the other side's delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""

    def do_GET(self) -> None:
        self.get()

    def do_POST(self) -> None:
        self.post()

    def get(self) -> None:
        """Answer a GET."""
        self.send(HTTPStatus.NOT_FOUND, "text/plain", "Nothing can be read here.\n")

    def post(self) -> None:
        """Answer a POST."""
        self.send(HTTPStatus.NOT_FOUND, "text/plain", "Nothing can be posted here.\n")

    def send(
        self, status: HTTPStatus, kind: str, body: str, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Send a reply."""
        data = body.encode()
        self.send_response(status)
        always = (("Content-Type", kind), ("Content-Length", str(len(data))))
        for name, value in (*always, ("Cache-Control", "no-store"), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def body(self) -> bytes:
        """Return the body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))


class Listener(ThreadingHTTPServer):
    """Listens as soon as it is made; ``origin`` is its address."""

    daemon_threads = False
    block_on_close = True
    #: seconds until the thread that serves looks whether it is to end, where it cannot be woken
    timeout = 1.0

    def __init__(
        self,
        handler: type[BaseHTTPRequestHandler],
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        certificate: Certificate | None = None,
    ) -> None:
        context = None if certificate is None else certificate.context()
        super().__init__((host, port), handler)
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = False
        if context is not None:
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "http" if context is None else "https"
        self.origin = f"{scheme}://{host}:{self.server_port}"

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._lock:
            self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect; report everything else."""
        if not isinstance(sys.exception(), OSError | ssl.SSLError):
            super().handle_error(request, client_address)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return not self._stopping

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve until the end of the block; connections that are still open are then closed."""
        thread = threading.Thread(target=self._serve, name="fake-mturk")
        thread.start()
        try:
            yield
        finally:
            self._stopping = True
            with contextlib.suppress(OSError):  # no file is left
                socket.create_connection(self.socket.getsockname()[:2]).close()
            thread.join()
            with self._lock:
                still_open = list(self._connections)
            for connection in still_open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self.server_close()

    def _serve(self) -> None:
        while not self._stopping:
            self.handle_request()
