"""The problems that a launch finds with its qualifications before it writes anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import famulus
from famulus import (
    QUAL_EQUAL,
    QUAL_EXISTS,
    QUAL_NOT_EXIST,
    Capabilities,
    Database,
    QualificationRequirement,
    UsageError,
    find_or_create_qualification,
    hookimpl,
    make_qualification_dict,
)
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.provider import Provider
from famulus.model.tables import QualificationTable, TaskRunTable
from famulus.testing.inprocess import ManualOperator, kit_plugins, rows_configuration
from famulus.testing.kinds import CrowdProvider, RowsBlueprint, RowsState


class Picky(CrowdProvider):
    """A platform with qualifications that takes three conditions."""

    type = "picky"
    default_requester = "requester of the picky"
    capabilities = Capabilities(qualifications=True, most_requirements=3)


class Crowds:
    @hookimpl
    def famulus_register_providers(self) -> list[type[Provider]]:
        return [Picky]


@pytest.fixture
def manual(database: Database) -> Iterator[ManualOperator]:
    operator = ManualOperator(database, plugins=kit_plugins(crowds=Crowds()))
    with operator:
        yield operator


def problems(manual: ManualOperator, state: RowsState | None = None, **options: Any) -> list[str]:
    try:
        manual.check(rows_configuration(**options), shared_state=state or RowsState(rows=[]))
    except UsageError as error:
        return [str(problem) for problem in error.problems]
    return []


def asked(name: str = "good", comparator: str = QUAL_EXISTS, value: Any = None) -> dict[str, Any]:
    return make_qualification_dict(name, comparator, value)


def test_an_allow_list_that_is_not_there_fails_the_launch(
    manual: ManualOperator, database: Database
) -> None:
    find_or_create_qualification(database, "some_list")

    found = problems(manual, RowsState(rows=[], qualifications=[asked("some_lst")]))

    assert found == [
        "shared_state.qualifications.0.qualification_name: there is no qualification 'some_lst', "
        "so Exists admits no worker; did you mean 'some_list'?; `famulus qualifications create "
        "NAME` makes one"
    ]
    with database.read() as tx:
        assert tx.rows(TaskRunTable.select(TaskRunTable.id)) == []


@pytest.mark.parametrize("comparator", ["NotEqualTo", "LessThan", "EqualTo"])
def test_every_other_condition_needs_its_qualification_too(
    manual: ManualOperator, comparator: str
) -> None:
    found = problems(manual, RowsState(rows=[], qualifications=[asked("q", comparator, 1)]))

    assert len(found) == 1
    assert f"so {comparator} admits no worker" in found[0]


def test_names_that_keep_no_worker_away_are_created(
    manual: ManualOperator, database: Database
) -> None:
    manual.launch_rows(
        [{"n": 1}],
        shared={"qualifications": [asked("listed", QUAL_NOT_EXIST)]},
        blueprint={"onboarding_qualification": "trained", "block_qualification": "bad"},
        qualifications=[{"qualification_name": "also", "comparator": "DoesNotExist"}],
    )

    with database.read() as tx:
        names = {row.name for row in tx.rows(QualificationTable.select(QualificationTable.name))}
    assert names == {"listed", "trained", "trained-failed", "bad", "also"}


def test_a_list_for_another_provider_is_neither_needed_nor_made(
    manual: ManualOperator, database: Database
) -> None:
    elsewhere = make_qualification_dict("elsewhere", QUAL_EXISTS, None, ["picky"])

    manual.launch_rows([{"n": 1}], shared={"qualifications": [elsewhere]})

    with database.read() as tx:
        assert tx.rows(QualificationTable.select(QualificationTable.name)) == []
    state = RowsState(rows=[], qualifications=[elsewhere])
    assert "no qualification 'elsewhere'" in problems(manual, state, provider="picky")[-1]


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [
        ("block_qualification", "", "is empty; give a name"),
        (
            "block_qualification",
            "b\x7fd",
            "'b\\x7fd' has a character that cannot be seen (U+007F); remove it",
        ),
        ("onboarding_qualification", "a" * 250, "has 257 characters; the limit is 255"),
    ],
)
def test_names_in_the_blueprints_options_are_checked(
    manual: ManualOperator, option: str, name: str, message: str
) -> None:
    found = problems(manual, blueprint={option: name})

    assert found == [f"blueprint.{option}: {message}"]


def test_an_empty_allow_list_is_a_warning(manual: ManualOperator, database: Database) -> None:
    for name in ("good", "held"):
        find_or_create_qualification(database, name)
    gateway = manual.launch_rows([{"n": 1}])
    gateway.arrive({"worker_id": "x", "assignment_id": "1"})
    famulus.find_worker(database, "crowd", "x").grant_qualification("held")
    state = RowsState(rows=[], qualifications=[asked("good"), asked("held")])

    warnings = manual.check(rows_configuration(), shared_state=state).warnings

    (warning,) = warnings
    assert "no worker has 'good' yet, so Exists admits no worker" in warning.message


def test_problems_of_the_configuration_have_their_line(
    manual: ManualOperator, tmp_path: Path
) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(
        """\
defaults:
  - blueprint: rows
  - architect: nowhere
  - provider: crowd
task:
  task_title: A
  task_description: B
  task_reward: 0.1
  qualifications:
    - qualification_name: good
      comparator: Equals
    - qualification_name: good
      comparator: Exists
      value: 1
    - qualification_name: good
      comparator: In
      value: [1, 2]
      applicable_providers: [crowds]
