"""Completion codes: what may be set up, and what may be changed later."""

from __future__ import annotations

from typing import Any

from famulus_prolific.fake.changes import SCREEN_OUT
from famulus_prolific.fake.errors import ApiError, bad_request
from famulus_prolific.fake.records import Actor, Code
from famulus_prolific.fake.state import PARTIAL_PAYMENTS, SCREEN_OUTS, State

APPROVE = "AUTOMATICALLY_APPROVE"
ADD_TO_GROUP = "ADD_TO_PARTICIPANT_GROUP"
REMOVE_FROM_GROUP = "REMOVE_FROM_PARTICIPANT_GROUP"
REQUEST_RETURN = "REQUEST_RETURN"
PART = "DYNAMIC_PAYMENT"
ACTIONS = frozenset(
    {APPROVE, "MANUALLY_REVIEW", ADD_TO_GROUP, REMOVE_FROM_GROUP, REQUEST_RETURN, PART, SCREEN_OUT}
)


def read_codes(state: State, members: dict[str, Any], reward: int) -> list[Code]:
    """Return the codes of a new study.

    :raises ApiError: when they are not allowed, or need a feature that the workspace lacks.
    """
    given = members.get("completion_codes")
    if not isinstance(given, list) or not given:
        raise _refused("This field is required.")
    codes = [_read(one) for one in given]
    if len({one.code for one in codes}) < len(codes):
        raise _refused("The codes of a study have to differ.")
    if sum(not one.actions for one in codes) > 1:
        raise _refused("Only one code of a study may be without actions.")
    if sum(one.action(SCREEN_OUT) is not None for one in codes) > 1:
        raise _refused(f"Only one code of a study may have the action {SCREEN_OUT}.")
    for code in codes:
        for action in code.actions:
            _check_action(state, code, action, reward)
    return codes


def raise_slots(codes: list[Code], given: Any) -> None:
    """Change the codes of a published study, of which only the slots may grow."""
    if not isinstance(given, list) or len(given) != len(codes):
        raise _refused("The codes of a published study cannot be changed.")
    read = [_read(one) for one in given]
    for old, new in zip(codes, read, strict=True):
        was, wanted = old.action(SCREEN_OUT), new.action(SCREEN_OUT)
        if was is not None and wanted is not None and wanted.get("slots", 0) >= was["slots"]:
            new.actions = [was if one is wanted else one for one in new.actions]
        if old.written() != new.written():
            raise _refused("Only the slots of a published study's codes can be raised.")
        if was is not None and wanted is not None:
            was["slots"] = wanted["slots"]


def _read(given: Any) -> Code:
    if not isinstance(given, dict) or not isinstance(given.get("code"), str) or not given["code"]:
        raise _refused("Each code needs a text 'code'.")
    actions = given.get("actions") or []
    if not isinstance(actions, list) or not all(isinstance(one, dict) for one in actions):
        raise _refused("'actions' has to be a list of objects.")
    for action in actions:
        if action.get("action") not in ACTIONS:
            raise _refused(f"There is no action {action.get('action')!r}.")
    actor = given.get("actor", "participant")
    if actor not in set(Actor):
        raise _refused(f"'{actor}' is not an actor.")
    return Code(
        code=given["code"],
        code_type=str(given.get("code_type", "COMPLETED")),
        actions=[dict(one) for one in actions],
        actor=Actor(actor),
    )


def _check_action(state: State, code: Code, action: dict[str, Any], reward: int) -> None:
    name = action["action"]
    if name in (ADD_TO_GROUP, REMOVE_FROM_GROUP):
        group = state.groups.get(str(action.get("participant_group")))
        if group is None or group.is_deleted:
            raise _refused(f"There is no participant group {action.get('participant_group')!r}.")
    elif name == REQUEST_RETURN and not action.get("return_reason"):
        raise _refused(f"{name} needs a return_reason.")
    elif name == PART:
        state.require(PARTIAL_PAYMENTS)
        if code.actor is not Actor.RESEARCHER:
            raise _refused(f"The actor of a code with {name} has to be the researcher.")
    elif name == SCREEN_OUT:
        state.require(SCREEN_OUTS)
        paid, slots = action.get("fixed_screen_out_reward"), action.get("slots")
        if not isinstance(paid, int) or not 0 < paid < reward:
            raise _refused("fixed_screen_out_reward has to be above 0 and below the reward.")
        if not isinstance(slots, int) or slots < 1:
            raise _refused("slots has to be a whole number above 0.")


def _refused(reason: str) -> ApiError:
    return bad_request({"completion_codes": [reason]})
