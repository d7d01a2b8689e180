"""The fees of MTurk on rewards and bonuses, after its pricing page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_CENT = Decimal("0.01")
_SHARE = Decimal("0.20")
#: added to the share for each assignment of a HIT that has at least ``_LARGE`` assignments
_LARGE_SHARE = Decimal("0.20")
_LARGE = 10
#: added to the share for rewards of HITs that only Masters may do
_MASTERS_SHARE = Decimal("0.05")
#: the qualification of Masters, on the live site and in the sandbox
_MASTERS = frozenset({"2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"})


def fee(amount: Decimal, *, assignments: int = 1, masters: bool = False) -> Decimal:
    """Return the fee in dollars on one reward or bonus: 20 %, at least a cent, whole cents.

    :param assignments: how many assignments the HIT has; from ten on, the fee on the reward is 40
        %.
    :param masters: whether the reward is for Masters, which adds 5 % of the amount.
    """
    share = _SHARE
    share += _LARGE_SHARE if assignments >= _LARGE else 0
    share += _MASTERS_SHARE if masters else 0
    return max((amount * share).quantize(_CENT, rounding=ROUND_HALF_UP), _CENT)


def asks_for_masters(requirements: Iterable[Any]) -> bool:
    """Return whether requirements in MTurk's own format, valid or not, admit only Masters."""
    types = [each.get("QualificationTypeId") for each in requirements if isinstance(each, Mapping)]
    return any(each in _MASTERS for each in types if isinstance(each, str))
