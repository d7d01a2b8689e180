"""Identity of processes across containers and hosts, and whether one has certainly ended.

Host names and process ids repeat between containers. A process is only reported dead when that is
certain: it ran under this boot of this kernel, in this PID namespace, and its process id is free or
belongs to a process with another start time.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Self

from attrs import astuple, frozen

_PROC = Path("/proc")
_LONGEST_HOST = 64
#: Fields of /proc/PID/stat after the command's name, which may contain spaces and parentheses.
_STATE, _START_TIME = 0, 19
_ENDED = ("Z", "X")


@frozen
class ProcessIdentity:
    """The identity of a process.

    ``boot`` is empty if the system does not provide enough to recognise the process later.
    """

    pid: int
    #: in clock ticks since the boot
    started: str
    boot: str
    #: the PID and the time namespace: process ids and start times are relative to them
    namespaces: str
    host: str

    @classmethod
    def current(cls) -> Self:
        """Return the identity of the calling process."""
        boot, namespaces, started = _kernel_identity()
        return cls(os.getpid(), started, boot, namespaces, socket.gethostname()[:_LONGEST_HOST])

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the identity that ``str()`` wrote, or None for any other text."""
        pid, *rest = text.split(" ", 4)
        if len(rest) != 4 or not pid.isdigit():
            return None
        return cls(int(pid), *rest)

    def __str__(self) -> str:
        return " ".join(map(str, astuple(self)))

    @property
    def is_dead(self) -> bool:
        """Whether the process has certainly ended; False if that cannot be known here."""
        boot, namespaces, _ = _kernel_identity()
        if not boot or (self.boot, self.namespaces) != (boot, namespaces):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        fields = _stat(str(self.pid))
        if fields is None:
            # The process is hidden from this user, or has just ended.
            return False
        return fields[_START_TIME] != self.started or (
            fields[_STATE] in _ENDED and _threads(self.pid) <= 1
        )


def is_dead(identity: str) -> bool:
    """Return whether the process with a stored identity has certainly ended."""
    process = ProcessIdentity.parse(identity)
    return process is not None and process.is_dead


def describe(identity: str) -> str:
    """Describe the process with a stored identity, for a message."""
    process = ProcessIdentity.parse(identity)
    return "another process" if process is None else f"process {process.pid} on {process.host}"


def _kernel_identity() -> tuple[str, str, str]:
    """Return the boot id, and the namespaces and start time of this process.

    They are empty if the system does not provide them, or if /proc belongs to another PID
    namespace.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        names = [str((_PROC / "self/ns" / name).readlink()) for name in ("pid", "time")]
        shown_as = str((_PROC / "self").readlink())
    except OSError:
        return "", "-", "-"
    fields = _stat("self")
    if fields is None or shown_as != str(os.getpid()):
        return "", "-", "-"
    return boot, ",".join(names), fields[_START_TIME]


def _stat(pid: str) -> list[str] | None:
    try:
        text = (_PROC / pid / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _threads(pid: int) -> int:
    try:
        return sum(1 for _ in (_PROC / str(pid) / "task").iterdir())
    except OSError:
        return 0
