"""Asking and telling a person, on whatever streams they sit at."""

from __future__ import annotations

import sys
from typing import TextIO

from famulus.escaping import escaped


class Terminal:
    """Two streams: a terminal's, a pipe's or a test's.

    :param source: where answers are read, a line each; standard input unless given.
    :param target: where questions are written; standard output unless given.
    """

    def __init__(self, source: TextIO | None = None, target: TextIO | None = None) -> None:
        self._source = sys.stdin if source is None else source
        self._target = sys.stdout if target is None else target

    def say(self, text: str = "") -> None:
        """Write lines, with what would steer a terminal shown as its escape."""
        self._write(f"{escaped(text)}\n")

    def say_sentence(self, text: object) -> None:
        """Write a message that has no full stop of its own."""
        self.say(str(text) if str(text).endswith("?") else f"{text}.")

    def ask(self, prompt: str) -> str:
        """Write a prompt and return the line that answers it, without the space around it.

        :raises EOFError: when there is nobody any more who could answer.
        """
        self._write(escaped(prompt))
        line = self._source.readline()
        if not line:
            self._write("\n")
            raise EOFError("the input has ended")
        # What a terminal sends that is no UTF-8 cannot be stored.
        return line.encode("utf-8", "replace").decode("utf-8").strip()

    def confirm(self, question: str) -> bool:
        """Ask a question that takes yes or no; nothing is no."""
        while True:
            answer = self.ask(f"{question} (y)es/(n)o: ").lower()
            if answer in {"y", "yes"}:
                return True
            if answer in {"", "n", "no"}:
                return False

    def _write(self, text: str) -> None:
        encoding = getattr(self._target, "encoding", None) or "utf-8"
        self._target.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._target.flush()
