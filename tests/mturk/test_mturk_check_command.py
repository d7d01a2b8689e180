"""``famulus check`` and ``quote`` ask MTurk what the requester can spend, in the sandbox too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from famulus.testing.command import famulus_command
from famulus_mturk.fake import FakeMTurk

EXAMPLE = Path(__file__).resolve().parents[2] / "sdk_examples/simple_static_task"
CONFIGURATION = f"""
defaults:
  - blueprint: static_task
  - architect: external
  - provider: mturk_sandbox
architect:
  public_url: https://tasks.example.org/
blueprint:
  data_csv: {EXAMPLE}/data.csv
  task_source: {EXAMPLE}/server_files/demo_task.html
task:
  task_title: Test static task
  task_description: This is a simple test of static tasks.
  task_reward: 0.3
"""
Famulus = Callable[..., tuple[int | None, str]]


@pytest.fixture
def mturk() -> Iterator[FakeMTurk]:
    with FakeMTurk() as running:
        yield running


@pytest.fixture
def famulus(tmp_path: Path, mturk: FakeMTurk) -> Famulus:
    """Run a command; the requester is registered."""
    config = tmp_path / "task.yaml"
    config.write_text(CONFIGURATION)

    def run(*words: str) -> tuple[int | None, str]:
        with famulus_command(*words, database=tmp_path / "famulus.db") as command:
            return command.wait(), command.output

    where = f"endpoint_url={mturk.sandbox.endpoint_url}"
    assert run("register", "mturk_sandbox", "name=me", where)[0] == 0
    return lambda word: run(word, str(config))


def test_low_balance_is_a_problem_in_check_and_shown_by_quote(
    famulus: Famulus, mturk: FakeMTurk
) -> None:
    assert famulus("check")[0] == 0
    with mturk.sandbox.turn() as state:
        state.money.endless, state.money.prepaid = False, Decimal("0.10")

    checked, quoted = famulus("check"), famulus("quote")

    assert checked[0] == 2
    assert "can spend 0.10 USD" in checked[1]
    assert quoted[0] == 0
    assert "can spend 0.10 USD" in quoted[1]
    assert "Cost: " in quoted[1]


def test_expired_keys_are_a_problem_of_check_with_the_remedy(
    famulus: Famulus, mturk: FakeMTurk
) -> None:
    mturk.sandbox.faults.expired_keys.add("")

    status, output = famulus("check")

    assert status == 2
    assert "aws sso login" in output


def test_quote_needs_no_keys(famulus: Famulus, mturk: FakeMTurk) -> None:
    mturk.sandbox.faults.expired_keys.add("")

    status, output = famulus("quote")

    assert status == 0
    assert "Cost: " in output
    assert "aws sso login" in output
