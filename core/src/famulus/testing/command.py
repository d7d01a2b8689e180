"""Run the command ``famulus``, or a script, in a separate process, as a user does."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue

_LINK = re.compile(r"(https?://\S+?/)\?worker_id=\S+")
#: Seconds that a command may take to print a line that is waited for.
_START = 30.0
#: Seconds between two key presses.
_BETWEEN_KEYS = 0.05
#: Becomes the command, which Linux kills when the thread that started it ends (PR_SET_PDEATHSIG):
#: no run goes on when a test run is killed. Under ``nohup`` it would inherit that SIGHUP (1) is
#: ignored; this gives it the default (0).
_WITH_ITS_PARENT = (
    "import ctypes, os, sys; c = ctypes.CDLL(None); c.prctl(1, 9); c.signal(1, 0);"
    " os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


class Command:
    """A running command. A thread reads its output, so that it never blocks on a full pipe."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._interrupted_at = -_BETWEEN_KEYS
        self._lines: list[str] = []
        self._coming: Queue[str | None] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """The output of the command so far, errors included."""
        return "".join(self._lines)

    def url(self) -> str:
        """Wait until the command prints the run's address; return it.

        :raises AssertionError: when it ends, or takes too long, without printing it.
        """
        return self._wait_for(_LINK)[1]

    def wait_for(self, text: str) -> str:
        """Wait until the command prints a line with this text, after the line of the last wait.

        :returns: the line.
        :raises AssertionError: when it ends, or takes too long, without printing it.
        """
        return self._wait_for(re.compile(re.escape(text))).string

    def interrupt(self) -> None:
        """Send SIGINT, as Ctrl-C does, but not faster than a person could press it.

        Two signals within a few milliseconds count as one.
        """
        time.sleep(max(0.0, self._interrupted_at + _BETWEEN_KEYS - time.monotonic()))
        self.process.send_signal(signal.SIGINT)
        self._interrupted_at = time.monotonic()

    def wait(self, timeout: float = 30.0) -> int:
        """Wait until the command ends; return its exit status."""
        status = self.process.wait(timeout)
        self._reader.join()
        return status

    def kill(self) -> None:
        """Kill the process with SIGKILL."""
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def _wait_for(self, pattern: re.Pattern[str]) -> re.Match[str]:
        while True:
            try:
                line = self._coming.get(timeout=_START)
            except Empty:
                line = None
            assert line is not None, f"{pattern.pattern!r} was not printed:\n{self.output}"
            found = pattern.search(line)
            if found:
                return found

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self._lines.append(line)
                self._coming.put(line)
        self._coming.put(None)


@contextlib.contextmanager
def python_command(
    *arguments: str | Path,
    database: Path | str,
    folder: Path | None = None,
    python: str | Path = sys.executable,
) -> Iterator[Command]:
    """Run Python with a database for the length of a ``with`` block, then kill its processes.

    It runs in its own process group, so that a signal to it reaches no other process. On Linux it
    is also killed when this process, or the calling thread, ends.

    :param folder: the working directory; this process' own unless given.
    :param python: the interpreter, such as that of another environment.
    """
    starting = ("-I", "-S", "-c", _WITH_ITS_PARENT) if sys.platform == "linux" else ()
    process = subprocess.Popen(
        [str(python), *starting, *map(str, arguments)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "FAMULUS_DATABASE": str(database), "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    command = Command(process)
    try:
        yield command
    finally:
        if process.poll() is None:
            command.kill()


@contextlib.contextmanager
def famulus_command(*arguments: str | Path, database: Path | str) -> Iterator[Command]:
    """Run ``famulus`` as :func:`python_command` runs a script."""
    with python_command("-m", "famulus", *arguments, database=database) as command:
        yield command
