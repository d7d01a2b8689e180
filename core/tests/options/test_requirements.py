"""Conditions on qualifications: their meaning, and the problems of invalid ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

import famulus
from famulus import QualificationRequirement, UsageError, make_qualification_dict
from famulus.options.requirements import (
    Comparator,
    requirement,
    requirement_problems,
)

#: What a worker without a grant, with 0, with 1 and with 5 may do; asked for is 1 or [1, 3].
TABLE: dict[str, tuple[Any, tuple[bool, bool, bool, bool]]] = {
    "QUAL_GREATER": (1, (False, False, False, True)),
    "QUAL_GREATER_EQUAL": (1, (False, False, True, True)),
    "QUAL_LESS": (1, (False, True, False, False)),
    "QUAL_LESS_EQUAL": (1, (False, True, True, False)),
    "QUAL_EQUAL": (1, (False, False, True, False)),
    "QUAL_NOT_EQUAL": (1, (False, True, False, True)),
    "QUAL_EXISTS": (None, (False, True, True, True)),
    "QUAL_NOT_EXIST": (None, (True, False, False, False)),
    "QUAL_IN_LIST": ([1, 3], (False, False, True, False)),
    "QUAL_NOT_IN_LIST": ([1, 3], (False, True, False, True)),
}
HELD: list[dict[str, int]] = [{}, {"q": 0}, {"q": 1}, {"q": 5}]


def asked(comparator: Any, value: Any) -> dict[str, Any]:
    return {"qualification_name": "q", "comparator": comparator, "value": value}


def test_the_table_has_every_comparator() -> None:
    assert {getattr(famulus, name) for name in TABLE} == set(Comparator)


@pytest.mark.parametrize("constant", TABLE)
def test_comparators_with_no_grant_0_1_and_5(constant: str) -> None:
    value, expected = TABLE[constant]
    condition = requirement(make_qualification_dict("q", getattr(famulus, constant), value))

    assert tuple(condition.met_by(held) for held in HELD) == expected


def test_qualifications_of_other_names_do_not_count() -> None:
    assert not requirement(asked("Exists", None)).met_by({"Q": 1, "other": 1})


def test_a_made_condition_is_plain_json() -> None:
    made = make_qualification_dict("q", famulus.QUAL_IN_LIST, [1, 3], ["mock"])

    assert json.loads(json.dumps(made)) == made
    assert made == {
        "qualification_name": "q",
        "comparator": "In",
        "value": [1, 3],
        "applicable_providers": ["mock"],
    }
    assert type(made["comparator"]) is str


@pytest.mark.parametrize(
    ("given", "key", "message"),
    [
        ({}, "qualification_name", "is missing"),
        (asked("Equals", 1), "comparator", "'Equals' is not a comparator; did you mean 'EqualTo'?"),
        (asked("QUAL_LESS", 1), "comparator", "the name of a constant; its value is 'LessThan'"),
        (asked("QUAL_NOT_EXISTS", 1), "comparator", "its value is 'DoesNotExist'"),
        (asked(None, 1), "comparator", "null (nothing) is not a comparator"),
        (asked("EqualTo", None), "value", "EqualTo takes a whole number, and null (nothing) is"),
        (asked("EqualTo", True), "value", "EqualTo takes a whole number, and True is none"),
        (asked("EqualTo", "1"), "value", "EqualTo takes a whole number, and '1' is none"),
        (asked("LessThan", 1.5), "value", "LessThan takes a whole number, and 1.5 is none"),
        (asked("EqualTo", 2**31), "value", "2147483648 is not from -2147483647 to 2147483647"),
        (asked("Exists", 1), "value", "Exists takes None, not 1"),
        (asked("In", 1), "value", "In takes a list of whole numbers, such as [1, 2], not 1"),
        (asked("In", []), "value", "In takes a list with at least one whole number"),
        (asked("NotIn", ["1"]), "value", "list of whole numbers, and '1' is none"),
        ({**asked("Exists", None), "qualification_name": ""}, "qualification_name", "is empty"),
        ({**asked("Exists", None), "qualification_name": 3}, "qualification_name", "is not a name"),
        ({**asked("Exists", None), "qualification_name": "\x1b"}, "qualification_name", "seen"),
        ({**asked("Exists", None), "qualification_name": "a" * 256}, "qualification_name", "255"),
        ({**asked("Exists", None), "valu": 3}, "valu", "unknown field; did you mean 'value'?"),
        ({**asked("Exists", None), "applicable_providers": "mock"}, "applicable_providers", "list"),
        (
            {**asked("Exists", None), "applicable_providers": []},
            "applicable_providers",
            "no provider",
        ),
        ({**asked("Exists", None), "applicable_providers": [3]}, "applicable_providers", "3 is"),
    ],
)
def test_a_condition_that_means_nothing_is_refused_field_by_field(
    given: dict[str, Any], key: str, message: str
) -> None:
    problem = next(each for each in requirement_problems([given], key="") if each.key == key)

    assert message in problem.message


def test_all_problems_of_all_conditions_are_reported_with_their_place() -> None:
    problems = requirement_problems([{}, asked("In", 1), asked("Exists", None), "q"])

    assert [problem.key for problem in problems] == [
        "qualifications.0.qualification_name",
        "qualifications.0.comparator",
        "qualifications.1.value",
        "qualifications.3",
    ]


def test_a_list_that_is_none_is_a_problem() -> None:
    (problem,) = requirement_problems(asked("Exists", None))

    assert problem.message.startswith("a mapping is not a list of conditions")


def test_making_a_condition_that_means_nothing_raises_at_once() -> None:
    with pytest.raises(UsageError, match=r"^value: EqualTo takes a whole number"):
        make_qualification_dict("q", famulus.QUAL_EQUAL, None)


def test_a_requirement_checks_itself() -> None:
    with pytest.raises(UsageError, match="Exists takes None, not 1"):
        QualificationRequirement(qualification_name="q", comparator=famulus.QUAL_EXISTS, value=1)


def test_a_requirement_may_be_for_some_providers_only() -> None:
    condition = requirement({**asked("Exists", None), "applicable_providers": ("a", "b")})

    assert condition.applies_to("a")
    assert not condition.applies_to("c")
    assert requirement(asked("Exists", None)).applies_to("c")


def test_the_former_spelling_of_a_constant_works_with_a_warning() -> None:
    with pytest.warns(famulus.FamulusDeprecationWarning, match="use QUAL_NOT_EXIST$"):
        former = famulus.QUAL_NOT_EXISTS

    assert former is famulus.QUAL_NOT_EXIST


def test_the_name_of_a_failed_onboarding() -> None:
    assert famulus.OnboardingRequired.get_failed_qual("trained") == "trained-failed"
