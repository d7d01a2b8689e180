"""Bind the socket of a run so that no two servers share a port."""

from __future__ import annotations

import errno
import socket
import time

from famulus.serving.health_check import ask_health

#: Connections that wait to be accepted, while the server starts too.
_BACKLOG = 1024

_LOOPBACK = ("127.0.0.1", "localhost")
_NEAREST = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class CannotListenError(Exception):
    """The address is not available; ``option`` is the one to change."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


def listen(hostname: str, port: int, *, patience: float, remedy: str) -> socket.socket:
    """Bind and listen, without SO_REUSEPORT, so that a second server on the port gets an error.

    Waits up to ``patience`` seconds for a Famulus server on that port to end: a server whose
    operator was killed ends by itself.

    :param remedy: the advice in the message if the port is taken.
    :raises CannotListenError: naming the program that has the port, if known.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return _bind(hostname, port, remedy)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise _refusal(hostname, port, error) from error
            occupant, may_end = _occupant(hostname, port)
            if not may_end or time.monotonic() >= deadline:
                message = f"port {port} is taken on {hostname}{occupant}; {remedy}"
                raise CannotListenError("port", message) from error
            time.sleep(0.05)


def reachable_host(hostname: str) -> str:
    """Return an address under which this machine reaches a server that listens on ``hostname``."""
    return _NEAREST.get(hostname, hostname)


def _bind(hostname: str, port: int, remedy: str) -> socket.socket:
    try:
        found = socket.getaddrinfo(hostname, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is empty or too long
        raise _unknown(hostname) from error
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    try:
        if hostname in _LOOPBACK and port:
            _require_free_on_ipv6_loopback(port, remedy)
    except CannotListenError:
        listener.close()
        raise
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _require_free_on_ipv6_loopback(port: int, remedy: str) -> None:
    """Raise an error if another server has the port on ``::1``, which browsers try first."""
    if not socket.has_ipv6:
        return
    try:
        socket.create_server(("::1", port), family=socket.AF_INET6).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = (
                f"port {port} is taken on ::1, where browsers look for localhost first; {remedy}"
            )
            raise CannotListenError("port", message) from error


def _occupant(hostname: str, port: int) -> tuple[str, bool]:
    """Return a description of the program that has the port, and whether it may be about to end."""
    try:
        health = ask_health(reachable_host(hostname), port, timeout=1.0)
    except OSError:
        return "", True
    if health is None or health.run is None:
        return " by another program", False
    return f" by the Famulus server of run {health.run}", True


def _refusal(hostname: str, port: int, error: OSError) -> CannotListenError:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return _unknown(hostname)
    if error.errno == errno.EACCES:
        message = f"port {port} needs the system's permission; choose one above 1023"
        return CannotListenError("port", message)
    return CannotListenError(
        "port", f"cannot listen on {hostname}:{port}: {error.strerror or error}"
    )


def _unknown(hostname: str) -> CannotListenError:
    return CannotListenError("hostname", f"{hostname!r} is not an address of this machine")
