"""What the session of a command prints, and how a command ends."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import famulus
from famulus.cli.program import program
from famulus.testing import run_command

ROOT = Path(__file__).resolve().parents[3]


def command(function: Any) -> click.Command:
    return click.command("try-it")(famulus.pass_session(function))


def test_results_are_on_standard_output_and_warnings_are_not(tmp_path: Path) -> None:
    def show(session: famulus.Session) -> None:
        session.say("a \x1b[2Jresult")
        session.say_table([("NAME", "NUMBER"), ("x\ny", "3")])
        session.say_table([("NAME", "NUMBER")])
        session.warn("something\nis odd")
        session.warn(famulus.Problem("is odd", key="task.name", warning=True))

    done = run_command(command(show), database=tmp_path / "famulus.db")

    assert done.exit_code == 0
    assert done.stdout == "a \\x1b[2Jresult\nNAME  NUMBER\nx\\ny  3\n"
    assert done.stderr.splitlines() == [
        "famulus: warning: something is odd",
        "famulus: warning: task.name: is odd",
    ]


def test_json_is_the_only_thing_on_standard_output(tmp_path: Path) -> None:
    @famulus.json_option
    @famulus.pass_session
    def show(session: famulus.Session, as_json: bool) -> None:
        assert as_json
        session.warn("something is odd")
        session.say_json({"name": "\x1b"})

    done = run_command(click.command("show")(show), "--json", database=tmp_path / "famulus.db")

    assert json.loads(done.stdout) == {"name": "\x1b"}
    assert "\x1b" not in done.stdout


def test_commands_in_texts_are_in_backticks() -> None:
    """Only those stay on one line, and are printed with the database of the call."""
    names = "|".join(program.list_commands(click.Context(program)))
    bare = re.compile(rf"(?<!`)\bfamulus ({names})\b")
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for folder in (ROOT / "core/src", *(ROOT / "plugins").glob("*/src"))
        for path in folder.rglob("*.py")
        for text in _texts(ast.parse(path.read_text(encoding="utf-8")))
        if bare.search(text)
    ]

    assert found == []


def _texts(tree: ast.AST) -> Iterator[str]:
    """Yield the string literals that are not docstrings."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield str(node.value)


def test_a_command_in_a_message_of_core_is_on_the_same_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hint = "`famulus sync 3` closes them, `famulus resume 3` opens others"

    monkeypatch.setenv("COLUMNS", "1000")

    def fail(session: famulus.Session) -> None:
        session.warn(hint, f"see `{session.command('status', 3)}`")
        session.say(session.located(hint))
        logging.getLogger("famulus.test").warning("run %d: %s", 3, hint)
        raise famulus.UnavailableError(hint)

    address = tmp_path / "my data.db"
    done = run_command(command(fail), database="", words=["--database", str(address)])

    named = f"--database '{address}'"
    located = f"`famulus {named} sync 3` closes them, `famulus {named} resume 3` opens others"
    assert done.stdout == f"{located}\n"
    assert done.stderr.splitlines() == [
        f"famulus: warning: {located}",
        f"famulus: warning: see `famulus {named} status 3`",
        f"famulus: warning: run 3: {located}",
        f"famulus: error: {located}",
    ]


def test_a_message_is_printed_where_the_address_of_the_database_is_none() -> None:
    def fail(session: famulus.Session) -> None:
        raise famulus.UnavailableError("`famulus sync 3` closes them")

    done = run_command(command(fail), database="", words=["--database", "postgresql://["])

    assert done.stderr.splitlines() == ["famulus: error: `famulus sync 3` closes them"]


@pytest.mark.parametrize(
    ("error", "status", "lines"),
    [
        (
            famulus.UsageError([famulus.Problem("is wrong", key="a"), famulus.Problem("too")]),
            2,
            ["famulus: error: a: is wrong", "famulus: error: too"],
        ),
        (
            famulus.NotFoundError("there is no such run"),
            2,
            ["famulus: error: there is no such run"],
        ),
        (famulus.UnavailableError("come again"), 1, ["famulus: error: come again"]),
        (
            ValueError("a bug"),
            1,
            [
                "famulus: error: ValueError: a bug (this should not happen; `famulus -v \u2026` "
                "shows where)"
            ],
        ),
        (click.UsageError("not so"), 2, ["famulus: error: not so (see `famulus try-it --help`)"]),
    ],
)
def test_an_error_is_one_line_per_problem_and_a_status(
    tmp_path: Path, error: Exception, status: int, lines: list[str]
) -> None:
    def fail(session: famulus.Session) -> None:
        raise error

    done = run_command(command(fail), database=tmp_path / "famulus.db")

    assert (done.exit_code, done.stdout) == (status, "")
    assert done.stderr.splitlines() == lines


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (0, 0), (3, 3)])
def test_number_that_a_command_returns_is_the_status(
    tmp_path: Path, returned: int | None, status: int
) -> None:
    done = run_command(command(lambda session: returned), database=tmp_path / "famulus.db")

    assert done.exit_code == status


def test_session_has_the_database_and_the_plugins(tmp_path: Path) -> None:
    seen: list[Any] = []

    def look(session: famulus.Session) -> None:
        with session.open_database() as database:
            seen.append(database.location.path)
        seen.append(session.plugins.blueprint("static_task").type)
        seen.append(session.plugins is session.plugins)
        seen.append(session.verbose)
        session.open_existing()

    path = tmp_path / "famulus.db"
    done = run_command(command(look), database=path, words=["-v"])

    assert seen == [path, "static_task", True, True]
    assert done.exit_code == 2
    assert f"there is no database at {path}" in done.stderr
