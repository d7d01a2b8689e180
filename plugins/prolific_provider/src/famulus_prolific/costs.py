"""What work costs, with Prolific's fees and the taxes on them, by its own calculator."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

from attrs import define, field, frozen

from famulus import Plan, Quote
from famulus_prolific.api import ProlificApi
from famulus_prolific.wages import major, minor

#: An amount in hundredths, so large that the rounding of fees and taxes is negligible.
_SAMPLE = 10_000


@frozen(kw_only=True)
class Cost:
    """The fees and taxes that are added to rewards."""

    fees: Decimal
    taxes: Decimal


@define(eq=False)
class Costs:
    """Asks the calculator; threads share it."""

    api: ProlificApi
    _share: Cost | None = field(default=None, init=False)
    _mutex: threading.Lock = field(factory=threading.Lock, init=False)

    def quote(self, plan: Plan, units: int, currency: str) -> Quote:
        """Return the cost of this many units if all of them are paid."""
        reward = plan.task.task_reward or Decimal(0)
        rewards = reward * units
        if not rewards:
            return Quote(currency=currency, rewards=rewards, fees=Decimal(0))
        cost = self._ask(minor(reward), units)
        return Quote(currency=currency, rewards=rewards, fees=cost.fees, taxes=cost.taxes)

    def share(self) -> Cost:
        """Return the fees and taxes on one unit of the currency; the calculator is asked once."""
        with self._mutex:
            if self._share is None:
                cost, amount = self._ask(_SAMPLE, 1), major(_SAMPLE)
                self._share = Cost(fees=cost.fees / amount, taxes=cost.taxes / amount)
            return self._share

    def _ask(self, reward: int, places: int) -> Cost:
        """Return what the calculator adds; taxes that it does not list separately count as fees."""
        body = {"reward": reward, "total_available_places": places}
        answer: dict[str, Any] = self.api.post("study-cost-calculator/", body)
        taxes = major(answer.get("vat") or 0)
        fees = major(answer["total_cost"]) - major(reward * places) - taxes
        return Cost(fees=max(fees, Decimal(0)), taxes=taxes)
