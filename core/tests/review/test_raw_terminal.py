"""Single key presses, at both ends of a pseudo-terminal."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Iterator
from typing import Any, TextIO

import pytest

from famulus.review.raw_terminal import Keyboard, keyboard_of
from famulus.review.terminal import Terminal


class Typist:
    """The end of a terminal that a person types at; ``stream`` is the program's."""

    def __init__(self, end: int, stream: TextIO) -> None:
        self.end = end
        self.stream = stream

    def press(self, keys: str) -> None:
        os.write(self.end, keys.encode())

    def modes(self) -> list[Any]:
        return termios.tcgetattr(self.end)

    def hang_up(self) -> None:
        os.close(self.end)
        self.end = -1


@pytest.fixture
def typist() -> Iterator[Typist]:
    end, other = pty.openpty()
    with os.fdopen(other, encoding="utf-8") as stream:
        typist = Typist(end, stream)
        yield typist
        if typist.end >= 0:
            typist.hang_up()


@pytest.fixture
def keyboard(typist: Typist) -> Iterator[Keyboard]:
    with keyboard_of(typist.stream) as keyboard:
        assert keyboard is not None
        yield keyboard


@pytest.mark.parametrize("key", ["a", "A", "?", "é", "字", "😀"])
def test_a_key_is_read_without_enter(typist: Typist, keyboard: Keyboard, key: str) -> None:
    typist.press(key)

    assert keyboard.read_key() == key


def test_one_enter_after_a_key_is_ignored(typist: Typist, keyboard: Keyboard) -> None:
    typist.press("a\np\n\n")

    assert [keyboard.read_key() for _ in range(3)] == ["a", "p", ""]


def test_keys_typed_ahead_are_read_one_by_one(typist: Typist, keyboard: Keyboard) -> None:
    typist.press("ap")

    assert [keyboard.read_key() for _ in range(2)] == ["a", "p"]


def test_line_after_a_key_is_read_whole(typist: Typist, keyboard: Keyboard) -> None:
    typist.press("rtoo short\n")
    key = keyboard.read_key()
    keyboard.expect_line()

    assert (key, keyboard.read_line()) == ("r", "too short\n")


def test_keys_typed_after_a_line_are_keys(typist: Typist, keyboard: Keyboard) -> None:
    """Pasted at once, or typed ahead: none of them may answer a later question for a text."""
    typist.press("rtoo short\nap")
    keys = [keyboard.read_key()]
    keyboard.expect_line()
    line = keyboard.read_line()
    keys += [keyboard.read_key() for _ in range(2)]

    assert (keys, line) == (["r", "a", "p"], "too short\n")


def test_empty_line_after_a_key_is_asked_for_again_once(typist: Typist, keyboard: Keyboard) -> None:
    typist.press("r")
    assert keyboard.read_key() == "r"
    keyboard.expect_line()
    typist.press("\n\n")

    assert keyboard.read_line() is None
    keyboard.expect_line()
    assert keyboard.read_line() == "\n"


@pytest.mark.parametrize("sent", ["\x1b", "\x1b[A", "\x1bOP", "\x1b[15~", "\x1b[1;5A"])
def test_special_keys_are_ignored(typist: Typist, keyboard: Keyboard, sent: str) -> None:
    typist.press(sent)
    if sent == "\x1b":
        # Alone, it differs from the beginning of a longer code by the pause after it.
        assert keyboard._next() == "\x1b"
        keyboard._skip_special_key()
    typist.press("a")

    assert keyboard.read_key() == "a"


def test_end_of_the_input_raises(typist: Typist, keyboard: Keyboard) -> None:
    typist.press("\x04")

    with pytest.raises(EOFError):
        keyboard.read_key()


def test_closed_terminal_raises(typist: Typist, keyboard: Keyboard) -> None:
    typist.hang_up()

    with pytest.raises(EOFError):
        keyboard.read_key()


@pytest.mark.parametrize("error", [KeyboardInterrupt, EOFError, ZeroDivisionError])
def test_terminal_is_restored_after_any_exception(
    typist: Typist, error: type[BaseException]
) -> None:
    before, during = typist.modes(), list[Any]()

    def fail() -> None:
        with keyboard_of(typist.stream):
            during.append(typist.modes())
            raise error

    with pytest.raises(error):
        fail()

    assert during != [before]
    assert typist.modes() == before


def test_terminal_asks_by_key_inside_the_block_and_by_line_outside(typist: Typist) -> None:
    terminal = Terminal(typist.stream, io.StringIO())

    with terminal.key_presses():
        typist.press("y")
        assert terminal.confirm("Launch?")
    typist.press("yes\n")
    assert terminal.confirm("Launch?")


def test_stream_that_is_no_terminal_has_no_keyboard() -> None:
    with keyboard_of(io.StringIO("a\n")) as keyboard:
        assert keyboard is None


def test_terminal_of_a_system_without_termios_is_read_by_lines(typist: Typist) -> None:
    script = (
        "import sys\n"
        "sys.modules['termios'] = None\n"
        "from famulus.review.terminal import Terminal\n"
        "terminal = Terminal()\n"
        "with terminal.key_presses():\n"
        "    print(terminal.confirm('Launch?'))\n"
    )
    typist.press("yes\n")

    done = subprocess.run(
        [sys.executable, "-c", script],
        stdin=typist.stream,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.stderr == ""
    assert done.stdout.endswith("True\n")
