"""The requirements of a HIT on workers' qualifications."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from famulus_mturk.fake.errors import RequestError, bad_value, missing, wrong_status
from famulus_mturk.fake.records import QualificationType
from famulus_mturk.fake.state import State

MOST = 10
LOCALE = "00000000000000000071"
_PRESENCE = ("Exists", "DoesNotExist")
_SETS = ("In", "NotIn")
_EQUALITY = ("EqualTo", "NotEqualTo")
_MOST_INTEGERS = 15
_MOST_LOCALES = 30

_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "LessThan": lambda held, wanted: held < wanted,
    "LessThanOrEqualTo": lambda held, wanted: held <= wanted,
    "GreaterThan": lambda held, wanted: held > wanted,
    "GreaterThanOrEqualTo": lambda held, wanted: held >= wanted,
    "EqualTo": lambda held, wanted: held == wanted,
    "NotEqualTo": lambda held, wanted: held != wanted,
}


class Action(IntEnum):
    """An action of a worker on a HIT; guarding an action means guarding the lower ones too."""

    ACCEPT = 1
    PREVIEW = 2
    DISCOVER = 3


_GUARDED = {
    "Accept": Action.ACCEPT,
    "PreviewAndAccept": Action.PREVIEW,
    "DiscoverPreviewAndAccept": Action.DISCOVER,
}


def check_requirements(requirements: Sequence[Mapping[str, Any]], state: State) -> None:
    """Refuse requirements that a HIT type cannot have."""
    if len(requirements) > MOST:
        raise bad_value(
            "QualificationRequirements", f"{len(requirements)} requirements are more than {MOST}"
        )
    for requirement in requirements:
        usable_type(requirement["QualificationTypeId"], state)
        _check_values(requirement)


def usable_type(type_id: str, state: State) -> QualificationType:
    """Return a qualification type that exists and has not been deleted."""
    found = state.qualification_types.get(type_id)
    if found is None:
        raise missing("QualificationType", type_id)
    if found.deleted_at is not None:
        raise wrong_status("InvalidQualificationTypeState", "Active,Inactive")
    return found


def _check_values(requirement: Mapping[str, Any]) -> None:
    comparator = requirement["Comparator"]
    integers = requirement.get("IntegerValues", [])
    locales = requirement.get("LocaleValues", [])
    is_locale = requirement["QualificationTypeId"] == LOCALE
    if comparator in _PRESENCE:
        if integers or locales:
            raise _unfit(requirement, "takes no values")
        return
    if is_locale and comparator not in _SETS + _EQUALITY:
        raise _unfit(requirement, "does not compare locales")
    values, other, most = (
        (locales, integers, _MOST_LOCALES) if is_locale else (integers, locales, _MOST_INTEGERS)
    )
    if other:
        raise _unfit(requirement, "has values of the wrong kind")
    if not 1 <= len(values) <= (most if comparator in _SETS else 1):
        raise _unfit(requirement, f"has {len(values)} values")


def _unfit(requirement: Mapping[str, Any], why: str) -> RequestError:
    return bad_value(
        "QualificationRequirements",
        f"{requirement['Comparator']} on {requirement['QualificationTypeId']} {why}",
    )


def unmet(
    requirements: Sequence[Mapping[str, Any]],
    action: Action,
    held: Mapping[str, int],
    locale: tuple[str, ...],
) -> list[str]:
    """Return the ids of the qualification types that keep a worker from an action.

    ``held`` are their values by type. A worker without a qualification meets ``DoesNotExist`` only.
    """
    return [
        requirement["QualificationTypeId"]
        for requirement in requirements
        if _guarded(requirement) >= action and not _met(requirement, held, locale)
    ]


def _guarded(requirement: Mapping[str, Any]) -> Action:
    if requirement.get("RequiredToPreview"):
        return Action.PREVIEW
    return _GUARDED[requirement.get("ActionsGuarded", "Accept")]


def _met(requirement: Mapping[str, Any], held: Mapping[str, int], locale: tuple[str, ...]) -> bool:
    comparator, type_id = requirement["Comparator"], requirement["QualificationTypeId"]
    if type_id == LOCALE:
        return _met_by_locale(requirement, locale)
    if comparator in _PRESENCE:
        return (type_id in held) is (comparator == "Exists")
    if type_id not in held:
        return False
    value, wanted = held[type_id], requirement["IntegerValues"]
    if comparator in _SETS:
        return (value in wanted) is (comparator == "In")
    return _COMPARE[comparator](value, wanted[0])


def _met_by_locale(requirement: Mapping[str, Any], locale: tuple[str, ...]) -> bool:
    comparator = requirement["Comparator"]
    if comparator in _PRESENCE:
        return bool(locale) is (comparator == "Exists")
    among = any(_is_in(locale, wanted) for wanted in requirement["LocaleValues"])
    return among is (comparator in ("In", "EqualTo"))


def _is_in(locale: tuple[str, ...], wanted: Mapping[str, str]) -> bool:
    place = (wanted["Country"], *filter(None, [wanted.get("Subdivision")]))
    return locale[: len(place)] == place
