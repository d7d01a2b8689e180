"""The processes of one deployment, found by a random token in their environment.

The system reuses process ids, so a stored id proves nothing later. A token does: only the processes
that a deployment has started, and their descendants, can have it. Finding them needs Linux with
/proc; elsewhere a server is ended only by its lifeline.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from attrs import field, frozen

from famulus.errors import UnavailableError

TOKEN_VARIABLE = "FAMULUS_DEPLOYMENT"

_PROC = Path("/proc")
#: Fields of /proc/PID/stat after the command's name, which may contain spaces and parentheses.
_PARENT, _START_TIME = 1, 19
#: Seconds in which a process that was killed ends.
_SECONDS = 5.0
#: Seconds between two looks, where the end of a process cannot be waited for.
_POLL_SECONDS = 0.02


@frozen
class _Process:
    pid: int
    #: with the pid, identifies a process until the next boot
    started: str
    parent: int = field(eq=False)


def end_processes(token: str) -> None:
    """Kill all processes of a deployment, with their descendants, and wait until they have ended.

    :raises famulus.UnavailableError: when one does not end within five seconds.
    """
    if sys.platform != "linux" or not (_PROC / "self" / "stat").exists():
        return
    deadline = time.monotonic() + _SECONDS
    # A process may fork while the others are read: until none is left.
    while found := _of_deployment(token):
        with contextlib.ExitStack() as stack:
            for ended in [stack.enter_context(_killed(process)) for process in found]:
                ended(deadline)
        if time.monotonic() > deadline:
            left = ", ".join(str(process.pid) for process in found)
            raise UnavailableError(
                f"an earlier server of the run, process {left}, does not end; kill it, then resume"
                " the run"
            )


@contextlib.contextmanager
def _killed(process: _Process) -> Iterator[Callable[[float], None]]:
    """Kill a process; yield a function that waits until it has ended, or until a given deadline."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        yield lambda _: None
        return
    except OSError:
        # An old kernel, or a sandbox that refuses it: if this process has ended, its id may be that
        # of another one.
        if _read(process.pid) == process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, signal.SIGKILL)
        yield lambda _: time.sleep(_POLL_SECONDS)
        return
    try:
        # The descriptor is of the process that was found if that is still there.
        if _read(process.pid) == process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            yield lambda deadline: _wait(descriptor, deadline)
        else:
            yield lambda _: None
    finally:
        os.close(descriptor)


def _wait(descriptor: int, deadline: float) -> None:
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    waiting.poll(max(0.0, deadline - time.monotonic()) * 1000)


def _of_deployment(token: str) -> list[_Process]:
    """Return the processes with a token and all their descendants, but not this process."""
    mark = f"{TOKEN_VARIABLE}={token}".encode()
    running = {process.pid: process for process in _all()}
    found = {pid for pid in running if _is_marked(pid, mark)}
    # Some programs write over their environment when they change their title.
    found |= {pid for pid in running if _has_ancestor(pid, found, running)}
    return [running[pid] for pid in found - {os.getpid()}]


def _has_ancestor(pid: int, wanted: set[int], running: Mapping[int, _Process]) -> bool:
    seen = set()
    while (process := running.get(pid)) is not None and pid not in seen:
        seen.add(pid)
        pid = process.parent
        if pid in wanted:
            return True
    return False


def _is_marked(pid: int, mark: bytes) -> bool:
    try:
        return mark in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _all() -> Iterator[_Process]:
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (process := _read(int(entry.name))) is not None:
            yield process


def _read(pid: int) -> _Process | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return _Process(pid, fields[_START_TIME], int(fields[_PARENT]))
