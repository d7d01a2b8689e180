"""Who may work, as far as qualifications say."""

from __future__ import annotations

from typing import Any

import pytest

from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.transaction import Transaction
from famulus.testing.inprocess import ManualOperator, Worker
from famulus.work.arrival import find_worker
from famulus.work.eligibility import Comparator, requirement, requirement_problems
from famulus.work.submission import grant, make_qualification

#: What a worker without a grant, with 0, with 1 and with 5 may do; asked for is 1 or [1, 3].
TABLE: dict[str, tuple[Any, tuple[bool, bool, bool, bool]]] = {
    "GreaterThan": (1, (False, False, False, True)),
    "GreaterThanOrEqualTo": (1, (False, False, True, True)),
    "LessThan": (1, (False, True, False, False)),
    "LessThanOrEqualTo": (1, (False, True, True, False)),
    "EqualTo": (1, (False, False, True, False)),
    "NotEqualTo": (1, (True, True, False, True)),
    "Exists": (None, (False, True, True, True)),
    "DoesNotExist": (None, (True, False, False, False)),
    "In": ([1, 3], (False, False, True, False)),
    "NotIn": ([1, 3], (True, True, False, True)),
}
HELD: list[dict[str, int]] = [{}, {"q": 0}, {"q": 1}, {"q": 5}]


def asked(comparator: str, value: Any) -> dict[str, Any]:
    return {"qualification_name": "q", "comparator": comparator, "value": value}


def test_the_table_has_every_comparator() -> None:
    assert set(TABLE) == set(Comparator)


@pytest.mark.parametrize("comparator", TABLE)
def test_comparators_with_no_grant_0_1_and_5(comparator: str) -> None:
    value, expected = TABLE[comparator]
    condition = requirement(asked(comparator, value))

    assert tuple(condition.met_by(held) for held in HELD) == expected


def test_qualifications_of_other_names_do_not_count() -> None:
    assert not requirement(asked("Exists", None)).met_by({"Q": 1, "other": 1})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "has no qualification_name"),
        ({"qualification_name": ""}, "has no qualification_name"),
        ({"qualification_name": 3}, "has no qualification_name"),
        (asked("Equals", 1), "'Equals' is no comparator; there are GreaterThan"),
        (asked("EqualTo", None), "takes a whole number, not None"),
        (asked("EqualTo", True), "takes a whole number, not True"),
        (asked("EqualTo", "1"), "takes a whole number, not '1'"),
        (asked("LessThan", 1.5), "takes a whole number, not 1.5"),
        (asked("Exists", 1), "takes no value, not 1"),
        (asked("In", 1), "takes a list of whole numbers, not 1"),
        (asked("In", []), "takes a list of whole numbers"),
        (asked("NotIn", ["1"]), "takes a list of whole numbers"),
    ],
)
def test_a_condition_that_means_nothing_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        requirement(given)


def test_all_problems_of_all_conditions_are_told() -> None:
    problems = requirement_problems([{}, asked("In", 1), asked("Exists", None)])

    assert len(problems) == 2
    assert {problem.key for problem in problems} == {"qualifications"}


@pytest.fixture
def qualified(database: Database) -> None:
    """Worker x holds q with 1; nobody else has anything."""
    database.write(lambda tx: make_qualification(tx, "q"))


def give(database: Database, name: str, value: int) -> None:
    def job(tx: Transaction) -> None:
        worker = find_worker(tx, "crowd", name)
        assert worker is not None
        grant(tx, worker=worker, qualification="q", value=value)

    database.write(job)


def test_an_allow_list_lets_only_its_holders_in(
    operator: ManualOperator, database: Database, qualified: None
) -> None:
    gateway = operator.launch_rows(
        [{"n": 1}, {"n": 2}], shared={"qualifications": [asked("GreaterThanOrEqualTo", 1)]}
    )
    assert Worker(gateway, "x").arrive("a").refusal == "not_qualified"

    give(database, "x", 1)
    assert Worker(gateway, "x").arrive("a").row == {"n": 1}

    give(database, "x", 0)
    assert Worker(gateway, "x").arrive("b").refusal == "not_qualified"
    assert Worker(gateway, "x").arrive("a").row == {"n": 1}


def test_every_condition_has_to_be_met(
    operator: ManualOperator, database: Database, qualified: None
) -> None:
    both = [asked("Exists", None), asked("NotEqualTo", 3)]
    gateway = operator.launch_rows([{"n": 1}], shared={"qualifications": both})
    Worker(gateway, "x").arrive("a")

    give(database, "x", 3)
    assert Worker(gateway, "x").arrive("b").refusal == "not_qualified"
    give(database, "x", 4)
    assert Worker(gateway, "x").arrive("c").row == {"n": 1}


def test_an_allow_list_of_a_qualification_that_is_not_there_is_no_launch(
    operator: ManualOperator, database: Database
) -> None:
    with pytest.raises(UsageError, match="there is no qualification 'q', so Exists lets nobody in"):
        operator.launch_rows([{"n": 1}], shared={"qualifications": [asked("Exists", None)]})


def test_a_block_list_of_a_qualification_that_is_not_there_makes_it(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(
        [{"n": 1}], shared={"qualifications": [asked("DoesNotExist", None)]}
    )
    Worker(gateway, "y").give_back(Worker(gateway, "y").arrive("a"))

    give(database, "y", 1)

    assert Worker(gateway, "y").arrive("b").refusal == "not_qualified"
