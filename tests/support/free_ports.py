"""Ports for programs that get theirs as an option."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def free_port() -> int:
    """Return a port that nothing uses now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def free_ports(number: int) -> int:
    """Return the first of so many ports in a row that nothing uses now."""
    while True:
        first = free_port()
        with ExitStack() as stack:
            try:
                for port in range(first, first + number):
                    stack.enter_context(socket.create_server(("127.0.0.1", port)))
            except (OSError, OverflowError):
                continue  # one is taken, or the last one would be too high
            return first
