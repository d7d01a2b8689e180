"""Amounts in the smallest unit of the account's currency, and what an hour of work pays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from math import ceil, sqrt
from typing import TYPE_CHECKING

from attrs import frozen

from famulus import FamulusError, Plan, Problem

if TYPE_CHECKING:
    from famulus_prolific.api import ProlificApi

#: Both currencies have hundredths.
_CENTS = 100
_MINUTES, _SECONDS = 60, 60


@frozen(kw_only=True)
class Wage:
    """The hourly wages that Prolific requires and recommends."""

    minimum: Decimal
    recommended: Decimal


#: As of September 2026, for accounts that cannot be asked; what counts is the median of the time
#: that participants take.
WAGES: Mapping[str, Wage] = {
    "GBP": Wage(minimum=Decimal("6.00"), recommended=Decimal("9.00")),
    "USD": Wage(minimum=Decimal("8.00"), recommended=Decimal("12.00")),
}


def minor(amount: Decimal | None) -> int:
    """Return an amount as a whole number of hundredths."""
    return int((amount or Decimal(0)) * _CENTS)


def major(hundredths: object) -> Decimal:
    """Return hundredths, which Prolific writes with or without a fraction, as an amount."""
    return Decimal(str(hundredths)) / _CENTS


def least_seconds(minutes: Decimal) -> int:
    """Return the least number of seconds that Prolific gives for this many minutes of work."""
    whole = ceil(minutes)
    return ceil(2 + 2 * whole + 2 * sqrt(whole)) * _SECONDS


def read_wage(api: ProlificApi, workspace: str, currency: str) -> Wage | None:
    """Return the hourly wages that Prolific requires and recommends; None if it has none."""
    try:
        found = api.get("reward-recommendations/", workspace_id=workspace, currency=currency)
        rows = found if isinstance(found, list) else found["results"]
        # The first one is the newest.
        row = next(each for each in rows if each["currency"] == currency)
        least, best = row["min_reward_per_hour"], row["recommended_reward_per_hour"]
        return Wage(minimum=major(least), recommended=major(best))
    except (FamulusError, LookupError, StopIteration, TypeError, ArithmeticError):
        return None


def wage_problems(plan: Plan, currency: str, read: Callable[[], Wage | None]) -> Iterator[Problem]:
    """Yield the problems with the pay and the time that a plan has for one unit.

    :param read: returns Prolific's hourly wages, or None; called only if the plan has a reward.
    """
    task = plan.task
    if not task.task_reward:
        yield plan.problem("task.task_reward", "Prolific's participants are paid; set a reward")
    minutes = task.estimated_minutes
    if minutes is None:
        message = (
            "Prolific shows participants how long a study takes, and computes the wage by that; "
            "set the minutes that one unit is expected to take"
        )
        yield plan.problem("task.estimated_minutes", message)
        return
    least = least_seconds(minutes)
    if task.assignment_duration_in_seconds < least:
        message = (
            f"{task.assignment_duration_in_seconds} is less than Prolific gives participants for "
            f"{minutes} minutes of work; set at least {least}"
        )
        yield plan.problem("task.assignment_duration_in_seconds", message)
    wage = (read() or WAGES.get(currency)) if task.task_reward else None
    if task.task_reward and wage is not None:
        yield from _pay_problems(plan, task.task_reward, minutes, wage, currency)


def _pay_problems(
    plan: Plan, reward: Decimal, minutes: Decimal, wage: Wage, currency: str
) -> Iterator[Problem]:
    # Prolific knows only whole minutes.
    hourly = reward * _MINUTES / ceil(minutes)
    pays = f"{reward} for {ceil(minutes)} minutes is"
    if hourly < wage.minimum:
        message = (
            f"{pays} {hourly:.2f} {currency} an hour; Prolific's minimum is {wage.minimum}, and it "
            f"recommends {wage.recommended}"
        )
        yield plan.problem("task.task_reward", message)
    elif hourly < wage.recommended:
        message = f"{pays} {hourly:.2f} {currency} an hour; Prolific recommends {wage.recommended}"
        yield plan.problem("task.task_reward", message, warning=True)
