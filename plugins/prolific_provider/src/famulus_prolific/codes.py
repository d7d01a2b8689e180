"""Completion codes: one per outcome, random, so that none can be guessed from another."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from famulus import VisitOutcome

#: Prolific's own kinds; they name the code in its app.
_TYPES: Mapping[VisitOutcome, str] = {
    VisitOutcome.COMPLETED: "COMPLETED",
    VisitOutcome.FAILED_CHECK: "FAILED_ATTENTION_CHECK",
    VisitOutcome.SCREENED_OUT: "FIXED_SCREENOUT",
    VisitOutcome.WITHDREW: "NO_CONSENT",
}
_OTHER = "OTHER"
#: What participants read with the request to return their submission.
_REASONS: Mapping[VisitOutcome, str] = {
    VisitOutcome.FAILED_CHECK: "The answers did not meet what this study needs.",
    VisitOutcome.NOT_QUALIFIED: "This study needs participants with another background.",
    VisitOutcome.NO_WORK_LEFT: "There is no work left in this study.",
    VisitOutcome.LIMIT_REACHED: "You have done as much in this study as one participant may.",
    VisitOutcome.RUN_CLOSED: "This study is closed.",
    VisitOutcome.SCREENED_OUT: "The rest of this study is for other participants.",
    VisitOutcome.WITHDREW: "You have given the work back.",
}
#: Without letters and digits that look alike: a participant may have to type it.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH = 12


@frozen(kw_only=True)
class ScreenOut:
    """The reward of a screen-out in the smallest currency unit, and how many can be paid."""

    reward: int
    slots: int


def make_codes() -> dict[str, str]:
    """Return a new code for each outcome."""
    return {
        outcome.value: "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        for outcome in VisitOutcome
    }


def code_rules(codes: Mapping[str, str], screen_out: ScreenOut | None) -> list[dict[str, Any]]:
    """Return what Prolific does with each code, as a study's ``completion_codes``.

    Completed work waits for the requester. All other workers are asked to return their place, which
    is offered again; workers who are screened out are paid if the study has money for it.
    """
    return [
        {
            "code": codes[outcome.value],
            "code_type": _type(outcome, screen_out),
            "actions": [_action(outcome, screen_out)],
        }
        for outcome in VisitOutcome
    ]


def _type(outcome: VisitOutcome, screen_out: ScreenOut | None) -> str:
    if outcome is VisitOutcome.SCREENED_OUT and screen_out is None:
        return _OTHER
    return _TYPES.get(outcome, _OTHER)


def _action(outcome: VisitOutcome, screen_out: ScreenOut | None) -> dict[str, Any]:
    if outcome is VisitOutcome.COMPLETED:
        return {"action": "MANUALLY_REVIEW"}
    if outcome is VisitOutcome.SCREENED_OUT and screen_out is not None:
        return {
            "action": "FIXED_SCREEN_OUT_PAYMENT",
            "fixed_screen_out_reward": screen_out.reward,
            "slots": screen_out.slots,
        }
    return {"action": "REQUEST_RETURN", "return_reason": _REASONS[outcome]}
