"""How the server stops: no connection, request or file is left behind."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from famulus.testing.waiting import wait_until
from famulus_flask.app import create_app
from famulus_flask.serving.server import Server
from famulus_flask.serving.settings import Settings

_PATIENCE = 20.0


def _application(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"here"]


def _run(coroutine: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine in a thread: a test in a browser may leave a loop in the main thread."""
    with ThreadPoolExecutor(1) as executor:
        executor.submit(lambda: asyncio.run(coroutine())).result()


def test_connection_accepted_while_the_server_stops_is_closed() -> None:
    """In an event loop whose steps the test chooses."""
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.socket()

    async def connect_and_stop() -> None:
        server = Server(_application, listener, Settings(threads=1, stop_seconds=_PATIENCE))
        stopping = asyncio.Event()
        serving = asyncio.create_task(server.serve_until(stopping, backlog=1))
        await asyncio.sleep(0)
        client.connect(listener.getsockname())
        before = asyncio.all_tasks()
        # The event loop accepts the connection in the step in which the stop is asked for, and the
        # server sees the stop first.
        await asyncio.sleep(0)
        stopping.set()
        async with asyncio.timeout(_PATIENCE):
            while not asyncio.all_tasks() - before:
                await asyncio.sleep(0)
            await serving

    _run(connect_and_stop)

    with client:
        client.settimeout(_PATIENCE)
        assert client.recv(1) == b""


def test_cancelled_server_listens_no_longer() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()

    async def start_and_cancel() -> None:
        server = Server(_application, listener, Settings(threads=1))
        serving = asyncio.create_task(server.serve_until(asyncio.Event(), backlog=1))
        await asyncio.sleep(0)
        serving.cancel()
        await asyncio.wait([serving], timeout=_PATIENCE)
        assert serving.cancelled()

    _run(start_and_cancel)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=_PATIENCE)


def test_request_whose_client_has_left_is_completed_before_the_end(serve: Any) -> None:
    begun = threading.Event()
    completed = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        begun.set()
        wait_until(lambda: served.server.is_stopping, "the stop")
        completed.append(environ["PATH_INFO"])
        return _application(environ, start_response)

    served = serve(application, stop_seconds=_PATIENCE)
    with served.connect() as client:
        client.sendall(b"GET /left HTTP/1.1\r\nHost: x\r\n\r\n")
        assert begun.wait(_PATIENCE)
        reset_when_closed = struct.pack("ii", 1, 0)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_when_closed)
    wait_until(lambda: not served.server._connections, "the loss of the connection")

    served.stop()

    assert completed == ["/left"]


def test_requests_that_wait_for_a_thread_at_the_end_are_given_up(
    serve: Any, stub_gateway: Any, caplog: pytest.LogCaptureFixture
) -> None:
    begun, ending = threading.Event(), threading.Event()

    def hang(query: Any, *, accept_language: str) -> Any:
        begun.set()
        ending.wait(_PATIENCE)

    stub_gateway.arrive = hang
    earlier = set(threading.enumerate())
    served = serve(create_app(stub_gateway), threads=1, stop_seconds=0.1)
    started = set(threading.enumerate()) - earlier
    (thread,) = (each for each in started if each.name == "famulus-request-1")
    head = b"POST /submit HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=cut"
    field = b"--cut\r\nContent-Disposition: form-data; name=a\r\n\r\n%s\r\n--cut--\r\n" % bytes(
        100_000
    )
    with served.connect() as hanging, served.connect() as waiting:
        hanging.sendall(b"GET /?a=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert begun.wait(_PATIENCE)
        waiting.sendall(head + b"\r\nContent-Length: %d\r\n\r\n" % len(field) + field)
        wait_until(lambda: served.server.pool._outstanding == 2, "the second request")

        served.stop()

    assert served.server.site._disk._promised == 0
    ending.set()
    thread.join(_PATIENCE)
    assert not thread.is_alive()
    assert not stub_gateway.forms
    assert "threads have been busy" not in caplog.text
