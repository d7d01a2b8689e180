"""Who may work, as far as qualifications say: pure functions over what a worker holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from attrs import frozen

from famulus.errors import Problem, UsageError
from famulus.model.statements import Param, Statement
from famulus.model.tables import GrantedQualification, Qualification
from famulus.model.transaction import Transaction


class Comparator(StrEnum):
    """How a granted value is compared with the one asked for.

    A worker who does not hold the qualification meets only ``DoesNotExist``, ``NotEqualTo`` and
    ``NotIn``: what they do not hold is equal to nothing.
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


_COMPARE: Mapping[Comparator, Callable[[int, Any], bool]] = MappingProxyType({
    Comparator.GREATER: lambda held, asked: held > asked,
    Comparator.GREATER_EQUAL: lambda held, asked: held >= asked,
    Comparator.LESS: lambda held, asked: held < asked,
    Comparator.LESS_EQUAL: lambda held, asked: held <= asked,
    Comparator.EQUAL: lambda held, asked: held == asked,
    Comparator.NOT_EQUAL: lambda held, asked: held != asked,
    Comparator.EXISTS: lambda held, asked: True,  # noqa: ARG005
    Comparator.NOT_EXIST: lambda held, asked: False,  # noqa: ARG005
    Comparator.IN_LIST: lambda held, asked: held in asked,
    Comparator.NOT_IN_LIST: lambda held, asked: held not in asked,
})
_MET_BY_NOTHING = frozenset({
    Comparator.NOT_EXIST, Comparator.NOT_EQUAL, Comparator.NOT_IN_LIST,
})
_WITHOUT_VALUE = frozenset({Comparator.EXISTS, Comparator.NOT_EXIST})
_WITH_LIST = frozenset({Comparator.IN_LIST, Comparator.NOT_IN_LIST})

_HELD = Statement(
    lambda _: GrantedQualification.select(Qualification.name, GrantedQualification.value)
    .join(Qualification, on=(GrantedQualification.qualification == Qualification.id))
    .where(GrantedQualification.worker == Param("worker"))
)


@frozen
class Requirement:
    """One condition that a worker has to meet."""

    name: str
    comparator: Comparator
    value: int | Sequence[int] | None = None

    def met_by(self, held: Mapping[str, int]) -> bool:
        """Say whether the values a worker holds, by qualification, meet the condition."""
        if self.name not in held:
            return self.comparator in _MET_BY_NOTHING
        return _COMPARE[self.comparator](held[self.name], self.value)


def requirement(given: Mapping[str, Any]) -> Requirement:
    """Read one entry of ``SharedTaskState.qualifications``.

    :raises famulus.UsageError: naming the qualification, what was found and what is allowed.
    """
    name = given.get("qualification_name")
    if not isinstance(name, str) or not name:
        raise UsageError(f"{given!r} has no qualification_name; give it a name that is not empty")
    try:
        comparator = Comparator(given.get("comparator", ""))
    except ValueError as error:
        raise UsageError(
            f"qualification {name!r}: {given.get('comparator')!r} is no comparator; "
            f"there are {', '.join(Comparator)}"
        ) from error
    return Requirement(name, comparator, _checked_value(name, comparator, given.get("value")))


def requirement_problems(given: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Return what is wrong with a shared state's qualifications."""
    problems = []
    for entry in given:
        try:
            requirement(entry)
        except UsageError as error:
            problems += [Problem(each.message, key="qualifications") for each in error.problems]
    return problems


def held_by(tx: Transaction, worker: int) -> dict[str, int]:
    """Return the values a worker holds, by qualification."""
    return {name: value for name, value in tx.all(_HELD, worker=worker)}  # noqa: C416


def _checked_value(name: str, comparator: Comparator, value: Any) -> Any:
    def whole(number: Any) -> bool:
        return isinstance(number, int) and not isinstance(number, bool)

    if comparator in _WITHOUT_VALUE:
        if value is not None:
            raise UsageError(f"qualification {name!r}: {comparator} takes no value, not {value!r}")
        return None
    if comparator in _WITH_LIST:
        if not (isinstance(value, list) and value and all(map(whole, value))):
            raise UsageError(
                f"qualification {name!r}: {comparator} takes a list of whole numbers, not {value!r}"
            )
        return tuple(value)
    if not whole(value):
        raise UsageError(
            f"qualification {name!r}: {comparator} takes a whole number, not {value!r}"
        )
    return value
