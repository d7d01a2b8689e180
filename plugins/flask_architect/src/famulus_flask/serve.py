"""The serving process: granian around the application, on a socket it is given.

:class:`famulus_flask.server_process.ServerProcess` starts it. It ends within a second of its
operator, and granian's worker, its only child, ends with it.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import multiprocessing
import os
import select
import socket
import sys
import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.net import SocketHolder  # type: ignore[attr-defined]
from granian.server import MPServer

from famulus import FamulusError
from famulus_flask.listening import BACKLOG

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Seconds that running requests may take once the server was told to stop.
GRACE_SECONDS = 10

#: Connections at once, those that are idle too; more wait to be accepted.
_CONNECTIONS = 4096
_FILES_BESIDES_CONNECTIONS = 1024
_CONFIDENTIAL_PREFIXES = ("FAMULUS_", "PG")


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM, or until the operator is gone."""
    operator = os.getppid()
    options = _parser().parse_args(arguments)
    listener = socket.socket(fileno=options.socket)
    server = _Server(listener, threads=options.threads, connections=_allowed_connections())
    server.on_startup(functools.partial(_end_with_operator, operator, options.lifeline))
    loader = functools.partial(load_application, options.application)
    server.serve(target_loader=loader, wrap_loader=False)


def load_application(name: str) -> WSGIApplication:
    """Make the application ``module:factory`` in granian's worker.

    What its factory raises as a :class:`famulus.FamulusError` ends the worker in one line.
    """
    _end_with_parent()
    module, _, factory = name.partition(":")
    try:
        application = getattr(importlib.import_module(module), factory)()
    except FamulusError as error:
        sys.exit(str(error))
    confidential = [name for name in os.environ if name.startswith(_CONFIDENTIAL_PREFIXES)]
    return functools.partial(_call_without, confidential, application)


class _Server(MPServer):
    """granian on a socket that is bound already.

    granian itself binds with SO_REUSEPORT, which lets a second server share the port unnoticed. A
    version that did not call this method would fail to bind the taken port: loudly.
    """

    _shd: Any

    def __init__(self, listener: socket.socket, *, threads: int, connections: int) -> None:
        super().__init__(
            "",
            interface=Interfaces.WSGI,
            http=HTTPModes.http1,
            websockets=False,
            workers=1,
            blocking_threads=threads,
            backlog=BACKLOG,
            backpressure=connections,
            workers_kill_timeout=GRACE_SECONDS,
            log_level=LogLevels.error,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        descriptor = self._listener.fileno()
        has_backlog = sys.platform.startswith(("linux", "freebsd"))
        arguments = (descriptor, False, BACKLOG) if has_backlog else (descriptor, False)
        self._shd = SocketHolder(*arguments)
        self._sso = self._listener
        self._listener.set_inheritable(True)

    def signal_handler_interrupt(self, *args: object, **kwargs: object) -> None:
        """Stop; a copy of the socket left open here would keep newcomers waiting for nobody."""
        self._listener.close()
        super().signal_handler_interrupt(*args, **kwargs)  # type: ignore[no-untyped-call]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m famulus_flask.serve")
    parser.add_argument("--socket", type=int, required=True, help="descriptor that listens")
    parser.add_argument("--lifeline", type=int, required=True, help="pipe that the operator holds")
    parser.add_argument("--threads", type=int, required=True, help="requests at the same time")
    parser.add_argument("--application", required=True, help="module:factory")
    return parser


def _allowed_connections() -> int:
    """Raise the limit of open files as far as needed and allowed; say what it leaves room for."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS + _FILES_BESIDES_CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return min(_CONNECTIONS, soft // 2)
    return _CONNECTIONS


def _end_with_operator(operator: int, lifeline: int) -> None:
    """End this process as soon as the operator's: nobody would stop it otherwise.

    The pipe closes with the operator, unless a fork of it holds a copy; hence the look at the
    parent.
    """

    def watch() -> None:
        while os.getppid() == operator and not select.select([lifeline], [], [], 1.0)[0]:
            pass
        os._exit(1)

    threading.Thread(target=watch, name="famulus-lifeline", daemon=True).start()


def _end_with_parent() -> None:
    """End this process as soon as the one that started it through multiprocessing."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="famulus-parent", daemon=True).start()


def _call_without(
    names: Iterable[str],
    application: WSGIApplication,
    environ: WSGIEnvironment,
    start_response: StartResponse,
) -> Iterable[bytes]:
    """Keep the process' own variables out of the request: granian puts all of them in."""
    for name in names:
        environ.pop(name, None)
    return application(environ, start_response)


if __name__ == "__main__":
    main()
