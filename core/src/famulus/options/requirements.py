"""Conditions on qualifications: typed, checked, and converted back to plain mappings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from attrs import Attribute, frozen

from famulus.errors import Problem, UsageError
from famulus.names import name_fault, read_name, stripped_name
from famulus.options.declare import option
from famulus.options.option_class import options_of
from famulus.options.scalars import shown
from famulus.options.suggest import did_you_mean

_LARGEST = 2**31 - 1
_CONSTANT = "QUAL_"


class Comparator(StrEnum):
    """How a granted value is compared with the required one.

    ``Exists`` is met by any grant. ``DoesNotExist`` is met only without a grant; a worker without
    one meets no other condition.
    """

    GREATER = "GreaterThan"
    GREATER_EQUAL = "GreaterThanOrEqualTo"
    LESS = "LessThan"
    LESS_EQUAL = "LessThanOrEqualTo"
    EQUAL = "EqualTo"
    NOT_EQUAL = "NotEqualTo"
    EXISTS = "Exists"
    NOT_EXIST = "DoesNotExist"
    IN_LIST = "In"
    NOT_IN_LIST = "NotIn"


QUAL_GREATER = Comparator.GREATER
QUAL_GREATER_EQUAL = Comparator.GREATER_EQUAL
QUAL_LESS = Comparator.LESS
QUAL_LESS_EQUAL = Comparator.LESS_EQUAL
QUAL_EQUAL = Comparator.EQUAL
QUAL_NOT_EQUAL = Comparator.NOT_EQUAL
QUAL_EXISTS = Comparator.EXISTS
QUAL_NOT_EXIST = Comparator.NOT_EXIST
QUAL_IN_LIST = Comparator.IN_LIST
QUAL_NOT_IN_LIST = Comparator.NOT_IN_LIST

_COMPARE: Mapping[Comparator, Callable[[int, Any], bool]] = MappingProxyType(
    {
        Comparator.GREATER: lambda granted, asked: granted > asked,
        Comparator.GREATER_EQUAL: lambda granted, asked: granted >= asked,
        Comparator.LESS: lambda granted, asked: granted < asked,
        Comparator.LESS_EQUAL: lambda granted, asked: granted <= asked,
        Comparator.EQUAL: lambda granted, asked: granted == asked,
        Comparator.NOT_EQUAL: lambda granted, asked: granted != asked,
        Comparator.EXISTS: lambda granted, asked: True,  # noqa: ARG005
        Comparator.NOT_EXIST: lambda granted, asked: False,  # noqa: ARG005
        Comparator.IN_LIST: lambda granted, asked: granted in asked,
        Comparator.NOT_IN_LIST: lambda granted, asked: granted not in asked,
    }
)
_WITHOUT_VALUE = frozenset({Comparator.EXISTS, Comparator.NOT_EXIST})
_WITH_LIST = frozenset({Comparator.IN_LIST, Comparator.NOT_IN_LIST})


class OnboardingRequired:
    """The names of the qualifications of an onboarding."""

    @staticmethod
    def get_failed_qual(onboarding_qualification: str) -> str:
        """Return the qualification that a failed onboarding grants.

        It is granted in addition to the value 0 of the onboarding's own qualification. A condition
        on it with ``QUAL_NOT_EXIST`` keeps out workers who have failed, and no others.
        """
        return f"{onboarding_qualification}-failed"


def qualification_name(name: object) -> str:
    """Return the name of a qualification as it is stored and compared.

    :raises famulus.UsageError: when it is not a valid name.
    """
    return read_name(name, "qualification_name")


def check_value(value: object) -> None:
    """Check a value to be granted.

    :raises famulus.UsageError: when it is not a valid value.
    """
    fault = _number_fault(value)
    if fault is not None:
        raise UsageError(Problem(f"takes a whole number, and {shown(value)} {fault}", key="value"))


def _is_name(_: object, _field: Attribute[Any], value: object) -> None:
    _refuse(name_fault(value))


def _is_comparator(_: object, _field: Attribute[Any], value: object) -> None:
    _refuse(_comparator_fault(value))


def _is_value(instance: Any, _field: Attribute[Any], value: object) -> None:
    if _comparator_fault(instance.comparator) is None:
        _refuse(_value_fault(Comparator(instance.comparator), value))


def _are_providers(_: object, _field: Attribute[Any], value: object) -> None:
    _refuse(_providers_fault(value))


def _refuse(message: str | None) -> None:
    if message is not None:
        raise UsageError(message)


@frozen(kw_only=True)
class QualificationRequirement:
    """One condition that a worker has to meet."""

    qualification_name: str = option(
        help="The qualification's name.",
        required=True,
        converter=stripped_name,
        validator=_is_name,
    )
    comparator: Comparator = option(
        help="How the worker's value is compared.",
        required=True,
        validator=_is_comparator,
    )
    value: int | list[int] | None = option(
        help="A whole number; a list of them for In and NotIn; nothing for Exists and "
        "DoesNotExist.",
        validator=_is_value,
    )
    applicable_providers: list[str] | None = option(
        help="Types of the providers that the condition applies to; all when unset.",
        validator=_are_providers,
    )

    def __str__(self) -> str:
        value = "" if self.value is None else f" {self.value}"
        return f"{self.qualification_name} {self.comparator}{value}"

    def met_by(self, qualifications: Mapping[str, int]) -> bool:
        """Return whether a worker's qualifications (name to value) meet the condition."""
        if self.qualification_name not in qualifications:
            return self.comparator == Comparator.NOT_EXIST
        granted = qualifications[self.qualification_name]
        return _COMPARE[self.comparator](granted, self.value)

    def applies_to(self, provider_type: str) -> bool:
        """Return whether a provider's workers have to meet the condition."""
        return self.applicable_providers is None or provider_type in self.applicable_providers

    def as_dict(self) -> dict[str, Any]:
        """Return the condition as :func:`make_qualification_dict` makes it."""
        return {
            "qualification_name": self.qualification_name,
            "comparator": Comparator(self.comparator).value,
            "value": self.value,
            "applicable_providers": self.applicable_providers,
        }


