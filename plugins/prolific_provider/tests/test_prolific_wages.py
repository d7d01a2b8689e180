"""What a plan pays an hour, and the time it gives."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from famulus import Plan, Role, SharedTaskState, TaskArgs
from famulus_prolific.checks import plan_problems
from famulus_prolific.options import ProlificArgs


def plan(
    *, reward: str = "1.50", minutes: str | None = "10", seconds: int = 1800, **args: Any
) -> Plan:
    task = TaskArgs(
        task_title="A title",
        task_description="A description",
        task_reward=Decimal(reward),
        estimated_minutes=None if minutes is None else Decimal(minutes),
        assignment_duration_in_seconds=seconds,
    )
    role = Role(type="nothing", args=None)
    return Plan(
        task=task,
        blueprint=role,
        architect=role,
        provider=Role(type="prolific", args=ProlificArgs(**args)),
        shared_state=SharedTaskState(),
        task_dir=Path(),
    )


def found(given: Plan, currency: str = "GBP") -> list[tuple[str | None, bool]]:
    return [(each.key, each.warning) for each in plan_problems(given, currency)]


def test_a_good_plan_has_no_problem() -> None:
    assert found(plan()) == []


@pytest.mark.parametrize(
    ("reward", "currency", "expected"),
    [
        ("0.99", "GBP", [("task.task_reward", False)]),
        ("1.00", "GBP", [("task.task_reward", True)]),
        ("1.49", "GBP", [("task.task_reward", True)]),
        ("1.33", "USD", [("task.task_reward", False)]),
        ("2.00", "USD", []),
        ("0.00", "GBP", [("task.task_reward", False)]),
    ],
)
def test_pay_is_compared_with_minimum_and_recommendation(
    reward: str, currency: str, expected: list[tuple[str, bool]]
) -> None:
    assert found(plan(reward=reward), currency) == expected


def test_prolific_knows_whole_minutes() -> None:
    assert found(plan(reward="0.09", minutes="0.9")) == [("task.task_reward", False)]
    assert found(plan(reward="0.15", minutes="1")) == []


@pytest.mark.parametrize(("seconds", "is_enough"), [(1739, False), (1740, True)])
def test_participants_have_the_time_that_prolific_gives_them(seconds: int, is_enough: bool) -> None:
    problems = found(plan(seconds=seconds))

    assert problems == ([] if is_enough else [("task.assignment_duration_in_seconds", False)])


def test_minutes_are_needed() -> None:
    assert found(plan(minutes=None)) == [("task.estimated_minutes", False)]


@pytest.mark.parametrize(
    ("args", "key"),
    [
        ({"screen_out_reward": Decimal("0.10")}, "provider.screen_out_slots"),
        ({"screen_out_slots": 3}, "provider.screen_out_reward"),
        (
            {"screen_out_reward": Decimal("1.50"), "screen_out_slots": 3},
            "provider.screen_out_reward",
        ),
    ],
)
def test_options_that_do_not_fit_are_named(args: dict[str, Any], key: str) -> None:
    assert found(plan(**args)) == [(key, False)]
