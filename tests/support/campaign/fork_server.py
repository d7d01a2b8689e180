"""``python -m campaign.fork_server SOCKET``: fork a server for each line of standard input.

It prints the server's process id, and waits for its end. The server is killed with it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from famulus_flask import app, serve, wsgi

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Fork servers until standard input ends."""
    listener = int(sys.argv[1])
    # What is imported here need not be imported by each server.
    assert app is not None
    assert wsgi is not None
    for _ in sys.stdin:
        server = os.fork()
        if server == 0:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            serve.main(
                [
                    "--socket",
                    str(listener),
                    "--threads",
                    "8",
                    "--min-free-bytes",
                    "0",
                    "--application",
                    "famulus_flask.wsgi:create_app",
                ]
            )
            os._exit(0)
        sys.stdout.write(f"{server}\n")
        sys.stdout.flush()
        os.waitpid(server, 0)


if __name__ == "__main__":
    main()