def make_qualification_dict(
    qualification_name: str,
    comparator: str,
    value: int | list[int] | None,
    applicable_providers: list[str] | None = None,
) -> dict[str, Any]:
    """Return a condition for ``SharedTaskState.qualifications``.

    :raises famulus.UsageError: with a problem for each wrong field.
    """
    return requirement(
        {
            "qualification_name": qualification_name,
            "comparator": comparator,
            "value": value,
            "applicable_providers": applicable_providers,
        }
    ).as_dict()


def requirement(given: Any) -> QualificationRequirement:
    """Read one condition: a mapping, or a requirement.

    :raises famulus.UsageError: with a problem for each wrong field.
    """
    problems = requirement_problems([given], key="")
    if problems:
        raise UsageError(problems)
    if isinstance(given, QualificationRequirement):
        return given
    values = {**given, "comparator": Comparator(given["comparator"])}
    for name in ("value", "applicable_providers"):
        if isinstance(values.get(name), tuple):
            values[name] = list(values[name])
    return QualificationRequirement(**values)


def requirement_problems(given: Any, key: str = "qualifications") -> list[Problem]:
    """Return what is wrong with a list of conditions.

    :param key: the key of the list, with which the keys of the problems begin.
    """
    if not isinstance(given, (list, tuple)):
        example = "[make_qualification_dict(NAME, QUAL_EXISTS, None)]"
        return [Problem(f"{shown(given)} is not a list of conditions, such as {example}", key=key)]
    problems: list[Problem] = []
    for index, entry in enumerate(given):
        prefix = f"{key}.{index}." if key else ""
        for field, message in _faults(entry):
            problems.append(Problem(message, key=f"{prefix}{field}".rstrip(".") or None))
    return problems


def _faults(entry: Any) -> list[tuple[str, str]]:
    """Return the wrong fields of one condition, with the reasons."""
    if isinstance(entry, QualificationRequirement):
        return []
    if not isinstance(entry, Mapping):
        message = (
            f"{shown(entry)} is not a condition: use make_qualification_dict(NAME, COMPARATOR, "
            "VALUE)"
        )
        return [("", message)]
    fields = options_of(QualificationRequirement)
    faults = [
        (str(name), f"unknown field{did_you_mean(str(name), fields)}")
        for name in entry
        if name not in fields
    ]
    faults += [
        (name, f"is missing from {dict(entry)!r}")
        for name in ("qualification_name", "comparator")
        if name not in entry
    ]
    comparator = entry.get("comparator")
    wrong = _comparator_fault(comparator) if "comparator" in entry else ""
    checks = {
        "qualification_name": name_fault(entry.get("qualification_name")),
        "comparator": wrong,
        "value": None
        if wrong is not None
        else _value_fault(Comparator(str(comparator)), entry.get("value")),
        "applicable_providers": _providers_fault(entry.get("applicable_providers")),
    }
    known = {name for name, _ in faults}
    return faults + [
        (name, message) for name, message in checks.items() if message and name not in known
    ]


def _comparator_fault(comparator: object) -> str | None:
    if isinstance(comparator, str) and comparator in set(Comparator):
        return None
    text = str(comparator)
    constant = text.removeprefix(_CONSTANT).removesuffix("S") if _CONSTANT in text else ""
    meant = next((each for each in Comparator if each.name.removesuffix("S") == constant), None)
    if meant is not None:
        return f"{text!r} is the name of a constant; its value is {meant.value!r}"
    near = did_you_mean(text, [each.value for each in Comparator])
    return f"{shown(comparator)} is not a comparator{near}"


def _value_fault(comparator: Comparator, value: object) -> str | None:
    if comparator in _WITHOUT_VALUE:
        return None if value is None else f"{comparator} takes None, not {shown(value)}"
    if comparator not in _WITH_LIST:
        fault = _number_fault(value)
        return fault and f"{comparator} takes a whole number, and {shown(value)} {fault}"
    if not isinstance(value, (list, tuple)):
        return f"{comparator} takes a list of whole numbers, such as [1, 2], not {shown(value)}"
    if not value:
        return f"{comparator} takes a list with at least one whole number"
    faults = (f"{shown(each)} {_number_fault(each)}" for each in value if _number_fault(each))
    fault = next(faults, None)
    return fault and f"{comparator} takes a list of whole numbers, and {fault}"


def _number_fault(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return "is none"
    if not -_LARGEST <= value <= _LARGEST:
        return f"is not from {-_LARGEST} to {_LARGEST}"
    return None


def _providers_fault(providers: object) -> str | None:
    if providers is None:
        return None
    if not isinstance(providers, (list, tuple)):
        return f"{shown(providers)} is not a list of provider types, such as ['mock']"
    if not providers:
        return "is empty, so the condition applies to no provider; leave it out to apply it to all"
    strange = next((each for each in providers if not isinstance(each, str)), None)
    return None if strange is None else f"{shown(strange)} is not the type of a provider"
