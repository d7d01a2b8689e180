"""``famulus register`` and ``requesters``: on a terminal, and where there is none."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import Result

BANK = """
from attrs import frozen
from famulus import Capabilities, Nothing, Preview, Provider, UsageError, hookimpl, option

@frozen(kw_only=True)
class BankArgs:
    requester_name: str | None = option(help="Who pays.")

@frozen(kw_only=True)
class AccountArgs:
    region: str = option(help="Where it is.", choices=["north", "south"], default="north")
    number: int | None = option(help="Number of the account.", required=True)
    key: str | None = option(help="What opens it.", secret=True, required=True)
    pin: str | None = option(help="What opens it at night.", secret=True)

class Bank(Provider):
    type = "bank"
    Args = BankArgs
    RequesterArgs = AccountArgs
    capabilities = Capabilities(sandbox=True)

    def problems(self, plan):
        return []

    def arrive(self, query):
        return Preview()

    def completion(self, visit, outcome):
        return Nothing()

    def register(self, name, args):
        if args.key != "sesame":
            raise UsageError("the bank does not know this key")
        return {"number": args.number, "region": args.region, "pin": args.pin is not None}

@hookimpl
def famulus_register_providers():
    return [Bank]
"""


@pytest.fixture(autouse=True)
def bank(install: Callable[..., None]) -> None:
    install("bank", BANK)


def on_a_terminal(
    database: Path, site: Path, arguments: Sequence[str], typed: Sequence[str]
) -> tuple[int, str]:
    """Register on a terminal, typing a line whenever something is asked; return the status and all
    that the terminal shows.
    """
    ours, theirs = pty.openpty()
    environment = {**os.environ, "FAMULUS_DATABASE": str(database), "PYTHONPATH": str(site)}
    with subprocess.Popen(
        [sys.executable, "-m", "famulus", "register", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown, lines = b"", [*typed]
        try:
            while part := os.read(ours, 4096):
                shown += part
                if shown.endswith(b": ") and lines:
                    os.write(ours, f"{lines.pop(0)}\n".encode())
                    shown += b"|"
        except OSError:  # how Linux reports that the other end is closed
            pass
        finally:
            os.close(ours)
    text = re.sub(r"\x1b\[\d+m", "", shown.decode().replace("\r\n", "\n"))
    return process.returncode, text.replace("|", "")


def test_missing_settings_are_asked_for_and_secrets_are_not_shown(
    database_file: Path, tmp_path: Path, famulus: Callable[..., Result]
) -> None:
    status, shown = on_a_terminal(
        database_file, tmp_path / "site", ["bank"], ["lab", "seven", "7", "sesame", "0000"]
    )

    assert status == 0, shown
    assert shown.splitlines() == [
        "Name to register the account under: lab",
        "Number of the account [number]: seven",
        "  number: 'seven' is not a whole number, such as 3",
        "Number of the account [number]: 7",
        "What opens it [key]: ",
        "What opens it at night [pin] (empty leaves it unset): ",
        "Registered the requester lab of bank.",
        "  number  7",
        "  region  north",
        "  pin     True",
    ]
    assert b"sesame" not in database_file.read_bytes()
    [listed] = json.loads(famulus("requesters", "--json").stdout)
    assert listed["settings"] == {"number": 7, "region": "north", "pin": True}


def test_an_account_that_is_refused_ends_with_2_and_leaves_nothing(
    database_file: Path, tmp_path: Path
) -> None:
    given = ["bank", "name=lab", "number=7", "region=south"]

    status, shown = on_a_terminal(database_file, tmp_path / "site", given, ["wrong", ""])

    assert status == 2
    assert shown.endswith("famulus: error: the bank does not know this key\n")
    assert not database_file.exists()


def test_without_a_terminal_everything_missing_is_an_error(
    famulus: Callable[..., Result], database_file: Path
) -> None:
    done = famulus("register", "bank")

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "famulus: error: name: is missing; write name=NAME",
        "famulus: error: number: is missing; write number=… (Number of the account.)",
        "famulus: error: key: is missing; a secret is only asked for on a terminal "
        "(What opens it.)",
    ]
    assert not database_file.parent.exists()


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(
    famulus: Callable[..., Result],
) -> None:
    done = famulus("register", "bank", "name=lab", "number=7", "key=sesame")

    assert done.exit_code == 2
    assert "key: is a secret" in done.stderr
    assert "history" in done.stderr
    assert "sesame" not in done.output


def test_every_problem_of_the_command_line_is_reported_at_once(
    famulus: Callable[..., Result],
) -> None:
    done = famulus("register", "bank", "name=l\u202eab", "regoin=x", "region=east", "number")

    assert done.exit_code == 2
    texts = [line.removeprefix("famulus: error: ") for line in done.stderr.splitlines()]
    assert texts == [
        "regoin: bank has no such setting; did you mean 'region'?",
        "'number' is not 'KEY=VALUE', such as name=my-account",
        "name: 'l\\u202eab' has a character that cannot be seen (U+202E); remove it",
        "region: 'east' is not allowed; use one of: north, south",
        "number: is missing; write number=… (Number of the account.)",
        "key: is missing; a secret is only asked for on a terminal (What opens it.)",
    ]


def test_an_unknown_provider_is_answered_with_the_known_ones(
    famulus: Callable[..., Result],
) -> None:
    done = famulus("register", "bnak", "name=lab")

    assert done.exit_code == 2
    assert "there is no provider 'bnak'; did you mean 'bank'?" in done.stderr


def test_registering_again_is_reported(famulus: Callable[..., Result]) -> None:
    assert famulus("register", "mock", "name=me").stdout == "Registered the requester me of mock.\n"
    assert famulus("register", "mock", "name=me").stdout == "Changed the requester me of mock.\n"


def test_the_list_is_a_line_a_requester(famulus: Callable[..., Result]) -> None:
    famulus("register", "mock", "name=me")

    head, line = famulus("requesters").stdout.splitlines()

    assert head.split() == ["NAME", "PROVIDER", "SANDBOX", "REGISTERED", "RUNS"]
    assert re.fullmatch(r"me +mock +yes +\d{4}-\d\d-\d\d \d\d:\d\d +0", line)


@pytest.mark.usefixtures("empty_database")
def test_no_requesters_is_a_hint(famulus: Callable[..., Result]) -> None:
    done = famulus("requesters")

    assert (done.exit_code, done.stdout) == (0, "")
    assert "No requesters yet" in done.stderr
