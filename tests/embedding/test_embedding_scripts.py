"""The notebook and the two operators, each run as a program, with workers over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from famulus.testing.command import Command, python_command


def entrance(command: Command, name: str) -> str:
    """Wait for the line with the entrance of a run of that name; return the run's address."""
    return command.wait_for(f"{name} http").split()[1].partition("?")[0]


def test_notebook_stops_when_it_has_enough(example: Path, work: Callable[..., str]) -> None:
    with python_command("notebook.py", folder=example, database="unused") as notebook:
        url = notebook.url()
        work(url, "ada", "1", familiarity="use")
        work(url, "ada", "2", familiarity="unknown")

        assert notebook.wait() == 0, notebook.output
    assert "2 of 4 units done" in notebook.output
    assert "Familiar words: lantern\n" in notebook.output
    assert notebook.output.endswith("ada lantern use\nada quern unknown\n")


def test_two_operators_keep_their_databases_apart(example: Path, work: Callable[..., str]) -> None:
    with python_command("two_databases.py", folder=example, database="unused") as program:
        pilot, study = entrance(program, "pilot"), entrance(program, "study")
        work(pilot, "x", "1", familiarity="use")
        work(study, "x", "1", familiarity="understand")
        work(study, "x", "2", familiarity="unknown")

        assert program.wait() == 0, program.output
    assert program.output.splitlines()[2:] == [
        "pilot: lantern: use",
        "study: quern: understand, window: unknown",
    ]
