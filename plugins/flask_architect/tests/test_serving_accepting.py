"""Connections are accepted as far as there are files for them, and none is forgotten."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

import pytest

from famulus.testing.waiting import wait_until


class _Listener(socket.socket):
    """A listening socket of a process that can open no file, until it can again."""

    def __init__(self) -> None:
        super().__init__()
        self.bind(("127.0.0.1", 0))
        self.listen()
        self.attempts = 0
        self.has_files = False

    def accept(self) -> Any:
        self.attempts += 1
        if not self.has_files:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().accept()


def _application(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"here"]


def test_connection_waits_until_there_is_a_file_for_it(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    listener = _Listener()
    served = serve(_application, listener=listener, accept_pause_seconds=0.01)
    with served.connect() as client:
        wait_until(lambda: listener.attempts >= 3, "three attempts")
        listener.has_files = True
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        assert client.recv(4096).startswith(b"HTTP/1.1 200 OK")

    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "no connection can be accepted, new ones have to wait",
        "connections are accepted again",
    ]


def test_server_stops_while_connections_wait(serve: Any) -> None:
    listener = _Listener()
    served = serve(_application, listener=listener, accept_pause_seconds=0.01)
    with served.connect():
        wait_until(lambda: listener.attempts > 0, "an attempt")

        served.stop()

    with pytest.raises(ConnectionRefusedError):
        served.connect()
