"""How the server stops, in an event loop whose steps the test chooses."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from famulus_flask.serving.server import Server
from famulus_flask.serving.settings import Settings

_PATIENCE = 20.0


def _application(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"here"]


def test_connection_accepted_while_the_server_stops_is_closed() -> None:
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

    with ThreadPoolExecutor(1) as executor:
        executor.submit(lambda: asyncio.run(connect_and_stop())).result()
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

    asyncio.run(start_and_cancel())

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=_PATIENCE)
