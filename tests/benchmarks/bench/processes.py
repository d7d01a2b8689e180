"""Child processes: started, measured, ended."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from attrs import frozen

T = TypeVar("T")

_HERE = Path(__file__).parent
#: Seconds between looks at a command's memory.
_LOOK_SECONDS = 0.02


@frozen
class Cost:
    """The cost of a command: seconds of wall time and of processor time, and the most bytes it had
    in memory.
    """

    seconds: float
    processor: float
    peak: int


def famulus(database: Path | str, *arguments: str) -> list[str]:
    """Return the command line of ``famulus`` on a database."""
    return [sys.executable, "-m", "famulus", "--database", str(database), *arguments]


def script(name: str, *arguments: str) -> list[str]:
    """Return the command line of a script of this folder."""
    return [sys.executable, str(_HERE / name), *arguments]


def cost(command: Sequence[str], output: Path) -> Cost:
    """Run a command to its end.

    :raises subprocess.CalledProcessError: when it fails, with what it printed.
    """
    peak = 0
    with output.open("wb") as out:
        started = time.perf_counter()
        before = _children_seconds()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        ending = os.pidfd_open(process.pid)
        # The kernel's figures on an ended child begin with the memory of its parent.
        while not select.select([ending], [], [], _LOOK_SECONDS)[0]:
            with contextlib.suppress(LookupError):
                peak = peak_memory(process.pid)
        seconds = time.perf_counter() - started
        os.close(ending)
    if process.wait():
        raise subprocess.CalledProcessError(
            process.returncode, command, output=output.read_text()[-2000:]
        )
    return Cost(seconds, _children_seconds() - before, peak)


@contextlib.contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command for the length of a ``with`` block; its output goes to a file."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, politely first: an operator would wait for who is at work."""
    for number, patience in ((signal.SIGTERM, 0.5), (signal.SIGTERM, 15), (signal.SIGKILL, 5)):
        if process.poll() is None:
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)


def wait_for(
    look: Callable[[], T | None], process: subprocess.Popen[bytes], log: Path, every: float = 0.005
) -> T:
    """Look until there is something to return.

    :raises RuntimeError: when the process ends, or after ten minutes, with what it printed.
    """
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        found = look()
        if found is not None:
            return found
        time.sleep(every)
    raise RuntimeError(f"waited in vain for {process.args!r}:\n{log.read_text()[-3000:]}")


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def family(pid: int) -> list[int]:
    """Return a process and its descendants, parents first."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def peak_memory(pid: int) -> int:
    """Return the most bytes a process has had in memory."""
    return int(_status(pid, "VmHWM").split()[0]) * 1024


def thread_count(pid: int) -> int:
    """Return how many threads a process has."""
    return int(_status(pid, "Threads"))


def processor_seconds(pid: int) -> float:
    """Return the processor time that all threads of a process have used, ended ones included."""
    # The clock that clock_getcpuclockid(3) returns; /proc/PID/stat has steps of 10 ms.
    return time.clock_gettime((~pid << 3) | 2)


def _children_seconds() -> float:
    """Return the processor time of the children that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _status(pid: int, name: str) -> str:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return line.partition(":")[2].strip()
    raise LookupError(f"process {pid} has no {name}")
