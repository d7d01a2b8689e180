"""No command prints lines of more than 80 columns, on a terminal of that width or into a pipe."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from famulus.cli.follow import announce
from famulus.cli.session import Session
from famulus.cli.text_layout import prose, table
from famulus.model.database import Database
from famulus.operate.launching import Launched
from famulus.plugins import discover
from famulus.testing.inprocess import GatewayWorker, ManualOperator

Famulus = Callable[..., Result]

WIDTH = 80
#: A word, or a command in backquotes: neither is ever broken.
WORD = re.compile(r"[^\s`]*`[^`]*`\S*|\S+")
TASK = "a-study-of-sentences-and-of-whoever-reads-them-slowly"
#: Each prints something of a run with submissions, payments, qualifications and blocks.
COMMANDS = [
    ("check", "CONFIG", "architect.port=0"),
    ("quote", "CONFIG", "architect.port=0", "task.max_spend=2"),
    ("config", "show", "CONFIG", "architect.port=0"),
    ("runs",),
    ("status", "1"),
    ("set", "1"),
    ("set", "1", "maximum_units_per_worker=5", "task.submission_timeout=90"),
    ("sync",),
    ("sync", "1"),
    ("doctor",),
    ("payments",),
    ("payments", TASK),
    ("payments", "settle"),
    ("bonus", "1", "0.25", "--reason", "For reading with more care than anybody has asked you to."),
    ("compensate", "1", "x", "0.25", "--reason", "Our server was away for most of the morning."),
    ("export", TASK, "-o", "FILE.csv"),
    ("qualifications", "list"),
    ("qualifications", "create", "another"),
    ("qualifications", "grant", "reads-slowly-and-with-care", "x", "y", "z"),
    ("qualifications", "revoke", "reads-slowly-and-with-care", "x"),
    ("qualifications", "workers", "reads-slowly-and-with-care"),
    ("workers", "show", "x"),
    ("workers", "refused", "1"),
    ("workers", "block", "x", "--reason", "Has answered everything within a second, twice."),
    ("workers", "unblock", "x"),
    ("register", "mock", "name=lab"),
    ("requesters",),
    ("profiles",),
    ("plugins",),
    ("stop", "1"),
    ("finish", "1"),
    ("review", TASK, "--accept-all"),
]


@pytest.fixture
def arguments(
    tmp_path: Path,
    example: Path,
    database_file: Path,
    unserved: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """Values for placeholders in the commands; the database has a run without an operator."""
    monkeypatch.delenv("COLUMNS")
    monkeypatch.chdir(tmp_path)
    with Database(database_file) as database:
        operator = ManualOperator(database, plugins=discover())
        overrides = [*unserved, f"task.task_name={TASK}", "provider.fee=0.2"]
        launched = operator.launch(example, overrides=overrides)
        operator.load_all(launched)
        gateway = operator.gateway(launched)
        for name in ("x", "a-worker-with-a-long-name-of-an-institute"):
            GatewayWorker(gateway, name).work()
        gateway.close()
        operator.managed(launched.run_id).architect.shutdown()
        database.write(lambda tx: tx.sql("UPDATE task_run SET lease_until = 0"))
    return {"CONFIG": str(example), "FILE.csv": "answers.csv"}


def too_wide(text: str) -> list[str]:
    """Return lines that are too wide although none of their words is, nor a value in YAML."""
    return [
        line
        for line in text.splitlines()
        if len(line) > WIDTH
        and max(map(len, WORD.findall(line))) < WIDTH - 20
        and not line.startswith("  task_description: ")
    ]


def test_commands_wrap_their_output(famulus: Famulus, arguments: dict[str, str]) -> None:
    famulus("qualifications", "create", "reads-slowly-and-with-care", "--description", "A" * 30)
    printed = {
        command: famulus(*(arguments.get(word, word) for word in command)) for command in COMMANDS
    }

    assert {c: r.stderr for c, r in printed.items() if r.exit_code and c[0] != "doctor"} == {}
    assert {c: found for c, r in printed.items() if (found := too_wide(r.stdout))} == {}
    messages = {
        command: [line for line in too_wide(result.stderr) if not line.startswith("famulus: ")]
        for command, result in printed.items()
    }
    assert {command: found for command, found in messages.items() if found} == {}


def test_help_of_every_command_fits(famulus: Famulus, arguments: dict[str, str]) -> None:
    for words in {(), *(command[:1] for command in COMMANDS), *(c[:2] for c in COMMANDS)}:
        shown = famulus(*words, "--help")

        if shown.exit_code == 0:
            assert too_wide(shown.stdout) == [], words


def test_commands_in_backquotes_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")

    lines = prose("  No process operates run 1; `famulus resume 1` resumes it.", hang=2)

    assert lines == ["  No process operates run 1;", "    `famulus resume 1` resumes it."]


def test_columns_that_do_not_fit_stand_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    names = ("A" * 20, "B" * 15, "C" * 10, "D")

    assert table([names]) == [f"{'A' * 20}  {'B' * 15}", f"    {'C' * 10}  D"]


def test_text_that_fits_stands_in_its_row_though_others_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    rows = [("PAYMENT", "STATUS", "ABOUT"), ("1" * 7, "confirmed", "by hand"), ("2", "owed", "")]
    long = ("3", "failed", "the balance of the account is too low")

    assert table([*rows, long]) == [
        "PAYMENT  STATUS     ABOUT",
        "1111111  confirmed  by hand",
        "2        owed",
        "3        failed",
        "    the balance of the account is too",
        "    low",
    ]


def test_addresses_of_a_run_stay_on_their_lines_for_scripts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    url = "https://tasks.some-laboratory.example.org/annotations/of/words/"
    link = f"{url}?worker=x"
    launched = Launched(run_id=1, task_name="t", url=url, entrances=[link])

    announce(launched, Session(None, address_typed=False, verbose=False))

    lines = capsys.readouterr().out.splitlines()
    assert f"Run 1 is open at {url}" in lines
    assert f"  Work on it:  {link}" in lines
