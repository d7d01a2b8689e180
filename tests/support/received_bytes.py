"""What a server sends over a socket."""

from __future__ import annotations

import socket


def received(client: socket.socket) -> bytes:
    """Return everything that is sent until the connection ends."""
    pieces = b""
    while piece := client.recv(65536):
        pieces += piece
    return pieces
