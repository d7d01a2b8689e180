"""One process of a run that any WSGI server serves: granian with the application of famulus-flask.

Run as a script with a port and a number of threads; the environment names database and run.
"""

from __future__ import annotations

import sys

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import MPServer

from famulus_flask.wsgi import create_app


def main(port: str, threads: str) -> None:
    """Serve until SIGTERM."""
    server = MPServer(
        "",
        address="127.0.0.1",
        port=int(port),
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=1,
        blocking_threads=int(threads),
        log_level=LogLevels.error,
    )
    server.serve(target_loader=create_app, wrap_loader=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
