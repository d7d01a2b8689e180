"""Slow, silent and numerous clients, hanging pages, full disks: over real sockets."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from famulus.testing.waiting import wait_until
from famulus_flask.app import create_app

_PATIENCE = 20.0
_HEAD = b"POST /submit HTTP/1.1\r\nHost: x\r\n"
_FORM = _HEAD + b"Content-Type: application/x-www-form-urlencoded\r\n"
_MULTIPART = _HEAD + b"Content-Type: multipart/form-data; boundary=cut\r\n"
_PART = b"--cut\r\nContent-Disposition: form-data; name=kept; filename=a\r\n\r\n"
_END = b"\r\n--cut--\r\n"


def _ask(port: int, path: str = "/?a=1", body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("GET" if body is None else "POST", path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()


def _upload(size: int) -> bytes:
    body = _PART + bytes(size) + _END
    return _MULTIPART + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def _status(received: bytes) -> int:
    return int(received.split(b" ", 2)[1])


def _spooled(folder: Path) -> Iterator[os.stat_result]:
    """Return the files without a name that this process has open on the disk of a folder."""
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if str(descriptor.readlink()).startswith(f"{folder}/"):
                yield descriptor.stat()


def test_slow_senders_cost_only_themselves(serve: Any, stub_gateway: Any) -> None:
    served = serve(create_app(stub_gateway), threads=4)
    with contextlib.ExitStack() as stack:
        for number in range(48):
            client = stack.enter_context(served.connect())
            client.sendall(_FORM + b"Content-Length: 3000\r\n\r\na=1" if number % 2 else _FORM[:40])
        begun = time.monotonic()

        assert _ask(served.port, "/submit", b"a=1")[0] == 200
        assert time.monotonic() - begun < 5
        assert json.loads(_ask(served.port, "/healthz")[1])["busy"] is False


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", None),
        (_FORM[:40], None),
        (_FORM + b"Content-Length: 30\r\n\r\na=1", 408),
        (_FORM + b"Transfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n", 408),
    ],
)
def test_silent_client_is_closed(
    serve: Any, stub_gateway: Any, sent: bytes, status: int | None
) -> None:
    served = serve(create_app(stub_gateway), head_seconds=0.2, body_grace_seconds=0.2)
    with served.connect() as client:
        client.sendall(sent)
        received = client.recv(4096) if status else b""

        assert (_status(received) if received else None) == status
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(4096) == b""
    assert not stub_gateway.forms


def test_body_below_the_lowest_rate_is_refused_and_one_above_is_not(
    serve: Any, stub_gateway: Any
) -> None:
    served = serve(create_app(stub_gateway), body_grace_seconds=0.3, body_bytes_per_second=20_000)

    def send(rate: int) -> int:
        body = b"a=" + b"x" * 19_998
        with served.connect() as client:
            client.sendall(_FORM + b"Content-Length: %d\r\n\r\n" % len(body))
            with contextlib.suppress(ConnectionError):
                for start in range(0, len(body), rate // 20):
                    client.sendall(body[start : start + rate // 20])
                    time.sleep(0.05)
            return _status(client.recv(4096))

    assert send(60_000) == 200
    assert send(5_000) == 408


def test_idle_connection_is_closed(serve: Any, stub_gateway: Any) -> None:
    served = serve(create_app(stub_gateway), idle_seconds=0.2)
    with served.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(4096)

        with contextlib.suppress(ConnectionResetError):
            assert client.recv(4096) == b""


def test_new_connection_replaces_an_idle_one(serve: Any, stub_gateway: Any) -> None:
    served = serve(create_app(stub_gateway), connections=10)
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(served.connect()) for _ in range(10)]

        assert _ask(served.port)[0] == 200
        closed = idle[0]
        with contextlib.suppress(ConnectionResetError):
            assert closed.recv(10) == b""


@pytest.mark.parametrize(
    "begun",
    [
        _FORM[:40],
        b"POST /?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\na=1",
        b"POST /submi HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\na=1",
    ],
)
def test_requests_without_a_ticket_make_room_for_others(
    serve: Any, stub_gateway: Any, begun: bytes
) -> None:
    stub_gateway.ticket = "good"
    served = serve(create_app(stub_gateway), connections=10)
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(served.connect()).sendall(begun)
        wait_until(
            lambda: sum(each._has_begun for each in served.server._connections) == 10,
            "ten requests that have begun",
        )

        assert _ask(served.port, "/submit?ticket=good", b"a=1")[0] == 200
        assert json.loads(_ask(served.port, "/healthz")[1])["busy"] is False


def test_connections_that_come_at_once_replace_an_idle_one_each(
    serve: Any, stub_gateway: Any
) -> None:
    served = serve(create_app(stub_gateway), connections=10)
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(served.connect()) for _ in range(10)]
        wait_until(lambda: len(served.server._connections) == 10, "ten connections")
        resume = threading.Event()
        served.server._loop.call_soon_threadsafe(resume.wait, _PATIENCE)
        for _ in range(10):
            stack.enter_context(served.connect())
        resume.set()

        for client in idle:
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(10) == b""
        assert len(served.server._connections) == 10


def test_room_is_made_for_several_connections_at_once(serve: Any, stub_gateway: Any) -> None:
    served = serve(create_app(stub_gateway), connections=256)
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(served.connect()) for _ in range(256)]
        for _ in range(4):
            assert _ask(served.port)[0] == 200

        for client in idle[:4]:
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(10) == b""
        wait_until(lambda: len(served.server._connections) == 252, "the end of the new ones")


def test_new_connection_is_refused_where_none_is_idle(serve: Any, stub_gateway: Any) -> None:
    served = serve(create_app(stub_gateway), connections=10)
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            client = stack.enter_context(served.connect())
            client.sendall(_FORM + b"Content-Length: 30\r\n\r\na=1")
        wait_until(
            lambda: sum(each.is_busy for each in served.server._connections) == 10, "ten requests"
        )

        assert _ask(served.port)[0] == 503


def test_hanging_pages_leave_health_and_are_answered_503(
    serve: Any, stub_gateway: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ending = threading.Event()
    hanging = threading.Semaphore(0)

    def hang(query: Any, *, accept_language: str) -> Any:
        hanging.release()
        ending.wait(_PATIENCE)
        raise ZeroDivisionError

    stub_gateway.arrive = hang
    served = serve(create_app(stub_gateway), threads=4, queue_seconds=0.3, queue_length=8)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(served.connect()) for _ in range(50)]
        for client in clients:
            client.sendall(b"GET /?a=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        for _ in range(4):
            assert hanging.acquire(timeout=_PATIENCE)

        health = json.loads(_ask(served.port, "/healthz")[1])
        assert health == {"run": 7, "instance": "", "busy": True}
        assert _ask(served.port, "/submit", b"a=1") == (503, b"come again")
        assert caplog.text.count("requests are refused with 503") == 1

        ending.set()
        wait_until(lambda: _ask(served.port, "/submit", b"a=1")[0] == 200, "a free thread")
    wait_until(lambda: "threads are free again" in caplog.text, "the line of the log")


def test_hanging_threads_do_not_delay_the_end(serve: Any, stub_gateway: Any) -> None:
    ending, hanging = threading.Event(), threading.Event()

    def hang(query: Any, *, accept_language: str) -> Any:
        hanging.set()
        ending.wait(_PATIENCE)

    stub_gateway.arrive = hang
    with contextlib.ExitStack() as stack:
        served = serve(create_app(stub_gateway), stop_seconds=0.1)
        client = stack.enter_context(served.connect())
        client.sendall(b"GET /?a=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert hanging.wait(_PATIENCE)
        begun = time.monotonic()

        served.stop()

        assert time.monotonic() - begun < 5
        ending.set()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_large_body_is_kept_in_a_private_file(serve: Any, stub_gateway: Any) -> None:
    served = serve(create_app(stub_gateway))
    request = _upload(500_000)
    with served.connect() as client:
        client.sendall(request[:-100])
        wait_until(lambda: any(_spooled(stub_gateway.upload_folder)), "the file of the body")

        (found,) = _spooled(stub_gateway.upload_folder)
        assert (found.st_mode & 0o777, found.st_nlink) == (0o600, 0)
        assert not list(stub_gateway.upload_folder.iterdir())

        client.sendall(request[-100:])
        assert _status(client.recv(4096)) == 200
    (file,) = stub_gateway.kept_folder.iterdir()
    assert file.stat().st_size == 500_000
    wait_until(lambda: not list(_spooled(stub_gateway.upload_folder)), "its removal")


@pytest.mark.parametrize("query", ["", "?ticket=forged", "?ticket=good%20", "?x=good"])
@pytest.mark.parametrize("address", ["/submit", "/give-back"])
@pytest.mark.parametrize("size", [3, 1_000_000])
def test_nothing_is_kept_of_a_form_without_a_ticket(
    serve: Any, stub_gateway: Any, address: str, query: str, size: int
) -> None:
    stub_gateway.ticket = "good"
    served = serve(create_app(stub_gateway))
    request = _upload(size).replace(b"/submit", f"{address}{query}".encode(), 1)
    folder = stub_gateway.upload_folder
    with served.connect() as client:
        for start in range(0, len(request), 100_000):
            with contextlib.suppress(ConnectionError):
                client.sendall(request[start : start + 100_000])
            assert not list(folder.iterdir())
            assert sys.platform != "linux" or not list(_spooled(folder))
        received = client.recv(4096)

    assert _status(received) == 404
    assert not stub_gateway.forms
    assert not served.server.site._disk._promised
    good = _upload(size).replace(b"/submit", b"/submit?ticket=good", 1)
    assert _status(served.talk(good)) == 200


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_upload_that_would_fill_the_disk_is_asked_to_come_again(
    serve: Any, stub_gateway: Any, framing: str, caplog: pytest.LogCaptureFixture
) -> None:
    disk = os.statvfs(stub_gateway.upload_folder)
    served = serve(create_app(stub_gateway), min_free_bytes=disk.f_bavail * disk.f_frsize * 2)
    request = _upload(500_000)
    if framing == "chunks":
        head, _, body = request.partition(b"\r\n\r\n")
        head = _MULTIPART + b"Transfer-Encoding: chunked"
        request = head + b"\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)

    for _ in range(3):
        received = served.talk(request)
        assert _status(received) == 503
        assert b"Retry-After" in received
    assert _ask(served.port, "/submit", b"a=1")[0] == 200
    assert caplog.text.count("uploads are refused with 503") == 1


@pytest.mark.parametrize("framing", [b"Content-Length: 500000", b"Transfer-Encoding: chunked"])
def test_no_space_stays_promised_to_an_upload_without_a_file(
    serve: Any, stub_gateway: Any, framing: bytes
) -> None:
    stub_gateway.upload_folder = stub_gateway.upload_folder / "a file"
    stub_gateway.upload_folder.touch()
    served = serve(create_app(stub_gateway))

    received = served.talk(_MULTIPART + framing + b"\r\n\r\n30d40\r\n" + bytes(200_000))

    assert _status(received) == 503
    assert served.server.site._disk._promised == 0


def test_space_is_promised_to_one_upload_only(serve: Any, stub_gateway: Any) -> None:
    disk = os.statvfs(stub_gateway.upload_folder)
    free = disk.f_bavail * disk.f_frsize
    # Room for the copies of two uploads of 80 MB, however much others write at the same time.
    served = serve(create_app(stub_gateway), min_free_bytes=free - 400_000_000)
    begin = _MULTIPART + b"Content-Length: 80000000\r\n\r\n" + _PART
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(served.connect()) for _ in range(6)]
        for client in clients:
            client.sendall(begin)
        refused = [each for each in clients if _is_answered(each)]

        assert 2 <= len(refused) <= 5
        assert {_status(each.recv(4096)) for each in refused} == {503}
    wait_until(lambda: served.server.site._disk._promised == 0, "the release of the space")


def _is_answered(client: socket.socket) -> bool:
    import select

    return bool(select.select([client], [], [], 0.5)[0])


def test_hundred_slow_uploads_leave_room_for_others(serve: Any, stub_gateway: Any) -> None:
    served = serve(create_app(stub_gateway), threads=4)
    request = _upload(200_000)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(served.connect()) for _ in range(100)]
        for client in clients:
            client.sendall(request[:100_000])

        assert [_ask(served.port, "/submit", b"a=1")[0] for _ in range(20)] == [200] * 20
        for client in clients:
            client.sendall(request[100_000:])
        statuses = [_status(client.recv(4096)) for client in clients]

    assert statuses == [200] * 100
    assert len(list(stub_gateway.kept_folder.iterdir())) == 100


def test_upload_that_breaks_off_leaves_nothing(serve: Any, stub_gateway: Any) -> None:
    served = serve(create_app(stub_gateway))
    with served.connect() as client:
        client.sendall(_upload(500_000)[:-1])

    wait_until(lambda: not served.server._connections, "the loss of the connection")
    assert served.server.site._disk._promised == 0
    assert not stub_gateway.forms
    assert not list(stub_gateway.upload_folder.iterdir())
