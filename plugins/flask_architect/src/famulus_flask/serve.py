"""The serving process: it serves the application on a socket that the architect passes to it.

The architect starts this process, and ensures that it ends with its operator.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from famulus import FamulusError
from famulus_flask.serving.server import Server
from famulus_flask.serving.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: Connections that wait to be accepted.
_BACKLOG = 1024
#: Connections at the same time, idle ones included. Each may have a file for the body it receives.
_CONNECTIONS = 4096
_FILES_BESIDES_CONNECTIONS = 4096 + 1024
#: Seconds in which the application closes what it has opened, after its last request.
_CLOSING_SECONDS = 2.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM."""
    options = _parser().parse_args(arguments)
    settings = Settings(
        threads=options.threads,
        connections=_allowed_connections(),
        min_free_bytes=options.min_free_bytes,
        stop_seconds=options.stop_seconds,
    )
    gc.disable()
    application = load_application(options.application)
    # What is loaded stays: neither the start nor a request waits for a look at all of it.
    gc.freeze()
    gc.enable()
    asyncio.run(_serve(application, socket.socket(fileno=options.socket), settings))
    # A thread that hangs in a request may have a lock that closing waits for.
    _end_after(_CLOSING_SECONDS)


def load_application(name: str) -> WSGIApplication:
    """Return the application that ``module:factory`` makes.

    If the factory raises a :class:`famulus.FamulusError`, the process ends with one line.
    """
    module, _, factory = name.partition(":")
    try:
        application: WSGIApplication = getattr(importlib.import_module(module), factory)()
    except FamulusError as error:
        sys.exit(str(error))
    return application


async def _serve(application: WSGIApplication, listener: socket.socket, settings: Settings) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await Server(application, listener, settings).serve_until(stopping, _BACKLOG)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m famulus_flask.serve")
    parser.add_argument("--socket", type=int, required=True, help="descriptor that listens")
    parser.add_argument("--threads", type=int, required=True, help="requests at the same time")
    parser.add_argument(
        "--min-free-bytes", type=int, required=True, help="space that uploads must leave free"
    )
    parser.add_argument(
        "--stop-seconds",
        type=float,
        default=Settings().stop_seconds,
        help="how long requests under way may take after SIGTERM",
    )
    parser.add_argument("--application", required=True, help="module:factory")
    return parser


def _allowed_connections() -> int:
    """Raise the limit of open files as far as needed and allowed.

    Return how many connections the limit leaves room for.
    """
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS + _FILES_BESIDES_CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return min(_CONNECTIONS, soft // 3)
    return _CONNECTIONS


def _end_after(seconds: float) -> None:
    timer = threading.Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    main()