""",
        encoding="utf-8",
    )

    def found() -> list[tuple[str | None, int | None]]:
        with pytest.raises(UsageError) as caught:
            manual.check(file)
        return [(problem.key, problem.line) for problem in caught.value.problems]

    assert found() == [
        ("task.qualifications.0.comparator", 11),
        ("task.qualifications.1.value", 14),
    ]
    text = file.read_text(encoding="utf-8").replace("Equals", "DoesNotExist")
    file.write_text(text.replace("      value: 1\n", ""), encoding="utf-8")
    assert ("task.qualifications.2.applicable_providers", 17) in found()


def test_problems_of_the_shared_state_are_all_reported(manual: ManualOperator) -> None:
    state = RowsState(rows=[], qualifications=[{"comparator": "Exists"}, asked("q", QUAL_EQUAL, 1)])
    state.qualifications[1]["value"] = "1"

    found = problems(manual, state)

    assert [each.split(":")[0] for each in found] == [
        "shared_state.qualifications.0.qualification_name",
        "shared_state.qualifications.1.value",
    ]


def test_typed_requirements_are_as_good_as_dictionaries(
    manual: ManualOperator, database: Database
) -> None:
    find_or_create_qualification(database, "good")
    typed = QualificationRequirement(qualification_name="good", comparator=QUAL_EXISTS)
    state = RowsState(rows=[], qualifications=[typed])

    plan = manual.check(rows_configuration(), shared_state=state).plan

    assert plan.shared_state.qualifications == [asked()]


def test_a_field_that_does_not_exist_is_refused_at_launch(manual: ManualOperator) -> None:
    state = RowsState(rows=[])
    state.qualification = []  # type: ignore[attr-defined]

    assert problems(manual, state) == [
        "shared_state.qualification: a shared state has no field 'qualification'; did you mean "
        "'qualifications'?"
    ]


def test_a_providers_own_qualifications_are_passed_to_it(
    manual: ManualOperator, database: Database
) -> None:
    given = RowsState(rows=[{"n": 1}], picky_specific_qualifications=[{"id": 7}])  # type: ignore[call-arg]
    assigned = RowsState(rows=[{"n": 1}])
    assigned.picky_specific_qualifications = [{"id": 7}]  # type: ignore[attr-defined]

    for state in (given, assigned):
        plan = manual.check(rows_configuration(provider="picky"), shared_state=state).plan
        assert plan.shared_state.specific_qualifications == {"picky": [{"id": 7}]}

    run = manual.launch(rows_configuration(provider="picky"), shared_state=given)
    resumed = manual.managed(run.run_id).blueprint.context.shared_state
    assert resumed.specific_qualifications == {"picky": [{"id": 7}]}


@pytest.mark.parametrize(
    ("specific", "message"),
    [
        ({"pickey": []}, "there is no provider 'pickey'; did you mean 'picky'?"),
        ({"picky": {"id": 7}}, "has to be a list, not {'id': 7}"),
        ({"crowd": [{"id": 7}]}, "crowd has no qualifications of its own; remove it"),
    ],
)
def test_qualifications_of_an_unknown_provider_are_a_problem(
    manual: ManualOperator, specific: dict[str, Any], message: str
) -> None:
    (found,) = problems(manual, RowsState(rows=[], specific_qualifications=specific))

    (name,) = specific
    assert found == f"shared_state.{name}_specific_qualifications: {message}"


def test_a_platform_takes_only_so_many_conditions(
    manual: ManualOperator, database: Database
) -> None:
    state = RowsState(
        rows=[],
        qualifications=[asked("a", QUAL_NOT_EXIST)],
        specific_qualifications={"picky": [{"id": 7}]},
    )
    options = {"block_qualification": "bad"}

    assert problems(manual, state, provider="picky", blueprint=options) == []
    options["onboarding_qualification"] = "trained"
    (found,) = problems(manual, state, provider="picky", blueprint=options)
    assert "picky takes 3 conditions on qualifications, but this run has 4" in found
    assert problems(manual, RowsState(rows=[]), provider="crowd", blueprint=options) == []


def test_a_providers_conditions_leave_out_those_of_others(
    manual: ManualOperator, database: Database
) -> None:
    conditions = [
        make_qualification_dict("here", QUAL_NOT_EXIST, None, ["picky"]),
        make_qualification_dict("there", QUAL_NOT_EXIST, None, ["crowd"]),
    ]
    run = manual.launch(
        rows_configuration(provider="picky", blueprint={"onboarding_qualification": "trained"}),
        shared_state=RowsState(rows=[{"n": 1}], qualifications=conditions),
    )

    view = manual.managed(run.run_id).delivery.run
    assert view is not None
    assert [each["qualification_name"] for each in view().requirements] == [
        "trained-failed",
        "here",
    ]


class AlwaysOnboarding(RowsBlueprint):
    type = "onboarding"

    @property
    def has_onboarding(self) -> bool:
        return True


class Onboardings:
    @hookimpl
    def famulus_register_blueprints(self) -> list[type[Blueprint]]:
        return [AlwaysOnboarding]


@pytest.mark.parametrize("name", [None, ""])
def test_an_onboarding_without_a_qualification_to_grant_is_not_launched(
    database: Database, name: str | None
) -> None:
    options = rows_configuration(blueprint={"onboarding_qualification": name})
    options["defaults"][0] = {"blueprint": "onboarding"}
    plugins = kit_plugins(onboardings=Onboardings())

    with ManualOperator(database, plugins=plugins) as operator, pytest.raises(UsageError) as caught:
        operator.check(options, shared_state=RowsState(rows=[]))

    assert [each.key for each in caught.value.problems] == ["blueprint.onboarding_qualification"]
