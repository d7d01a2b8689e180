"""Workers without think time, in a process of their own: as cheap as Python can be.

One thread, raw sockets that stay open, requests put together from bytes made beforehand; run as a
script with a host, its ports and a load as JSON, it prints what :func:`work` returns.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

_BOUNDARY = b"------------------------famulus0benchmark"
#: an answer of 1 kB
_FIELDS = ((b"rating", b"bad"), (b"comment", b"x" * 1000))
_HIDDEN = re.compile(rb'name="(famulus_token|famulus_submission)" value="([^"]+)"')
_ACTION = re.compile(rb' action="(submit[^"]*)"')
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_RECEIVED = 1 << 18


def arrival(worker: str, reference: str) -> bytes:
    """Return the request for a worker's page."""
    query = f"worker_id={worker}&assignment_id={reference}"
    return f"GET /?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def submission(page: bytes) -> bytes:
    """Return the request that the page's script sends once its form is filled in."""
    hidden = _HIDDEN.findall(page)
    if len(hidden) != 2:
        raise LookupError(f"no form of a task in {page[:300]!r}")
    body = b"".join(_part(name, value) for name, value in (*hidden, *_FIELDS)) + _END
    action = _ACTION.search(page)
    assert action is not None
    return _POST % (action[1], len(body)) + body


def work(host: str, ports: Sequence[int], load: Mapping[str, Any]) -> dict[str, Any]:
    """Let workers do units until a time or a number of units is over, evenly over the ports.

    ``load`` has ``workers``, the ``prefix`` of their names, and the ``seconds`` and ``units`` after
    which no unit is begun; where there are fewer units than workers, there are as many workers. The
    result has the ``units`` done, the ``seconds`` that took, and p50 and p99 of ``arrive`` and
    ``submit`` in seconds.
    """
    selector = selectors.EpollSelector()
    visits = [
        _Visitor(selector, host, ports[number % len(ports)], f"{load['prefix']}{number}")
        for number in range(min(load["workers"], load["units"]))
    ]
    started = time.perf_counter()
    deadline = started + load["seconds"]
    begun = done = 0
    for visitor in visits:
        begun += 1
        visitor.arrive()
    while selector.get_map():
        for key, _ in selector.select(30.0) or _silence():
            visitor = key.data
            if not visitor.receive():
                continue
            done += 1
            if time.perf_counter() < deadline and begun < load["units"]:
                begun += 1
                visitor.arrive()
            else:
                visitor.leave()
    seconds = time.perf_counter() - started
    return {
        "units": done,
        "seconds": seconds,
        "arrive": _percentiles([each for visitor in visits for each in visitor.arrived]),
        "submit": _percentiles([each for visitor in visits for each in visitor.submitted]),
    }


class _Visitor:
    """One worker on one connection."""

    def __init__(self, selector: selectors.BaseSelector, host: str, port: int, name: str) -> None:
        self.arrived: list[float] = []
        self.submitted: list[float] = []
        self._name = name
        self._visits = 0
        self._selector = selector
        self._socket = socket.create_connection((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._expected = 0
        self._sent_at = 0.0
        self._is_submitting = False
        selector.register(self._socket, selectors.EVENT_READ, self)

    def arrive(self) -> None:
        """Ask for a page."""
        self._visits += 1
        self._is_submitting = False
        self._send(arrival(self._name, str(self._visits)))

    def leave(self) -> None:
        """Close the connection."""
        self._selector.unregister(self._socket)
        self._socket.close()

    def receive(self) -> bool:
        """Take the received bytes; return whether they complete a unit."""
        received = self._socket.recv(_RECEIVED)
        if not received:
            raise ConnectionError("the server has closed the connection")
        self._received = self._received + received if self._received else received
        if not self._expected:
            self._expected = _announced(self._received)
        if not self._expected or len(self._received) < self._expected:
            return False
        took = time.perf_counter() - self._sent_at
        if not self._received.startswith(b"HTTP/1.1 200"):
            raise LookupError(f"the server says {self._received[:2000]!r}")
        if self._is_submitting:
            self.submitted.append(took)
            return True
        self.arrived.append(took)
        self._is_submitting = True
        self._send(submission(self._received))
        return False

    def _send(self, request: bytes) -> None:
        self._received, self._expected = b"", 0
        self._sent_at = time.perf_counter()
        self._socket.sendall(request)


def _announced(received: bytes) -> int:
    """Return the length of a reply with its headers, or 0 while those are not all there."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return 0
    length = _LENGTH.search(received, 0, end)
    if length is None:
        raise LookupError(f"the server announces no length: {received[:300]!r}")
    return end + 4 + int(length[1])


def _silence() -> Sequence[Any]:
    raise TimeoutError("the server has sent nothing for 30 seconds")


def _percentiles(times: list[float]) -> tuple[float, float]:
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.99)]


def _part(name: bytes, value: bytes) -> bytes:
    head = b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n' % (_BOUNDARY, name)
    return head + value + b"\r\n"


_END = b"--%s--\r\n" % _BOUNDARY
_POST = (
    b"POST /%%s HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
    b"Content-Type: multipart/form-data; boundary=%s\r\nContent-Length: %%d\r\n\r\n" % _BOUNDARY
)


if __name__ == "__main__":
    sys.stdout.write(
        json.dumps(work(sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])))
    )
