"""Malicious or broken requests, seeded, against a real run over real sockets.

Every request is answered with 2xx to 4xx or 503, or by closing the connection; what is logged of
it is in bounded lines that no terminal obeys.
"""

from __future__ import annotations

import os
import random
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import pytest

from famulus import Database, Operator, escaped_line
from famulus.testing import HttpTransport, ScriptedWorker
from famulus_flask.app import create_app

_SEED = int(os.environ.get("FAMULUS_FUZZ_SEED", "20261129"))
_TIMES = int(os.environ.get("FAMULUS_FUZZ_REQUESTS", "1000"))
_LONGEST_LOGGED = 1000
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_PAGE = (
    '<p>${word}</p><label>Answer <input name="answer"></label>'
    '<input type="file" name="photo" aria-label="A photo">'
)
_METHODS = ["GET", "GET", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"]
_METHODS += ["CONNECT", "get", "BREW", "PROPFIND", "G\xffT"]
_WORDS = [
    b"a",
    b"..",
    b".",
    b".env",
    b"%2e%2e",
    b"submit",
    b"enter",
    b"give-back",
    b"healthz",
    b"a.txt",
    b"sub",
    b"\x1b]0;x\x07",
    b"\x1b[2J",
    b"\x9b31m",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xc3\xa4",
    b"\xe2\x80\xae",
    b"\xed\xa0\x80",
    b"%",
    b"%zz",
    b"&",
    b";",
    b"=",
    b"+",
    b" ",
    b"\\",
    b"/",
    b"//",
    b"<script>",
    b"'\"",
    b"${word}",
    b"{{7*7}}",
    b"undefined",
    b"null",
    b"None",
    b"-rf",
    b"~",
    b"*",
    b"http://x",
    b"1e400",
    b"-1",
    b"9" * 40,
    b"true",
]
#: Addresses that take a body from any stranger.
_WITHOUT_TICKET = ["enter", "enter?worker_id=x", "platform/mock", "platform/%00", "page"]
_NAMES = ["worker_id", "assignment_id", "hitId", "workerId", "assignmentId", "ticket", "next", ""]
_HEADERS = [
    b"Accept",
    b"Accept-Language",
    b"Content-Type",
    b"Range",
    b"If-Range",
    b"If-None-Match",
    b"If-Modified-Since",
    b"Cookie",
    b"Authorization",
    b"Referer",
    b"Origin",
    b"User-Agent",
    b"X-Forwarded-For",
    b"X-Forwarded-Host",
    b"X-Forwarded-Prefix",
    b"Forwarded",
    b"X-HTTP-Method",
    b"Upgrade",
    b"Connection",
    b"TE",
    b"Trailer",
    b"Transfer-Encoding",
    b"Content-Length",
    b"Content-Encoding",
    b"Expect",
    b"Host",
    b"Date",
    b"Content_Length",
    b"Proxy",
]
_VALUES = [
    b"application/json",
    b"text/html",
    b"*/*;q=0",
    b"a/b;q=x",
    b"bytes=0-0",
    b"bytes=-1",
    b"bytes=5-2,9-",
    b"bytes=0-,0-,0-,0-",
    b"Mon, 99 Foo 9999",
    b"*",
    b'W/"x", "',
    b"gzip",
    b"chunked",
    b"multipart/form-data",
    b"multipart/form-data; boundary=",
    b"100-continue",
    b"-1",
    b"multipart/form-data; boundary=" + b"b" * 300,
    b"application/x-www-form-urlencoded; charset=x",
    b"a=b; c=\xff",
    b"Basic \xff",
    b'for="[::"',
    b"websocket",
    b"close, keep-alive",
    b"x:y:z",
]


#: The address of a form, and its hidden fields.
OpenForm = tuple[str, Sequence[tuple[str, str]]]


class Fuzz:
    """Makes requests from one seed; ``page`` returns a form of a worker at work."""

    def __init__(self, seed: int, page: Callable[[], OpenForm]) -> None:
        self._random = random.Random(seed)
        self._page = page

    def request(self) -> bytes:
        kinds = [self.arrival, self.form, self.form, self.asset, self.anything]
        made = self._random.choice(kinds)()
        return self._damaged(made) if self._chance(0.1) else made

    def arrival(self) -> bytes:
        fields = [(self._random.choice(_NAMES), self._bytes()) for _ in range(self._count())]
        query = b"&".join(name.encode() + b"=" + self._quoted(value) for name, value in fields)
        return self._head(self._method("GET"), b"/?" + query, self._headers())

    def asset(self) -> bytes:
        return self._head(self._method("GET"), b"/" + self._quoted(self._bytes()), self._headers())

    def anything(self) -> bytes:
        target = (b"/" if self._chance(0.7) else b"") + self._quoted(self._bytes())
        return self._head(self._method("POST"), target, self._headers(), self._bytes())

    def form(self) -> bytes:
        address, hidden = self._page()
        if self._chance(0.3):
            address = address.replace("submit", "give-back", 1)
        elif self._chance(0.2):
            address = self._random.choice(_WITHOUT_TICKET)
        fields = [(name.encode(), value.encode()) for name, value in hidden]
        fields = [pair for pair in fields if self._chance(0.95)]
        fields += [(self._name(), self._bytes()) for _ in range(self._count())]
        self._random.shuffle(fields)
        target = b"/" + address.encode()
        if self._chance(0.2):
            target = target.replace(b"ticket=", b"ticket=" + self._quoted(self._bytes()))
        kind, body = self._multipart(fields) if self._chance(0.7) else self._urlencoded(fields)
        return self._head("POST", target, [(b"Content-Type", kind), *self._headers()], body)

    def _multipart(self, fields: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
        parts = []
        for name, value in fields:
            more = b""
            if self._chance(0.3):
                more = b'; filename="%s"' % self._quoted(self._bytes())
            if self._chance(0.3):
                more += b"\r\nContent-Type: " + self._random.choice(_VALUES)
            if self._chance(0.9):  # as browsers escape it
                escaped = name.replace(b'"', b"%22").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
            else:
                escaped = name
            head = b'--cut\r\nContent-Disposition: form-data; name="%s"%s' % (escaped, more)
            parts.append(head + b"\r\n\r\n" + value + b"\r\n")
        end = b"--cut--\r\n" if self._chance(0.9) else b""
        return b"multipart/form-data; boundary=cut", b"".join(parts) + end

    def _urlencoded(self, fields: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
        pairs = [self._quoted(name) + b"=" + self._quoted(value) for name, value in fields]
        return b"application/x-www-form-urlencoded", b"&".join(pairs)

    def _head(
        self,
        method: str,
        target: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes = b"",
    ) -> bytes:
        lines = [method.encode("latin-1") + b" " + target + b" HTTP/1.1", b"Host: x"]
        lines += [name + b": " + value for name, value in headers]
        if body and self._chance(0.8):
            lines.append(b"Content-Length: %d" % len(body))
        elif body:
            lines.append(b"Transfer-Encoding: chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        return b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body

    def _name(self) -> bytes:
        known = [b"answer", b"photo", b"famulus_token", b"famulus_submission", b"famulus_x"]
        return self._random.choice(known) if self._chance(0.5) else self._bytes()

    def _headers(self) -> list[tuple[bytes, bytes]]:
        if self._chance(0.7):
            return []
        chosen = (self._random.choice(_HEADERS) for _ in range(self._count()))
        return [
            (name, self._random.choice(_VALUES) if self._chance(0.9) else self._bytes())
            for name in chosen
        ]

    def _bytes(self) -> bytes:
        """Return one to 9,000 bytes of words that have broken parsers before."""
        size = 0 if self._chance(0.1) else int(9000 ** self._random.random())
        if self._chance(0.3):
            return (self._random.choice(_WORDS) * size)[:size]
        found = b""
        while len(found) < min(size, 300):
            word = self._random.choice(_WORDS)
            found += word if self._chance(0.8) else self._random.randbytes(4)
        return found

    def _quoted(self, value: bytes) -> bytes:
        if self._chance(0.95):
            return quote_from_bytes(value, safe="/.%" if self._chance(0.5) else "").encode()
        return re.sub(rb"[\r\n ]", b"", value)

    def _damaged(self, request: bytes) -> bytes:
        place = self._random.randrange(len(request))
        piece = self._random.choice([b"", b"\r\n", b"\n", b"\0", b" ", b":", self._bytes()])
        return request[:place] + piece + request[place + self._random.randrange(3) :]

    def _method(self, usual: str) -> str:
        return usual if self._chance(0.8) else self._random.choice(_METHODS)

    def _count(self) -> int:
        return self._random.choice([0, 1, 2, 2, 3, 4, 8])

    def _chance(self, share: float) -> bool:
        return self._random.random() < share


@pytest.fixture
def run(database_address: str, tmp_path: Path) -> Iterator[Any]:
    """A gateway of a run with files beside its page, on each kind of database."""
    (tmp_path / "page.html").write_text(_PAGE)
    (tmp_path / "data.csv").write_text("word\n" + "lantern\n" * 500)
    (tmp_path / "assets" / "sub").mkdir(parents=True)
    (tmp_path / "assets" / "a.txt").write_text("an asset")
    configuration = {
        "defaults": [
            {"blueprint": "static_task"},
            {"architect": "external"},
            {"provider": "mock"},
        ],
        "architect": {"public_url": "https://example.org/"},
        "blueprint": {
            "task_source": str(tmp_path / "page.html"),
            "data_csv": str(tmp_path / "data.csv"),
            "extra_source_dir": str(tmp_path / "assets"),
        },
        "task": {"task_title": "A task", "task_description": "D", "task_reward": "0.10"},
    }
    with Database(database_address) as database, Operator(database) as operator:
        gateway = operator.gateway(operator.launch(configuration))
        yield gateway
        gateway.close()


def _ask(port: int, request: bytes) -> bytes:
    """Send a request and no more; return what comes back."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        try:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65536):
                received += piece
        except ConnectionError:
            pass
    return received


def test_any_request_is_answered_and_leaves_bounded_lines(
    serve: Any, run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    served = serve(create_app(run), threads=8)
    transport = HttpTransport(f"http://127.0.0.1:{served.port}/")
    open_pages: list[OpenForm] = []
    uses = 0

    def page() -> OpenForm:
        nonlocal uses
        if uses % 5 == 0:
            opened = ScriptedWorker(transport, f"worker-{uses}").open()
            assert opened.filled is not None
            hidden = [pair for pair in opened.filled.fields if pair[0].startswith("famulus_")]
            open_pages.append((opened.submit_address, hidden))
        uses += 1
        return open_pages[-1]

    fuzz = Fuzz(_SEED, page)
    statuses: dict[int, int] = {}

    for number in range(_TIMES):
        request = fuzz.request()
        received = _ask(served.port, request).removeprefix(_CONTINUE)

        where = f"seed {_SEED}, request {number}: {request[:3000]!r}: {received[:300]!r}"
        if received:
            status = int(received[9:12])
            statuses[status] = statuses.get(status, 0) + 1
            assert 200 <= status < 500 or status == 503, where
            assert b"Traceback" not in received, where
        for record in caplog.records:
            message = record.getMessage()
            assert len(message) <= _LONGEST_LOGGED, where
            assert escaped_line(message) == message, where
            assert not record.exc_info, where
        caplog.clear()

    assert {200, 404, 400} <= set(statuses), statuses
    assert ScriptedWorker(transport, "afterwards").open().has_form
