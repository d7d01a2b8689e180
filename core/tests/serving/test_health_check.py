"""What counts as an answer of a server, and as one that does not come."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from famulus.serving.health_check import HealthReply, SilenceCount, ask_health

_HOST = "127.0.0.1"
_STATED = b'{"run": 7, "instance": "x", "busy": true}'

Answer = Callable[[bytes | None], int]


@pytest.fixture
def answering() -> Iterator[Answer]:
    """Answer one request with bytes, or never with None; return the port."""
    with contextlib.ExitStack() as stack:

        def answer(reply: bytes | None) -> int:
            listener = stack.enter_context(socket.create_server((_HOST, 0)))
            if reply is not None:
                thread = threading.Thread(target=lambda: _answer(listener, reply))
                thread.start()
                stack.callback(thread.join)
            return int(listener.getsockname()[1])

        yield answer


def _answer(listener: socket.socket, reply: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(reply)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n" + _STATED, HealthReply(7, "x", busy=True)),
        (b"HTTP/1.1 404 Not Found\r\n\r\nno such page", HealthReply()),
        (b'HTTP/1.1 200 OK\r\n\r\n{"run": "many", "instance": []}', HealthReply()),
        (b"HTTP/1.1 200 OK\r\n\r\n[1]", HealthReply()),
        (b"SSH-2.0-OpenSSH_9.9\r\n", None),
    ],
)
def test_any_reply_of_http_is_an_answer(
    answering: Answer, reply: bytes, expected: HealthReply | None
) -> None:
    assert ask_health(_HOST, answering(reply), timeout=10) == expected


def test_connection_that_closes_without_a_reply_is_no_answer(answering: Answer) -> None:
    with pytest.raises(ConnectionError):
        ask_health(_HOST, answering(b""), timeout=10)


def test_server_that_never_answers_is_given_up_in_time(answering: Answer) -> None:
    port = answering(None)
    begun = time.monotonic()

    with pytest.raises(TimeoutError):
        ask_health(_HOST, port, timeout=0.2)

    assert 0.2 <= time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("checks", "is_over"),
    [
        ([(0, False), (40, False)], False),
        ([(0, False), (1, False), (2, False)], False),
        ([(0, False), (20, False), (31, False)], True),
        ([(0, False), (20, True), (31, False), (32, False)], False),
    ],
)
def test_server_is_given_up_after_several_silent_checks_over_some_time(
    checks: list[tuple[float, bool]], is_over: bool
) -> None:
    silence = SilenceCount(checks=3, seconds=30)

    found = [silence.is_over(answered=answered, now=now) for now, answered in checks]

    assert found[-1] is is_over
