"""Runs a server, and ends it with everything it has started when the operator is gone.

This script is started by its path, with the process id of the operator, two descriptors and the
command: ``keeper.py OPERATOR LIFELINE SOCKET PROGRAM ARGUMENT…``. It imports little, so that it
starts quickly and stays small.

- SIGTERM is passed on to the server, which ends in its own time.
- When the pipe ``LIFELINE`` closes, or the process ``OPERATOR`` is no longer the parent, everything
  is killed at once.
- When the server ends, what it has left behind is killed too.

On Linux a process whose parent has ended becomes a child of the keeper, so no descendant of the
server is missed, even in another session or process group; and the server is killed when the keeper
is killed. Elsewhere, and without /proc, the process group is killed.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator

#: Seconds between looks at the parent: a fork of the operator may keep the pipe open.
_LOOK_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_IS_LINUX = sys.platform == "linux"
_CANNOT_EXECUTE = 127
_HANDLED = (signal.SIGCHLD, signal.SIGTERM)


def main() -> None:
    """Run the server until it ends, or until the operator does."""
    operator, lifeline, listener = map(int, sys.argv[1:4])
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    os.set_inheritable(lifeline, False)
    # Until each process has its own handlers: the server would lose a signal to those of this one.
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    wakes = _wake_at(*_HANDLED)
    server = _start(sys.argv[4:])
    _unblock_signals()
    os.close(listener)
    # Not select(), which takes no descriptor above 1023; the operator may have more open files.
    waiting = select.poll()
    waiting.register(lifeline, select.POLLIN)
    waiting.register(wakes, select.POLLIN)
    while os.getppid() == operator:
        ready = {descriptor for descriptor, _ in waiting.poll(_LOOK_SECONDS * 1000)}
        if lifeline in ready or _has_ended(server):
            break
        if wakes in ready and signal.SIGTERM in os.read(wakes, 4096):
            os.kill(server, signal.SIGTERM)
    _kill_all()


def _wake_at(*signals: signal.Signals) -> int:
    """Return a descriptor from which the numbers of arriving signals can be read."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for each in signals:
        signal.signal(each, lambda *_: None)
    return reader


def _unblock_signals() -> None:
    """Unblock all signals: this process inherits the blocks of a parent that waits for signals."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _start(command: list[str]) -> int:
    keeper = os.getpid()
    server = os.fork()
    if server:
        return server
    try:
        signal.set_wakeup_fd(-1)
        for each in _HANDLED:
            signal.signal(each, signal.SIG_DFL)
        _unblock_signals()
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == keeper:
            os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(_CANNOT_EXECUTE)


def _has_ended(server: int) -> bool:
    """Collect the processes that have ended; return whether the server is one of them."""
    while True:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if ended in (0, server):
            return ended == server


def _kill_all() -> None:
    # A chroot may have an empty /proc, where no child would be found.
    if not (_IS_LINUX and os.path.exists("/proc/self/stat")):
        os.killpg(0, signal.SIGKILL)
    while True:
        # Those that a killed process leaves become children of this one, and are found next time.
        for child in _children():
            os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> Iterator[int]:
    own = str(os.getpid())
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[1] == own:
                yield int(name)


def _prctl(option: int, value: int) -> None:
    if _IS_LINUX:
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
