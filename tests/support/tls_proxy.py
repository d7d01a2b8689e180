"""A reverse proxy with HTTPS, as stands in front of a run that is reachable from outside."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from famulus_mturk.fake.certificate import make_certificate
from famulus_mturk.fake.listening import Listener

#: Headers that concern one connection, and no further one.
_HOPS = frozenset(
    ["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length"]
)
_CHUNK = 64 * 1024


class Proxy:
    """Forwards requests: each prefix leads to a port of this machine, and is removed."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self.origin = ""
        self.ports = ports
        #: pass a body on while it comes in, without its length, instead of waiting for all of it
        self.streams = False


@contextmanager
def tls_proxy(ports: Mapping[str, int], folder: Path) -> Iterator[Proxy]:
    """Run a proxy for the length of a ``with`` block; its certificate is self-signed.

    :param ports: by prefix, such as ``/study1/``.
    """
    certificate = make_certificate(folder)
    proxy = Proxy(ports)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    listener = Listener(handler, host="localhost", certificate=certificate)
    proxy.origin = listener.origin
    with listener.serving():
        yield proxy


class _Handler(BaseHTTPRequestHandler):
    """One connection of a browser, and those behind it that it uses again and again."""

    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def setup(self) -> None:
        super().setup()
        self._behind: dict[int, http.client.HTTPConnection] = {}

    def finish(self) -> None:
        for connection in self._behind.values():
            connection.close()
        super().finish()

    def do_GET(self) -> None:
        for prefix, port in self.proxy.ports.items():
            if self.path.startswith(prefix):
                self._pass_on(port, f"/{self.path.removeprefix(prefix)}", prefix)
                return
            if self.path == prefix.rstrip("/"):
                self._reply(301, {"Location": prefix}, b"")
                return
        self._reply(404, {}, b"the proxy knows no such address")

    do_POST = do_HEAD = do_GET  # noqa: N815 - names of the base class

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def _pass_on(self, port: int, path: str, prefix: str) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = None if self.proxy.streams else self.rfile.read(length)
        try:
            connection = self._connection(port)
            connection.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
            for name, value in self._headers(prefix).items():
                connection.putheader(name, value)
            if body is None and length:
                connection.putheader("Transfer-Encoding", "chunked")
                connection.endheaders(self._chunks(length), encode_chunked=True)
            else:
                connection.putheader("Content-Length", str(length))
                connection.endheaders(body)
            reply = connection.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException):
            self._behind.pop(port).close()
            self._reply(502, {"Content-Type": "text/html"}, b"<h1>502 Bad Gateway</h1>")
            return
        kept = {name: value for name, value in reply.getheaders() if name.lower() not in _HOPS}
        self._reply(reply.status, kept, content)

    def _connection(self, port: int) -> http.client.HTTPConnection:
        if port not in self._behind:
            self._behind[port] = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        return self._behind[port]

    def _headers(self, prefix: str) -> dict[str, str]:
        own = {name: value for name, value in self.headers.items() if name.lower() not in _HOPS}
        return {
            **own,
            "X-Forwarded-For": self.client_address[0],
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": self.headers.get("Host", ""),
            "X-Forwarded-Prefix": prefix.rstrip("/"),
        }

    def _chunks(self, length: int) -> Iterator[bytes]:
        while length and (chunk := self.rfile.read(min(_CHUNK, length))):
            length -= len(chunk)
            yield chunk

    def _reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
