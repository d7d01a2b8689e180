"""Questions to a person, and texts for them, on any two streams."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TextIO

from famulus.escaping import escaped
from famulus.review.raw_terminal import Keyboard, keyboard_of


class Terminal:
    """Two streams: of a terminal, a pipe or a test.

    :param source: where answers are read, one per line; standard input unless given.
    :param target: where questions are written; standard output unless given.
    """

    def __init__(self, source: TextIO | None = None, target: TextIO | None = None) -> None:
        self._source = sys.stdin if source is None else source
        self._target = sys.stdout if target is None else target
        self._keyboard: Keyboard | None = None
        self._has_answered = False

    @property
    def has_answered(self) -> bool:
        """Whether there was an answer to a question."""
        return self._has_answered

    @property
    def is_interactive(self) -> bool:
        """Whether answers are typed by a person."""
        return self._source.isatty()

    @contextlib.contextmanager
    def key_presses(self) -> Iterator[None]:
        """Let :meth:`ask_key` return at each key press, if answers come from a terminal.

        The terminal is as before when the block is left.
        """
        with keyboard_of(self._source) as keyboard:
            self._keyboard = keyboard
            try:
                yield
            finally:
                self._keyboard = None

    def say(self, text: str = "") -> None:
        """Write lines; control characters are escaped."""
        self._write(f"{escaped(text)}\n")

    def say_sentence(self, text: object) -> None:
        """Write a message that has no full stop of its own."""
        self.say(str(text) if str(text).endswith("?") else f"{text}.")

    def ask(self, prompt: str) -> str:
        """Write a prompt and return the line that answers it, stripped.

        :raises EOFError: at the end of the input, and if it is not text: the rest could answer
            another question.
        """
        try:
            line = self._read_line(prompt)
        except UnicodeDecodeError as error:
            self.say(f"\nThe input is not text in {error.encoding.upper()}.")
            raise EOFError(str(error)) from error
        if not line:
            self._write("\n")
            raise EOFError("the input has ended")
        self._has_answered = True
        # What a terminal sends that is not UTF-8 cannot be stored.
        return line.encode("utf-8", "replace").decode("utf-8").strip()

    def ask_key(self, prompt: str) -> str:
        """Write a prompt and return the key that answers it; Enter is an empty string.

        Without a terminal, or outside :meth:`key_presses`, a line is read instead.

        :raises EOFError: at the end of the input.
        """
        if self._keyboard is None:
            return self.ask(prompt)
        self._write(escaped(prompt))
        try:
            key = self._keyboard.read_key()
        except EOFError:
            self._write("\n")
            raise
        self._has_answered = True
        self._write(f"{escaped(key)}\n")
        return key.strip()

    def confirm(self, question: str) -> bool:
        """Ask a question that takes yes or no; an empty answer is no."""
        while True:
            answer = self.ask_key(f"{question} (y)es/(n)o: ").lower()
            if answer in {"y", "yes"}:
                return True
            if answer in {"", "n", "no"}:
                return False

    def _read_line(self, prompt: str) -> str:
        if self._keyboard is None:
            self._write(escaped(prompt))
            return self._source.readline()
        line = None
        while line is None:
            self._keyboard.expect_line()
            self._write(escaped(prompt))
            line = self._keyboard.read_line()
        return line

    def _write(self, text: str) -> None:
        encoding = getattr(self._target, "encoding", None) or "utf-8"
        self._target.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._target.flush()
