"""The filters that exist, and the participants whom they let see a study."""

from __future__ import annotations

from typing import Any

from famulus_prolific.fake.errors import ApiError, bad_request
from famulus_prolific.fake.state import Profile, State

GROUP_ALLOW = "participant_group_allowlist"
GROUP_BLOCK = "participant_group_blocklist"
ALLOW = "custom_allowlist"
BLOCK = "custom_blocklist"
PREVIOUS_BLOCK = "previous_studies_blocklist"

#: a small part of the platform's list
FILTERS: tuple[dict[str, Any], ...] = (
    {
        "filter_id": "fluent-languages",
        "title": "Fluent languages",
        "question": "Which of the following languages are you fluent in?",
        "type": "select",
        "data_type": "ChoiceID",
        "choices": {"19": "English", "20": "Estonian", "28": "German"},
    },
    {
        "filter_id": "current-country-of-residence",
        "title": "Current country of residence",
        "question": "In what country do you currently reside?",
        "type": "select",
        "data_type": "ChoiceID",
        "choices": {"0": "United Kingdom", "1": "United States", "5": "Germany"},
    },
    {
        "filter_id": "age",
        "title": "Age",
        "question": "What is your date of birth?",
        "type": "range",
        "data_type": "integer",
        "min": 18,
        "max": 100,
    },
    {
        "filter_id": "approval_rate",
        "title": "Approval rate",
        "question": "",
        "type": "range",
        "data_type": "integer",
        "min": 0,
        "max": 100,
    },
    *(
        {"filter_id": name, "title": title, "question": "", "type": "select", "choices": {}}
        for name, title in (
            (GROUP_ALLOW, "Participant group allow list"),
            (GROUP_BLOCK, "Participant group block list"),
            (ALLOW, "Custom allow list"),
            (BLOCK, "Custom block list"),
            (PREVIOUS_BLOCK, "Exclude participants from other studies"),
        )
    ),
)
_KNOWN = {one["filter_id"]: one for one in FILTERS}


def check_filters(state: State, filters: Any) -> None:
    """Refuse filters that do not exist, or values that they do not have."""
    if not isinstance(filters, list):
        raise _refused("Not a list of filters.")
    for given in filters:
        name = given.get("filter_id") if isinstance(given, dict) else None
        known = _KNOWN.get(str(name))
        if known is None:
            raise _refused(f"There is no filter {name!r}.")
        if known["type"] == "range":
            if not isinstance(given.get("selected_range"), dict):
                raise _refused(f"{name} needs a selected_range.")
            continue
        values = given.get("selected_values")
        if not isinstance(values, list):
            raise _refused(f"{name} needs selected_values.")
        choices = _choices(state, known)
        unknown = [value for value in values if choices is not None and value not in choices]
        if unknown:
            raise _refused(f"{name} has no {', '.join(map(repr, unknown))}.")


def lets_in(state: State, filters: list[dict[str, Any]], participant_id: str) -> bool:
    """Return whether all filters let a participant see a study."""
    profile = state.participants.get(participant_id, Profile())
    return all(_lets_in(state, one, participant_id, profile) for one in filters)


def _lets_in(state: State, given: dict[str, Any], participant_id: str, profile: Profile) -> bool:
    name, values = given["filter_id"], given.get("selected_values") or []
    if name in (GROUP_ALLOW, GROUP_BLOCK):
        member = any(participant_id in state.groups[one].members for one in values)
        return member is (name == GROUP_ALLOW)
    if name in (ALLOW, BLOCK):
        return (participant_id in values) is (name == ALLOW)
    if name == PREVIOUS_BLOCK:
        been = (state.studies[one].submissions for one in values if one in state.studies)
        return not any(one.participant_id == participant_id for many in been for one in many)
    answer = profile.answers.get(name)
    if "selected_range" in given:
        bounds = given["selected_range"]
        lower, upper = bounds.get("lower"), bounds.get("upper")
        return answer is not None and (
            (lower is None or answer >= lower) and (upper is None or answer <= upper)
        )
    answers = answer if isinstance(answer, list) else [answer]
    return any(one in values for one in answers)


def _choices(state: State, known: dict[str, Any]) -> set[str] | None:
    """Return the values that may be selected; None if any value may be."""
    if known["filter_id"] in (GROUP_ALLOW, GROUP_BLOCK):
        return {one.id for one in state.groups.values() if not one.is_deleted}
    if known["filter_id"] == PREVIOUS_BLOCK:
        return set(state.studies)
    return set(known["choices"]) or None


def _refused(reason: str) -> ApiError:
    return bad_request({"filters": [reason]})
