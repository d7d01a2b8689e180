"""Health checks of a server: one request, in plain bytes, since core has no HTTP library."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

from attrs import define, frozen

_REQUEST = b"GET /healthz HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_LONGEST_REPLY = 65536


@frozen
class HealthReply:
    """The reply of a server. Any HTTP reply counts; only servers of Famulus set the fields."""

    #: the run that it serves; None when it is no server of Famulus
    run: int | None = None
    instance: str = ""
    #: whether every thread has a request
    busy: bool = False


@define
class SilenceCount:
    """Decides from several health checks whether a running server has to be given up.

    A server that is only slow, because it or its machine is busy, is not given up.
    """

    #: checks in a row without an answer, and the seconds between the first and the last of them,
    #: after which a server is given up
    checks: int
    seconds: float
    _failed: int = 0
    _failing_since: float = 0.0

    def is_over(self, *, answered: bool, now: float) -> bool:
        """Record the outcome of a check; return whether to give the server up."""
        if answered:
            self._failed = 0
            return False
        if self._failed == 0:
            self._failing_since = now
        self._failed += 1
        return self._failed >= self.checks and now - self._failing_since >= self.seconds


def ask_health(host: str, port: int, timeout: float) -> HealthReply | None:
    """Return the reply of the server on that port; None if the reply is not HTTP.

    :param timeout: seconds for the whole exchange.
    :raises OSError: when no complete reply comes in time.
    """
    deadline = time.monotonic() + timeout
    with socket.create_connection((host, port), timeout=timeout) as connection:
        connection.sendall(_REQUEST)
        received = b""
        while len(received) < _LONGEST_REPLY:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no complete reply within {timeout} seconds")
            connection.settimeout(left)
            piece = connection.recv(_LONGEST_REPLY)
            if not piece:
                break
            received += piece
    if not received:
        raise ConnectionResetError("the server hung up without a reply")
    return _reply(received) if received.startswith(b"HTTP/") else None


def _reply(received: bytes) -> HealthReply:
    try:
        stated: Any = json.loads(received.partition(b"\r\n\r\n")[2])
        return HealthReply(
            int(stated["run"]), str(stated["instance"]), bool(stated.get("busy", False))
        )
    except (AttributeError, LookupError, TypeError, ValueError):
        return HealthReply()
