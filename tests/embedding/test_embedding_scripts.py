"""The notebook and the two operators, each run as a program, with workers over HTTP."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ENTRANCE = re.compile(r"(http://\S+/)\?worker_id=")


@contextmanager
def program(script: Path) -> Iterator[subprocess.Popen[str]]:
    """Run an example in its own folder; it is killed at the end of the block if it still runs."""
    process = subprocess.Popen(
        [sys.executable, script.name],
        cwd=script.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], pattern: re.Pattern[str]) -> str:
    """Return the pattern's first group in the program's next line that has it."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        found = pattern.search(line)
        if found:
            return str(found[1])
    raise AssertionError(f"ended without {pattern.pattern}:\n{''.join(lines)}")


def rest_of(process: subprocess.Popen[str]) -> str:
    """Wait for the program to end well and return what else it printed."""
    assert process.stdout is not None
    printed = process.stdout.read()
    assert process.wait() == 0, printed
    return printed


def test_notebook_stops_when_it_has_enough(example: Path, work: Callable[..., str]) -> None:
    with program(example / "notebook.py") as process:
        url = read_until(process, ENTRANCE)
        work(url, "ada", "1", familiarity="use")
        work(url, "ada", "2", familiarity="unknown")
        printed = rest_of(process)

    assert "2 of 4 units done" in printed
    assert "Familiar words: lantern\n" in printed
    assert printed.endswith("ada lantern use\nada quern unknown\n")


def test_two_operators_keep_their_databases_apart(example: Path, work: Callable[..., str]) -> None:
    with program(example / "two_databases.py") as process:
        pilot = read_until(process, re.compile(r"pilot (http://\S+/)"))
        study = read_until(process, re.compile(r"study (http://\S+/)"))
        work(pilot, "x", "1", familiarity="use")
        work(study, "x", "1", familiarity="understand")
        work(study, "x", "2", familiarity="unknown")
        printed = rest_of(process)

    assert printed == "pilot: lantern: use\nstudy: quern: understand, window: unknown\n"
