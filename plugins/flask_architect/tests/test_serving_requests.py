"""Requests that browsers never send, over real sockets."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from famulus_flask.app import create_app

_HOST = b"Host: x\r\n"
_CLOSE = b"Connection: close\r\n"
_KIND = b"Content-Type: application/x-www-form-urlencoded\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
_LAST = b"GET /healthz HTTP/1.1\r\n" + _HOST + _CLOSE + b"\r\n"


def _get(target: bytes, more: bytes = b"") -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + _HOST + more + b"\r\n"


def _post(body: bytes, more: bytes = b"") -> bytes:
    return b"POST /submit HTTP/1.1\r\n" + _HOST + _KIND + more + b"\r\n" + body


def _statuses(received: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d+) ", received)]


# A request that leaves its connection usable is followed by one that is answered with 200.
_REQUESTS: dict[str, tuple[bytes, list[int]]] = {
    "plain": (_get(b"/?a=1"), [200, 200]),
    "pipelined": (_get(b"/?a=1") + _get(b"/nothing") + _get(b"/?a=3"), [200, 404, 200, 200]),
    "connection: close": (_get(b"/?a=1", _CLOSE), [200]),
    "HTTP/1.0": (b"GET /?a=1 HTTP/1.0\r\n\r\n", [200]),
    "HTTP/1.0 that wants to stay": (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", [200]),
    "line ends before the request": (b"\r\n\r\n" + _get(b"/"), [200, 200]),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", [400]),
    "two hosts": (_get(b"/", _HOST), [400]),
    "not HTTP": (b"\x16\x03\x01 nonsense\r\n\r\n", [400]),
    "unknown version": (b"GET / HTTP/3.7\r\n\r\n", [400]),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    "unknown method": (b"BREW / HTTP/1.1\r\n" + _HOST + b"\r\n", [400]),
    "method not allowed": (b"DELETE / HTTP/1.1\r\n" + _HOST + b"\r\n", [405, 200]),
    "CONNECT": (b"CONNECT x:443 HTTP/1.1\r\n" + _HOST + b"\r\n", [400]),
    "no path": (b"GET x HTTP/1.1\r\n" + _HOST + b"\r\n", [400]),
    "absolute target": (_get(b"http://other/?a=1"), [200, 200]),
    "absolute target without path": (_get(b"http://other"), [200, 200]),
    "upgrade": (_get(b"/?a=1", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"), [200, 200]),
    "expectation": (_post(b"a=1", b"Expect: 200-ok\r\nContent-Length: 3\r\n"), [417]),
    "path outside": (_get(b"/..%2f..%2fetc/passwd"), [404, 200]),
    "header with a line folded": (_get(b"/", b"X-A: 1\r\n 2\r\n"), [400]),
    "header without a name": (_get(b"/", b": 1\r\n"), [400]),
    "space before the colon": (_get(b"/", b"Content-Length : 3\r\n"), [400]),
    "content-length": (_post(b"a=1", b"Content-Length: 3\r\n"), [200, 200]),
    "two lengths": (_post(b"hello!", b"Content-Length: 5\r\nContent-Length: 6\r\n"), [400]),
    "the same length twice": (_post(b"a=1", b"Content-Length: 3\r\nContent-Length: 3\r\n"), [400]),
    "lengths in a list": (_post(b"a=1", b"Content-Length: 3, 3\r\n"), [400]),
    "length with a sign": (_post(b"a=1", b"Content-Length: +3\r\n"), [400]),
    "negative length": (_post(b"", b"Content-Length: -1\r\n"), [400]),
    "length beyond all numbers": (_post(b"", b"Content-Length: " + b"9" * 30 + b"\r\n"), [400]),
    "huge length": (_post(b"", b"Content-Length: 99999999999\r\n"), [413]),
    "length and chunks": (_post(b"0\r\n\r\n", b"Content-Length: 5\r\n" + _CHUNKED), [400]),
    "chunks": (_post(b"3\r\na=1\r\n0\r\n\r\n", _CHUNKED), [200, 200]),
    "chunks with a trailer": (_post(b"3\r\na=1\r\n0\r\nHost: y\r\n\r\n", _CHUNKED), [200, 200]),
    "chunk size that is no number": (_post(b"x\r\na=1\r\n0\r\n\r\n", _CHUNKED), [400]),
    "chunk size with a sign": (_post(b"-3\r\na=1\r\n0\r\n\r\n", _CHUNKED), [400]),
    "chunk longer than its size": (_post(b"2\r\na=1\r\n0\r\n\r\n", _CHUNKED), [400]),
    "chunk size too large": (_post(b"f" * 20 + b"\r\na=1\r\n0\r\n\r\n", _CHUNKED), [400]),
    "chunks in HTTP/1.0": (
        b"POST /submit HTTP/1.0\r\n" + _KIND + _CHUNKED + b"\r\n3\r\na=1\r\n0\r\n\r\n",
        [400],
    ),
    "another encoding": (_post(b"a=1", b"Transfer-Encoding: gzip\r\n"), [400]),
    "two encodings": (_post(b"0\r\n\r\n", b"Transfer-Encoding: gzip, chunked\r\n"), [400]),
    "encoding twice": (_post(b"0\r\n\r\n", _CHUNKED + _CHUNKED), [400]),
    "body for a page": (_get(b"/?a=1", b"Content-Length: 3\r\n") + b"a=1", [200, 200]),
    "large body for a page": (_get(b"/?a=1", b"Content-Length: 70000\r\n"), [413]),
    "head too large": (_get(b"/", b"X-A: " + b"y" * 40_000 + b"\r\n"), [431]),
    "target too large": (_get(b"/" + b"y" * 40_000), [431]),
}


@pytest.mark.parametrize("name", _REQUESTS)
@pytest.mark.parametrize("is_split", [False, True])
def test_each_odd_request_gets_its_status_however_it_is_cut(
    serve: Any, stub_gateway: Any, name: str, is_split: bool
) -> None:
    served = serve(create_app(stub_gateway))
    request, expected = _REQUESTS[name]
    if is_split and len(request) > 1000:
        pytest.skip("too long to be sent byte by byte")
    pieces = [bytes([byte]) for byte in request] if is_split else [request]

    received = served.talk(*pieces, _LAST)

    assert _statuses(received) == expected
    for head in re.findall(rb"HTTP/1\.1 .*?\r\n\r\n", received, re.DOTALL):
        assert b"\r\nDate: " in head


def test_large_head_that_never_ends_is_refused(serve: Any, stub_gateway: Any) -> None:
    served = serve(create_app(stub_gateway))

    received = served.talk(b"GET / HTTP/1.1\r\n", *[b"X: " + b"y" * 9000 + b"\r\n"] * 40)

    assert _statuses(received) == [431]


@pytest.mark.parametrize("piece", [b"X: y\r\n" * 2000, b"X: " + b"y" * 9000])
def test_trailer_that_never_ends_is_refused(serve: Any, stub_gateway: Any, piece: bytes) -> None:
    served = serve(create_app(stub_gateway))

    received = served.talk(_post(b"3\r\na=1\r\n0\r\n", _CHUNKED), *[piece] * 50)

    assert _statuses(received) == [400]
    assert not stub_gateway.forms


def test_body_is_asked_for_where_the_client_waits(serve: Any, stub_gateway: Any) -> None:
    served = serve(create_app(stub_gateway))
    with served.connect() as client:
        client.sendall(_post(b"", b"Expect: 100-continue\r\nContent-Length: 3\r\n"))

        asked = client.recv(100)
        client.sendall(b"a=1")
        answered = client.recv(4096)

    assert asked == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert _statuses(answered) == [200]


def test_body_that_is_too_large_is_refused_before_it_is_asked_for(
    serve: Any, stub_gateway: Any
) -> None:
    served = serve(create_app(stub_gateway))

    received = served.talk(_post(b"", b"Expect: 100-continue\r\nContent-Length: 99999999999\r\n"))

    assert _statuses(received) == [413]


def test_replies_keep_the_order_of_requests(serve: Any, stub_gateway: Any) -> None:
    served = serve(create_app(stub_gateway))
    numbers = range(40)

    received = served.talk(b"".join(_get(b"/?n=%d" % each) for each in numbers) + _LAST)

    assert [int(each) for each in re.findall(rb'{"n": "(\d+)"}', received)] == list(numbers)


def test_client_that_floods_one_connection_is_answered_up_to_a_bound(
    serve: Any, stub_gateway: Any
) -> None:
    served = serve(create_app(stub_gateway))

    received = served.talk(_get(b"/?a=1") * 5000)

    assert 64 <= len(_statuses(received)) <= 70


def test_client_that_only_stops_sending_gets_its_replies(serve: Any, stub_gateway: Any) -> None:
    import socket

    served = serve(create_app(stub_gateway))
    with served.connect() as client:
        client.sendall(_get(b"/?n=1") + _get(b"/?n=2"))
        client.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: client.recv(4096), b""))

    assert _statuses(received) == [200, 200]


def test_headers_cannot_pass_for_others_nor_for_variables_of_the_process(serve: Any) -> None:
    def show(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [json.dumps({key: str(value) for key, value in environ.items()}).encode()]

    served = serve(show)
    more = b"X_Real: 1\r\nX-Real: 2\r\nX-Real: 3\r\nProxy: http://evil\r\n"

    received = served.talk(_get(b"/%c3%a4?b", more + b"Cookie: a\r\nCookie: b\r\n" + _CLOSE))

    environ = json.loads(received.partition(b"\r\n\r\n")[2])
    assert environ["HTTP_X_REAL"] == "2,3"
    assert environ["HTTP_COOKIE"] == "a; b"
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/ä"
    assert (environ["QUERY_STRING"], environ["REMOTE_ADDR"]) == ("b", "127.0.0.1")
    assert environ["SERVER_PORT"] == str(served.port)
    assert "HTTP_PROXY" not in environ
    assert "CONTENT_LENGTH" not in environ
