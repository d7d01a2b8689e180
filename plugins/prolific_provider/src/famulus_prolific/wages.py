"""Amounts in the smallest unit of the account's currency, and what an hour of work pays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import ceil, sqrt

from attrs import frozen

from famulus import Plan, Problem

#: Both currencies have hundredths.
_CENTS = 100
_MINUTES, _SECONDS = 60, 60


@frozen(kw_only=True)
class Wage:
    """What Prolific wants an hour to pay."""

    minimum: Decimal
    recommended: Decimal


#: As of September 2026; what counts is the median of the time that participants take.
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
    """Return the shortest time that Prolific gives participants for work of so many minutes."""
    whole = ceil(minutes)
    return ceil(2 + 2 * whole + 2 * sqrt(whole)) * _SECONDS


def wage_problems(plan: Plan, currency: str) -> Iterator[Problem]:
    """Yield the problems with the pay and the time that a plan has for one unit."""
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
    if task.task_reward and currency in WAGES:
        yield from _pay_problems(plan, task.task_reward, minutes, currency)


def _pay_problems(
    plan: Plan, reward: Decimal, minutes: Decimal, currency: str
) -> Iterator[Problem]:
    # Prolific knows whole minutes alone.
    hourly = reward * _MINUTES / ceil(minutes)
    wage, pays = WAGES[currency], f"{reward} for {ceil(minutes)} minutes is"
    if hourly < wage.minimum:
        message = (
            f"{pays} {hourly:.2f} {currency} an hour; Prolific's minimum is {wage.minimum}, and it "
            f"recommends {wage.recommended}"
        )
        yield plan.problem("task.task_reward", message)
    elif hourly < wage.recommended:
        message = f"{pays} {hourly:.2f} {currency} an hour; Prolific recommends {wage.recommended}"
        yield plan.problem("task.task_reward", message, warning=True)
