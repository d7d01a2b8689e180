"""Replies of applications on their way out, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from famulus_flask.serving.pool import PoolFullError, ThreadPool

_PATIENCE = 20
_REQUEST = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
_LARGE = 8_000_000


class Pieces:
    """A long body that notes how far it was read and whether it was closed."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.taken = 0
        self.closed = threading.Event()
        self.closings = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.taken += len(piece)
            yield piece

    def close(self) -> None:
        self.closings += 1
        self.closed.set()


def _replying(body: Any, *headers: tuple[str, str], status: str = "200 OK") -> Any:
    def application(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/other":
            start_response("200 OK", [])
            return [b"other"]
        start_response(status, list(headers))
        return body

    return application


def _ask(port: int, method: str = "GET", path: str = "/") -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    with contextlib.closing(connection):
        connection.request(method, path)
        response = connection.getresponse()
        return response, response.read()


def test_reply_without_a_length_is_given_one(serve: Any) -> None:
    served = serve(_replying([b"ab", b"c"]))

    response, body = _ask(served.port)

    assert (body, response.headers["Content-Length"]) == (b"abc", "3")


def test_long_reply_without_a_length_comes_in_chunks(serve: Any) -> None:
    pieces = Pieces(b"%07d" % each for each in range(100_000))
    served = serve(_replying(pieces))

    response, body = _ask(served.port)

    assert response.headers["Transfer-Encoding"] == "chunked"
    assert body == b"".join(b"%07d" % each for each in range(100_000))
    assert pieces.closed.wait(_PATIENCE)


@pytest.mark.parametrize("size", [3, 300_000])
@pytest.mark.parametrize(
    ("header", "status"),
    [(("X-A", "a\nb"), 500), (("X-A", "\N{SNOWMAN}"), 500), (("X-A", "a"), 200)],
)
def test_body_is_closed_once_also_where_its_headers_cannot_be_sent(
    serve: Any, header: tuple[str, str], status: int, size: int
) -> None:
    pieces = Pieces(iter([b"x" * size]))
    served = serve(_replying(pieces, header), threads=1)

    response, _ = _ask(served.port)

    assert response.status == status
    _ask(served.port, path="/other")  # in the thread that closes the body
    assert pieces.closings == 1


def test_long_reply_to_an_old_client_ends_with_the_connection(serve: Any) -> None:
    served = serve(_replying(Pieces(iter([b"x" * 300_000] * 3))))

    head, _, body = served.talk(b"GET / HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")

    assert b"Transfer-Encoding" not in head
    assert body == b"x" * 900_000


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_status_without_a_body_has_none(serve: Any, status: str) -> None:
    pieces = Pieces(iter([b"x" * 300_000] * 3))
    served = serve(_replying(pieces, status=status))

    response, body = _ask(served.port)

    assert (body, response.headers.get("Content-Length")) == (b"", None)
    assert pieces.closed.wait(_PATIENCE)


def test_head_has_the_headers_alone(serve: Any) -> None:
    served = serve(_replying([b"abc"], ("Content-Length", "3")))
    request = b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"

    received = served.talk(request, b"GET /other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    first, second, body = received.split(b"\r\n\r\n")
    assert b"Content-Length: 3" in first
    assert second.startswith(b"HTTP/1.1 200")
    assert body == b"other"


def test_slow_reader_takes_no_thread_and_no_memory(serve: Any) -> None:
    pieces = [Pieces(iter([bytes(100_000)] * (_LARGE // 100_000))) for _ in range(6)]
    bodies = iter(pieces)

    def application(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return [b"other"] if environ["PATH_INFO"] == "/other" else next(bodies)

    served = serve(application, threads=2)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(served.connect()) for _ in pieces]
        for client in clients:
            client.sendall(_REQUEST % b"/")
            client.recv(10)

        answers = [_ask(served.port, path="/other")[1] for _ in range(10)]

        assert answers == [b"other"] * 10
        assert max(each.taken for each in pieces) < _LARGE
    assert all(each.closed.wait(_PATIENCE) for each in pieces)


def test_reader_that_stops_is_given_up(serve: Any) -> None:
    pieces = Pieces(iter([bytes(100_000)] * (_LARGE // 100_000)))
    served = serve(_replying(pieces), reply_seconds=0.2)
    with served.connect() as client:
        client.sendall(_REQUEST % b"/")

        assert pieces.closed.wait(_PATIENCE)
        assert pieces.taken < _LARGE


def test_client_that_does_not_read_is_not_answered_further(serve: Any) -> None:
    asked = []

    def application(environ: Any, start_response: Any) -> Any:
        asked.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return [bytes(5_000_000)]

    served = serve(application)
    with served.connect() as client:
        client.sendall(b"".join(_REQUEST % (b"/%d" % each) for each in range(10)))
        client.recv(10)
        _ask(served.port, path="/from-another")

        assert len(asked) < 5


def _raise() -> Any:
    raise ZeroDivisionError("a mistake")


def _raise_later() -> Iterator[bytes]:
    yield b"x" * 300_000
    raise ZeroDivisionError("a mistake")


@pytest.mark.parametrize(
    "application",
    [
        lambda environ, start_response: _raise(),
        lambda environ, start_response: [b"no status"],
        _replying([b"x"], ("X-Taken", "two\r\nlines")),
        _replying([b"x"], ("X-Taken", "\N{SNOWMAN}")),
        _replying([b"x"], ("Content-Length", "2")),
        _replying([b"xyz"], ("Content-Length", "2")),
        lambda environ, start_response: exec("raise SystemExit(1)"),
    ],
)
def test_application_that_fails_is_500_and_logged_in_bounds(
    serve: Any, application: Any, caplog: pytest.LogCaptureFixture
) -> None:
    served = serve(application)

    for _ in range(10):  # more than there are threads
        response, body = _ask(served.port, path="/%1b" + "x" * 5000)

        assert response.status == 500
        assert b"Something went wrong" in body
    assert all(each.isprintable() and len(each) < 300 for each in caplog.messages)


def test_reply_that_breaks_off_is_not_taken_for_a_whole_one(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    served = serve(_replying(_raise_later()))

    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        _ask(served.port)
    assert "a mistake" in caplog.text


@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.1\r\n", b"nonsense\r\n"])
def test_client_may_reset_the_connection_at_any_time(serve: Any, request_line: bytes) -> None:
    going, done = threading.Semaphore(0), threading.Event()

    def application(environ: Any, start_response: Any) -> Any:
        going.release()
        done.wait(_PATIENCE)
        start_response("200 OK", [])
        return [b"x" * 300_000]

    served = serve(application, threads=8)
    for _ in range(8):
        with served.connect() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(request_line + b"Host: x\r\nConnection: close\r\n\r\n")
            if request_line.startswith(b"GET"):
                assert going.acquire(timeout=_PATIENCE)
    done.set()

    assert _ask(served.port)[0].status == 200


def test_reply_is_dropped_when_the_client_has_gone(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    going, done = threading.Event(), threading.Event()
    pieces = Pieces(iter([b"x" * 300_000] * 3))

    def application(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/other":
            done.wait(_PATIENCE)
        else:
            going.set()
            done.wait(_PATIENCE)
        start_response("200 OK", [])
        return pieces

    served = serve(application)
    caplog.set_level(logging.WARNING)
    with served.connect() as client:
        client.sendall(_REQUEST % b"/")
        assert going.wait(_PATIENCE)
    done.set()

    assert pieces.closed.wait(_PATIENCE)
    assert not caplog.records


def test_rest_of_a_reply_is_closed_though_the_queue_is_full() -> None:
    done, closed = threading.Event(), threading.Event()
    refused: list[object] = []

    async def fill_and_clean_up() -> bool:
        loop = asyncio.get_running_loop()
        pool = ThreadPool(loop, threads=1, queue_length=0, patience=_PATIENCE)
        pool.submit(lambda: done.wait(_PATIENCE), lambda _: None)
        pool.submit(lambda: None, refused.append)
        pool.clean_up(closed.set)
        done.set()
        is_closed = await asyncio.to_thread(closed.wait, _PATIENCE)
        pool.close()
        return is_closed

    # A test in a browser may leave a loop in the main thread.
    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(lambda: asyncio.run(fill_and_clean_up())).result()
    assert [type(each) for each in refused] == [PoolFullError]
