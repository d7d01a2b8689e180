"""What studies cost: before they are published, and so far."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from famulus_prolific.fake.errors import ApiError, bad_request
from famulus_prolific.fake.exchange import ApiReply, Request
from famulus_prolific.fake.filters import check_filters
from famulus_prolific.fake.money import Cost
from famulus_prolific.fake.state import State


class Costs:
    """The operations that compute costs."""

    def __init__(self, state: State) -> None:
        self._state = state

    def calculate(self, request: Request) -> ApiReply:
        """Return what a study would cost."""
        reward, places = (
            request.members.get(name) for name in ("reward", "total_available_places")
        )
        if not isinstance(reward, int | float) or not isinstance(places, int | float):
            raise bad_request({"reward": ["reward and total_available_places are required."]})
        cost = self._state.money.cost(int(reward), int(places))
        return ApiReply(
            body={
                "total_cost": float(cost.total),
                "base_cost": float(cost.rewards + cost.fees),
                "rewards": float(cost.rewards),
                "fees": float(cost.fees),
                "vat": float(cost.vat),
            }
        )

    def of_study(self, request: Request) -> ApiReply:
        """Return what was paid for a study."""
        study = self._state.study(request.path["id"])
        mine = {one.id for one in study.submissions}
        paid = [one for one in self._state.money.ledger if one.submission_id in mine]
        money = self._state.money
        rewards = [money.cost(one.amount) for one in paid if one.bulk_id is None]
        bonuses = [money.cost(one.amount) for one in paid if one.bulk_id is not None]
        return ApiReply(body={"rewards": self._sum(rewards), "bonuses": self._sum(bonuses)})

    def recommended(self, request: Request) -> ApiReply:
        """Return the minimum and the recommended hourly wage in cents."""
        if not self._state.facts.recommends_rewards:
            raise ApiError(HTTPStatus.NOT_FOUND, "Not found.")
        self._state.workspace(request.query.get("workspace_id", ""))
        wanted = request.query.get("currency")
        return ApiReply(
            body=[
                {
                    "currency": currency,
                    "min_reward_per_hour": least,
                    "recommended_reward_per_hour": recommended,
                }
                for currency, (least, recommended) in self._state.facts.wages.items()
                if wanted in (None, currency)
            ]
        )

    def recruitment_time(self, request: Request) -> ApiReply:
        """Return how long recruiting takes, at ten participants an hour."""
        if not self._state.facts.predicts_recruitment:
            raise ApiError(HTTPStatus.NOT_FOUND, "Not found.")
        self._state.workspace(request.member("workspace_id", str))
        check_filters(self._state, request.member("filters", list))
        request.member("study_type", str)
        for name in ("reward", "estimated_completion_time"):
            request.member(name, int)
        hours = request.member("total_available_places", int) / 10
        return ApiReply(
            body={
                "precise_recruitment_time_hours": hours,
                "lower_bound_hours": hours / 2,
                "upper_bound_hours": hours * 2,
                "display_string": f"{hours:g} hours",
                "limit_at": 1000,
            }
        )

    def _sum(self, costs: list[Cost]) -> dict[str, Any]:
        parts = {
            "rewards": sum(one.rewards for one in costs),
            "fees": sum(one.fees for one in costs),
            "tax": sum(one.vat for one in costs),
        }
        return {
            name: {"amount": float(amount), "currency": self._state.money.currency}
            for name, amount in parts.items()
        }
