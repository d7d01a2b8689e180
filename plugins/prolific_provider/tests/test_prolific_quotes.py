"""Prolific's calculator is asked once for each number of units, from the check to the launch."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from famulus import Database, Operator, register_requester
from famulus.testing.movable_clock import MovableClock
from famulus_prolific.fake import FakeProlific

EXAMPLE = Path(__file__).resolve().parents[3] / "sdk_examples/simple_static_task"


@pytest.fixture
def configuration(prolific: FakeProlific, database: Database) -> dict[str, Any]:
    """A task of four units that is served elsewhere; its requester is registered."""
    database.prepare()
    settings: dict[str, Any] = {"api_url": prolific.api_url, "keep_token_in": "file"}
    register_requester(database, "prolific", "lab", **settings)
    return {
        "blueprint": {
            "_blueprint_type": "static_task",
            "data_csv": str(EXAMPLE / "data.csv"),
            "task_source": str(EXAMPLE / "server_files/demo_task.html"),
            "units_per_assignment": 2,
        },
        "architect": {"_architect_type": "external", "public_url": "https://tasks.example.org/"},
        "provider": {"_provider_type": "prolific", "site_url": prolific.site_url},
        "task": {
            "task_name": "quoted",
            "task_title": "Rate a character",
            "task_description": "Read it.",
            "task_reward": 0.6,
            "estimated_minutes": 3,
            "assignment_duration_in_seconds": 900,
            "max_spend": 50,
        },
    }


def asked(prolific: FakeProlific) -> int:
    return len(prolific.called("calculate-study-cost"))


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_launch_asks_for_one_unit_and_for_all_of_them(
    prolific: FakeProlific, database: Database, configuration: dict[str, Any], is_announced: bool
) -> None:
    with Operator(database) as operator:
        given: Any = configuration
        if is_announced:
            given = operator.check(configuration)
            estimate = operator.estimate(given, most_rows=50_000)
            assert estimate.total is not None
            assert operator.balance_problems(given) == []
        operator.launch(given)
        number = asked(prolific)

    assert number == 2


def test_a_launch_of_one_unit_asks_once(
    prolific: FakeProlific, database: Database, configuration: dict[str, Any], tmp_path: Path
) -> None:
    header, first, *_ = (EXAMPLE / "data.csv").read_text().splitlines()
    (tmp_path / "one.csv").write_text(f"{header}\n{first}\n")
    configuration["blueprint"] |= {
        "data_csv": str(tmp_path / "one.csv"),
        "units_per_assignment": 1,
    }

    with Operator(database) as operator:
        operator.launch(configuration)
        number = asked(prolific)

    assert number == 1


@pytest.mark.parametrize(("minutes", "number"), [(9, 2), (11, 4)])
def test_a_launch_that_is_confirmed_late_asks_again(
    prolific: FakeProlific,
    database: Database,
    clock: MovableClock,
    configuration: dict[str, Any],
    minutes: int,
    number: int,
) -> None:
    with Operator(database) as operator:
        checked = operator.check(configuration)
        operator.estimate(checked)
        clock.advance(timedelta(minutes=minutes).total_seconds())
        operator.launch(checked)

    assert asked(prolific) == number


def test_another_account_is_asked_about_its_own_fees(
    prolific: FakeProlific, database: Database, configuration: dict[str, Any]
) -> None:
    with Operator(database) as operator:
        checked = operator.check(configuration)
        before = operator.estimate(checked)
        with prolific.turn() as state:
            state.money.fee_percent /= 2
        settings: dict[str, Any] = {"api_url": prolific.api_url, "keep_token_in": "environment"}
        register_requester(database, "prolific", "lab", **settings)
        after = operator.estimate(checked)

    assert after.one.fees < before.one.fees
