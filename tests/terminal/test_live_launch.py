"""A launch that costs real money is confirmed on a terminal, and refused without one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from famulus.cli.program import program
from famulus_mturk.fake import FakeMTurk

pytestmark = pytest.mark.slow
#: For launches that are refused before anything is written, whatever the database.
any_database = pytest.mark.parametrize("database_address", ["sqlite"], indirect=True)

EXAMPLE = Path(__file__).resolve().parents[2] / "sdk_examples/simple_static_task/conf/example.yaml"
QUESTION = "mturk pays workers real money. Launch?"


@pytest.fixture
def mturk(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMTurk]:
    """MTurk, where the account has 100 dollars."""
    for name, value in {"AWS_ACCESS_KEY_ID": "a-key", "AWS_SECRET_ACCESS_KEY": "a-secret"}.items():
        monkeypatch.setenv(name, value)
    with FakeMTurk() as running:
        yield running


@pytest.fixture
def launch(mturk: FakeMTurk, database_address: str) -> list[str]:
    """The words of a live launch; its requester is registered."""
    register = ["register", "mturk", "name=lab", f"endpoint_url={mturk.live.endpoint_url}"]
    environment = {**os.environ, "FAMULUS_DATABASE": database_address}
    assert CliRunner(env=environment).invoke(program, register).exit_code == 0
    options = {
        "provider": "mturk",
        "provider.worker_site": mturk.live.worker_url,
        "architect.port": "0",
        "architect.public_url": "https://tasks.example.org/",
    }
    return ["launch", str(EXAMPLE), *(f"{key}={value}" for key, value in options.items())]


def famulus(database: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "famulus", *words],
        env={**os.environ, "FAMULUS_DATABASE": database},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_launch_shows_its_cost_and_asks(
    in_terminal: Callable[..., Any], launch: list[str], mturk: FakeMTurk
) -> None:
    screen = in_terminal("-m", "famulus", *launch)
    screen.wait_for("Cost: 1.44 USD")

    screen.answer(QUESTION, "y")

    screen.wait_for("/mturk/preview?groupId=")
    screen.press_ctrl_c()
    assert screen.wait() == 0
    with mturk.live.turn() as state:
        assert len(state.hits) == 4
        # "Reviewing" once the operator has looked at them.
        closed = {"Reviewable", "Reviewing"}
        assert {state.status(hit, state.now) for hit in state.hits.values()} <= closed


@any_database
@pytest.mark.parametrize("keys", ["\n", "\x04"], ids=["enter", "end of input"])
def test_nothing_is_launched_unless_that_is_meant(
    in_terminal: Callable[..., Any], launch: list[str], mturk: FakeMTurk, keys: str
) -> None:
    screen = in_terminal("-m", "famulus", *launch)
    screen.wait_for(QUESTION)

    screen.press(keys)

    assert screen.wait() == 2
    assert "nothing was launched" in screen.text
    assert mturk.live.called("CreateHITWithHITType") == []


@any_database
def test_without_a_terminal_it_has_to_be_confirmed_beforehand(
    launch: list[str], database_address: str, mturk: FakeMTurk
) -> None:
    refused = famulus(database_address, *launch)

    assert refused.returncode == 2
    assert "confirm it with --yes" in refused.stderr
    assert mturk.live.called("CreateHITWithHITType") == []


def test_confirmed_beforehand_it_asks_no_question(
    in_terminal: Callable[..., Any], launch: list[str]
) -> None:
    screen = in_terminal("-m", "famulus", *launch, "--yes")

    screen.wait_for("/mturk/preview?groupId=")

    assert QUESTION not in screen.text
    screen.press_ctrl_c()
    assert screen.wait() == 0


@any_database
def test_an_account_that_cannot_pay_launches_nothing(
    launch: list[str], database_address: str, mturk: FakeMTurk
) -> None:
    with mturk.live.turn() as state:
        state.money.prepaid /= 100

    refused = famulus(database_address, *launch, "--yes")

    assert refused.returncode == 2
    assert "can spend 1.00 USD, but the run may cost 1.44" in refused.stderr
