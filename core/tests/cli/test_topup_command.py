"""``famulus topup`` lists what it would pay, and pays what was confirmed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from famulus.model.database import Database
from famulus.plugins import discover
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock

Famulus = Callable[..., Result]


@pytest.fixture
def run(
    database_file: Path, example: Path, unserved: list[str], request: pytest.FixtureRequest
) -> Iterator[int]:
    """The example, three units of which x and y have done in three minutes each.

    A parameter has more options of it.
    """
    clock = MovableClock(datetime.now(UTC))
    with (
        Database(database_file, clock=clock) as database,
        ManualOperator(database, plugins=discover()) as operator,
    ):
        overrides = [*unserved, "provider.fee=0.2", *getattr(request, "param", ())]
        launched = operator.launch(example, overrides=overrides)
        operator.load_all(launched)
        for name in "xxy":
            worker = GatewayWorker(operator.gateway(launched), name)
            page = worker.arrive()
            clock.advance(180)
            worker.submit(page)
        operator.turn()
        yield launched.run_id


@pytest.fixture
def reviewed(run: int, famulus: Famulus) -> int:
    assert famulus("review", "html-static-task-example", "--accept-all").exit_code == 0
    return run


def bonuses(famulus: Famulus) -> list[tuple[str, str, str]]:
    listed = json.loads(famulus("payments", "--json").stdout)["payments"]
    return [
        (each["worker"], each["amount"], each["status"])
        for each in listed
        if each["kind"] == "bonus"
    ]


def test_without_a_terminal_the_list_is_shown_and_nothing_paid(
    famulus: Famulus, reviewed: int
) -> None:
    asked = famulus("topup", reviewed, "--hourly", "9")

    assert asked.exit_code == 2
    assert asked.stdout.splitlines() == [
        "UNITS  TOP-UP    FEE   WORKER",
        "1      0.15 USD  0.03  x",
        "1      0.15 USD  0.03  x",
        "1      0.15 USD  0.03  y",
        "",
        "They raise the pay to 9.00 USD an hour: a unit is paid 0.30 USD, and takes 3 minutes "
        "(median).",
        "Total: 0.54 USD (0.45 and fees of 0.09) for 3 units in 3 visits.",
    ]
    assert "there is no terminal to confirm the payments on; confirm them with --yes" in (
        asked.stderr
    )
    assert bonuses(famulus) == []


@pytest.mark.parametrize(
    "run", [["provider.faults=[none, none, none, accepted, accepted]"]], indirect=True
)
def test_topups_that_the_platform_has_accepted_end_with_0(famulus: Famulus, reviewed: int) -> None:
    paid = famulus("topup", reviewed, "--hourly", "9", "--yes")

    assert paid.exit_code == 0
    assert (
        "2 payments were accepted by the platform, which does not show them yet; "
        f"`famulus sync {reviewed}` confirms them."
    ) in paid.stdout


def test_confirmed_topups_are_paid_once(famulus: Famulus, reviewed: int) -> None:
    first, second = (famulus("topup", reviewed, "--hourly", "9", "--yes") for _ in range(2))

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "confirmed  3         0.45    0.09  0.54 USD" in first.stdout
    assert second.stdout == (
        "There is nothing to pay: no visit whose reward is paid is to be raised to 9.00 USD an "
        "hour.\n"
    )
    assert bonuses(famulus) == [(name, "0.15", "confirmed") for name in "xxy"]


def test_json_is_a_proposal_until_it_is_confirmed(famulus: Famulus, reviewed: int) -> None:
    words = ("topup", reviewed, "--hourly", "9", "--reason", "Sorry.", "--json")
    proposal = json.loads(famulus(*words).stdout)
    paid = bonuses(famulus)
    confirmed = json.loads(famulus(*words, "--yes").stdout)

    assert (paid, proposal["payments"]) == ([], [])
    assert {name: proposal[name] for name in ("hourly", "median_seconds", "reward", "total")} == {
        "hourly": "9.00",
        "median_seconds": 180.0,
        "reward": "0.30",
        "total": "0.54",
    }
    assert proposal["visits"][2] == {"worker": "y", "units": 1, "amount": "0.15", "fee": "0.03"}
    assert [each["reason"] for each in confirmed["payments"]] == ["Sorry."] * 3
    assert confirmed["visits"] == proposal["visits"]


def test_work_that_is_not_reviewed_is_not_topped_up(famulus: Famulus, run: int) -> None:
    found = famulus("topup", run, "--hourly", "9", "--yes")

    assert (found.exit_code, bonuses(famulus)) == (0, [])
    assert found.stdout.startswith("There is nothing to pay")
