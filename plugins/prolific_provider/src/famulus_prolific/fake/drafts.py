"""Checks of a study before it is created or published."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from famulus_prolific.fake.codes import read_codes
from famulus_prolific.fake.errors import bad_request
from famulus_prolific.fake.filters import check_filters
from famulus_prolific.fake.records import Study
from famulus_prolific.fake.state import SECURE_URLS, State
from famulus_prolific.fake.timings import least_allowed_time

_REQUIRED = {
    "name": str,
    "description": str,
    "external_study_url": str,
    "prolific_id_option": str,
    "total_available_places": int,
    "estimated_completion_time": int,
    "reward": int,
}
_ID_OPTIONS = ("question", "url_parameters", "not_required")
_DEVICES = frozenset({"desktop", "tablet", "mobile"})


def read_draft(state: State, members: dict[str, Any]) -> Study:
    """Return a new draft with the fields that were sent.

    :raises ApiError: naming each field that is missing or wrong.
    """
    problems = _problems(state, members)
    if problems:
        raise bad_request(problems)
    if members.get("is_external_study_url_secure"):
        state.require(SECURE_URLS)
    check_filters(state, members.get("filters") or [])
    fields = dict(members)
    fields.setdefault("project", next(iter(state.projects)))
    fields.setdefault("internal_name", "")
    minutes = members["estimated_completion_time"]
    fields.setdefault("maximum_allowed_time", least_allowed_time(minutes))
    return Study(
        id=state.new_id(),
        fields=fields,
        codes=read_codes(state, members, members["reward"]),
        places=members["total_available_places"],
        reward=members["reward"],
        created_at=state.now,
    )


def refuse_low_reward(state: State, study: Study) -> None:
    """Refuse a study that pays less than the minimum per hour."""
    least, _ = state.facts.wages.get(state.money.currency, (0, 0))
    minutes = study.fields["estimated_completion_time"]
    if Decimal(study.reward) * 60 / minutes < least and not study.is_test:
        raise bad_request({"reward": [f"The reward is below the minimum of {least} an hour."]})


def _problems(state: State, members: dict[str, Any]) -> dict[str, list[str]]:
    return _missing(members) or _wrong(state, members)


def _missing(members: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, kind in _REQUIRED.items():
        value = members.get(name)
        if not isinstance(value, kind) or isinstance(value, bool) or value == "":
            found[name] = ["This field is required, or of the wrong type."]
        elif isinstance(value, int) and value < 1:
            found[name] = ["Ensure this value is greater than 0."]
    return found


def _wrong(state: State, members: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if "eligibility_requirements" in members:
        found["eligibility_requirements"] = ["This field is no longer supported. Use filters."]
    if members["prolific_id_option"] not in _ID_OPTIONS:
        found["prolific_id_option"] = [f"Has to be one of {', '.join(_ID_OPTIONS)}."]
    if urlsplit(members["external_study_url"]).scheme not in ("http", "https"):
        found["external_study_url"] = ["Enter a valid URL."]
    least = least_allowed_time(members["estimated_completion_time"])
    if members.get("maximum_allowed_time", least) < least:
        found["maximum_allowed_time"] = [f"Ensure this value is at least {least}."]
    if not set(members.get("device_compatibility") or ()) <= _DEVICES:
        found["device_compatibility"] = [f"Has to be of {', '.join(sorted(_DEVICES))}."]
    if members.get("project", next(iter(state.projects))) not in state.projects:
        found["project"] = ["There is no such project."]
    return found
