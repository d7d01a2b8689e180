"""The server of the architect in this process, on a socket of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from attrs import define

from famulus_flask.serving.server import Server
from famulus_flask.serving.settings import Settings

_PATIENCE = 20.0


@define
class Served:
    """A running server, and raw sockets to it."""

    port: int
    server: Server
    #: ends the server and waits for its end
    stop: Callable[[], None]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE)

    def talk(self, *pieces: bytes) -> bytes:
        """Send the pieces one by one; return all that comes back until the server closes."""
        with self.connect() as client:
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    client.sendall(piece)
            return read_all(client)


class Serve(Protocol):
    """Starts servers that are stopped at the end of the test, on a port or on ``listener``."""

    def __call__(
        self, application: Any, *, listener: socket.socket | None = None, **settings: Any
    ) -> Served: ...


def read_all(client: socket.socket) -> bytes:
    """Return what comes until the other end closes."""
    received = []
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(65536):
            received.append(piece)
    return b"".join(received)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with contextlib.ExitStack() as stack:

        def start(
            application: Any, *, listener: socket.socket | None = None, **settings: Any
        ) -> Served:
            listener = listener or socket.create_server(("127.0.0.1", 0), backlog=256)
            return stack.enter_context(_served(application, listener, settings))

        yield start


@contextlib.contextmanager
def _served(
    application: Any, listener: socket.socket, settings: dict[str, Any]
) -> Iterator[Served]:
    chosen = Settings(**{"threads": 4, "sweep_seconds": 0.05, "stop_seconds": 0.2, **settings})
    ready = threading.Event()
    wrong: list[dict[str, Any]] = []
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, Server]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
        stopping = asyncio.Event()
        server = Server(application, listener, chosen)
        running.append((asyncio.get_running_loop(), stopping, server))
        ready.set()
        await server.serve_until(stopping, 256)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    port = listener.getsockname()[1]
    thread.start()
    assert ready.wait(_PATIENCE)
    loop, stopping, server = running[0]

    def stop() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(stopping.set)
        thread.join(_PATIENCE)
        assert not thread.is_alive()

    try:
        yield Served(port, server, stop)
    finally:
        stop()
    assert not wrong


@pytest.fixture
def stub_gateway(tmp_path: Path) -> Any:
    import runpy

    stub = runpy.run_path(str(Path(__file__).with_name("flask_stub_gateway.py")))
    return stub["StubGateway"](tmp_path)
