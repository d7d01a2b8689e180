"""A proxy that adds a time to each round trip to PostgreSQL, which listens on a Unix socket.

Run as a script with a port, the path of the socket and the milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from functools import partial

_READ = 1 << 16


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    """Pass data on, each part so many seconds after it came."""
    loop = asyncio.get_running_loop()
    parts: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def write() -> None:
        while True:
            due, data = await parts.get()
            await asyncio.sleep(due - loop.time())
            writer.write(data)
            if not data:
                return

    writing = asyncio.create_task(write())
    data = b"begun"
    while data:
        with contextlib.suppress(ConnectionError):
            data = b""
            data = await reader.read(_READ)
        parts.put_nowait((loop.time() + seconds, data))
    await writing
    writer.close()


async def _connect(
    path: str, seconds: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Connect a client to the server; only the way there is slow."""
    back, there = await asyncio.open_unix_connection(path)
    await asyncio.gather(_carry(reader, there, seconds), _carry(back, writer, 0))


async def main(port: str, path: str, milliseconds: str) -> None:
    """Serve until SIGTERM."""
    connect = partial(_connect, path, float(milliseconds) / 1000)
    server = await asyncio.start_server(connect, "127.0.0.1", int(port))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
