"""Single key presses at a terminal, without waiting for Enter."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Iterator
from typing import Any, TextIO

_ENTER, _END_OF_INPUT, _ESCAPE = "\r\n", "\x04", "\x1b"
#: Seconds within which the rest of a special key's characters has arrived.
_REST_SECONDS = 0.05


class Keyboard:
    """A terminal that returns at each key press.

    An Enter directly after a key is ignored: people press it out of habit, and it must not answer
    the next question.
    """

    def __init__(self, stream: TextIO) -> None:
        import termios

        self._fd = stream.fileno()
        self._modes = termios.tcgetattr(self._fd)
        self._unread = ""
        self._ignores_enter = False

    def read_key(self) -> str:
        """Wait for a key and return it; Enter is an empty string.

        :raises EOFError: on Ctrl-D, and when the terminal is closed.
        """
        # Again, because a shell sets the terminal when the program returns from the background.
        self.expect_keys()
        while True:
            key = self._next()
            if key == _END_OF_INPUT:
                raise EOFError("the input has ended")
            if key == _ESCAPE:
                self._skip_special_key()
            elif key not in _ENTER:
                self._ignores_enter = True
                self._skip_enter()
                return key
            elif not self._ignores_enter:
                return ""
            else:
                self._ignores_enter = False

    def read_line(self) -> str | None:
        """Return a line with its end, or an empty string at the end of the input.

        Return None for an Enter that is ignored: ask again then. Call :meth:`expect_line` before.
        """
        try:
            line = self._unread + self._line()
        finally:
            self.expect_keys()
        is_ignored = self._ignores_enter and line == "\n"
        self._unread, self._ignores_enter = "", False
        return None if is_ignored else line

    def expect_line(self) -> None:
        """Restore the terminal's own mode, in which a line is edited and echoed until Enter."""
        self._set(self._modes)

    def expect_keys(self) -> None:
        """Pass on each key as it is pressed, and echo none.

        An Enter that is ignored must not leave an empty line.
        """
        import termios

        modes = list(self._modes)
        modes[3] &= ~(termios.ICANON | termios.ECHO)
        modes[6] = [*modes[6]]
        modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
        self._set(modes)

    def _set(self, modes: list[Any]) -> None:
        import termios

        try:
            # TCSAFLUSH would drop what was typed ahead.
            termios.tcsetattr(self._fd, termios.TCSADRAIN, modes)
        except termios.error as error:
            raise EOFError("the terminal is closed") from error

    def _next(self) -> str:
        if self._unread:
            key, self._unread = self._unread[0], self._unread[1:]
            return key
        first = self._byte()
        # The first byte of a character in UTF-8 determines how many follow.
        rest = sum(first[0] >= limit for limit in (0xC0, 0xE0, 0xF0))
        return (first + b"".join(self._byte() for _ in range(rest))).decode("utf-8", "replace")

    def _line(self) -> str:
        """Return the rest of a line, or of the input.

        Not read through the stream, which reads ahead: keys typed after the line would be lost to
        later questions.
        """
        line = b""
        while not line.endswith(b"\n") and (byte := self._read()):
            line += byte
        return line.decode("utf-8", "replace")

    def _byte(self) -> bytes:
        byte = self._read()
        if not byte:
            raise EOFError("the terminal is closed")
        return byte

    def _read(self) -> bytes:
        try:
            return os.read(self._fd, 1)
        except OSError as error:
            raise EOFError("the terminal is closed") from error

    def _skip_special_key(self) -> None:
        """Skip the rest of the characters of an arrow or function key: it contains letters."""
        if not self._has_more(_REST_SECONDS):
            return
        if self._next() in "[O":
            while self._has_more(_REST_SECONDS) and not "@" <= self._next() <= "~":
                pass  # a parameter of the key

    def _skip_enter(self) -> None:
        """Skip an Enter that has arrived together with a key."""
        if self._has_more(0):
            following = self._next()
            self._ignores_enter = False
            if following not in _ENTER:
                self._unread = following

    def _has_more(self, seconds: float) -> bool:
        return bool(self._unread or select.select([self._fd], [], [], seconds)[0])


@contextlib.contextmanager
def keyboard_of(stream: TextIO) -> Iterator[Keyboard | None]:
    """Yield the keyboard behind a stream, None if it is not a terminal; restore it at the end."""
    keyboard = _find_keyboard(stream)
    if keyboard is None:
        yield None
        return
    try:
        keyboard.expect_keys()
        yield keyboard
    finally:
        with contextlib.suppress(EOFError):
            keyboard.expect_line()


def _find_keyboard(stream: TextIO) -> Keyboard | None:
    if not stream.isatty():
        return None
    try:
        import termios
    except ModuleNotFoundError:
        return None  # Windows: answers are read by lines.
    try:
        return Keyboard(stream)
    except (OSError, ValueError, termios.error):
        return None
