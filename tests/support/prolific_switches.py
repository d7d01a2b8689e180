"""The positions of the fake Prolific's switches: what is not known of the platform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

_BOTH = (True, False)

#: what tests try of each switch
POSITIONS: Mapping[str, Sequence[Any]] = MappingProxyType(
    {
        "errors_in_envelope": _BOTH,
        "wrong_state": (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT),
        "no_feature": (HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
        "repeats_refused": _BOTH,
        "publishing_takes": (timedelta(0), timedelta(seconds=90)),
        "low_reward_refused_at": ("create", "publish", "never"),
        "wages": (
            {"GBP": (600, 900), "USD": (800, 1200)},
            {"GBP": (1000, 1150), "USD": (1100, 1300)},
            {},
        ),
        "recommends_rewards": _BOTH,
        "predicts_recruitment": _BOTH,
        "rejection_wakes_stopped": _BOTH,
        "paused_moves_on": _BOTH,
        "expired_reservation": ("removed", "RETURNED", "TIMED-OUT"),
        "late_codes_accepted": _BOTH,
        "returned_may_come_back": _BOTH,
        "return_codes_return": _BOTH,
        "screen_outs_beyond_slots_paid": _BOTH,
        "researchers_may_return": _BOTH,
        "returned_get_bonuses": _BOTH,
        "bulk_approval_is_strict": _BOTH,
        "bulk_approval_takes": (timedelta(0), timedelta(minutes=2)),
        "most_rejections": (None, 1),
        "bonuses_take": (timedelta(minutes=3), timedelta(0), timedelta(hours=5)),
        "paying_takes": (timedelta(minutes=1), timedelta(0)),
        "paying_busy": (
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.CONFLICT,
            HTTPStatus.TOO_MANY_REQUESTS,
        ),
        "paying_twice_refused": _BOTH,
        "group_names_unique": _BOTH,
        "fees_in_whole_cents": _BOTH,
        "list_rewards_in_fractions": _BOTH,
        "list_dates_day_first": _BOTH,
        "lists_show_metadata": _BOTH,
        "test_studies_keep_names": _BOTH,
        "workspaces_need_limit": _BOTH,
        "audience": ("address", "origin", "domain"),
        "new_subscription_in_list": _BOTH,
        "event_times": ("seconds", "iso"),
        "https_targets_only": _BOTH,
    }
)


def each_position() -> Iterator[tuple[str, Any]]:
    """Yield each switch with each of its positions."""
    for name, positions in POSITIONS.items():
        for position in positions:
            yield name, position
