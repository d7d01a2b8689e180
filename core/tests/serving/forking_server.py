"""``forking_server.py SOCKET FOLDER [bare]``: several processes that answer at one socket.

Each leaves a file with its process id in the folder: the one that was started, one that it has
forked, and one that has left its session, group and parent, and with ``bare`` its environment.
``GET /end`` ends the first alone.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path


def main() -> None:
    """Fork, and answer every request in each process."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    folder = Path(sys.argv[2])
    first = os.getpid()
    if "again" in sys.argv:
        serve(listener, folder, first)
    if os.fork() == 0:
        serve(listener, folder, first)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            if "bare" in sys.argv:
                os.execve(sys.executable, [sys.executable, *sys.argv[:3], "again"], {})
            serve(listener, folder, first)
        os._exit(0)
    serve(listener, folder, first)


def serve(listener: socket.socket, folder: Path, first: int) -> None:
    """Answer until killed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    (folder / str(os.getpid())).touch()
    while True:
        connection, _ = listener.accept()
        with connection:
            if b"/end" in connection.recv(4096):
                os.kill(first, signal.SIGKILL)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")


if __name__ == "__main__":
    main()
