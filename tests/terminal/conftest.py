"""A program in a pseudo-terminal, with keys pressed as a person does."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

#: Makes the pseudo-terminal the program's own, so that Ctrl-C and hanging up reach it.
_IN_FRONT = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
#: Seconds that a program may take until it asks for something.
_PATIENCE = 60.0


class Screen:
    """A terminal of 80 columns with one program in it."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self._end, other = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_FRONT, *arguments],
            stdin=other,
            stdout=other,
            stderr=other,
            env={**os.environ, "COLUMNS": "80", **environment},
            start_new_session=True,
        )
        os.close(other)
        self._text = ""
        self._read = 0

    @property
    def text(self) -> str:
        """Everything on the screen, what was typed included."""
        return self._text

    def wait_for(self, text: str) -> None:
        """Wait until a text appears after what was waited for before."""
        until = time.monotonic() + _PATIENCE
        while text not in self._text[self._read :]:
            assert self._more(until), f"{text!r} did not appear:\n{self._text}"
        self._read = self._text.index(text, self._read) + len(text)

    def type(self, line: str = "") -> None:
        """Type a line and press Enter."""
        os.write(self._end, f"{line}\n".encode())

    def answer(self, prompt: str, line: str = "") -> None:
        """Wait for a prompt and answer it."""
        self.wait_for(prompt)
        self.type(line)

    def press(self, keys: str) -> None:
        """Press keys without Enter."""
        os.write(self._end, keys.encode())

    def modes(self) -> list[Any]:
        """Return how the terminal is set: whether it echoes, waits for lines …"""
        return termios.tcgetattr(self._end)

    def press_ctrl_c(self) -> None:
        """Press Ctrl-C."""
        os.write(self._end, b"\x03")

    def hang_up(self) -> int:
        """Close the terminal's window; return how the program ended."""
        os.close(self._end)
        self._end = -1
        return self.process.wait(_PATIENCE)

    def kill(self) -> None:
        """End the program with kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(_PATIENCE)

    def wait(self) -> int:
        """Wait for the program's end; return its exit status."""
        until = time.monotonic() + _PATIENCE
        while self._more(until):
            pass  # read what is left
        return self.process.wait(_PATIENCE)

    def close(self) -> None:
        """End what is left."""
        if self.process.poll() is None:
            self.kill()
        if self._end >= 0:
            os.close(self._end)

    def _more(self, until: float) -> bool:
        ready, _, _ = select.select([self._end], [], [], max(until - time.monotonic(), 0))
        if not ready:
            return False
        try:
            read = os.read(self._end, 65536)
        except OSError:
            return False
        self._text += read.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(read)


Open = Callable[..., Screen]


@pytest.fixture
def in_terminal(database_address: str) -> Iterator[Open]:
    """A function that starts a program in a terminal, on the test's database."""
    with contextlib.ExitStack() as stack:

        def start(*arguments: str | Path) -> Screen:
            screen = Screen(
                [sys.executable, *map(str, arguments)], {"FAMULUS_DATABASE": database_address}
            )
            stack.callback(screen.close)
            return screen

        yield start
