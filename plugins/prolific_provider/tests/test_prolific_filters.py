"""Filters of Prolific's own, from the options and from a run script."""

from __future__ import annotations

import json
from typing import Any

import pytest

from famulus import QUAL_EXISTS, QUAL_NOT_EXIST, Database, register_requester
from famulus.testing.plugin_command import run_command
from famulus_prolific.command import prolific as command
from famulus_prolific.fake import FakeProlific, Fault
from famulus_prolific.filters import joined_filters
from famulus_prolific.tokens import VARIABLE
from prolific_bench import Bench

OPTION = "provider.specific_qualifications"
IN_PYTHON = "shared_state.prolific_specific_qualifications"
ENGLISH = {"filter_id": "fluent-languages", "selected_values": ["19"]}
ADULTS = {"filter_id": "age", "selected_range": {"lower": 20}}


def give(bench: Bench, *, option: Any = (), script: Any = ()) -> None:
    bench.shared_state.specific_qualifications = {"prolific": script}
    bench.restart(specific_qualifications=[*option])


def problems(bench: Bench) -> list[str]:
    return [str(each) for each in bench.provider.problems(bench.plan)]


def test_filters_of_the_options_and_of_a_script_apply_together(bench: Bench) -> None:
    give(bench, option=[ENGLISH], script=[ADULTS])
    bench.prolific.participant(1, answers={"fluent-languages": ["19"]})
    bench.prolific.participant(2, answers={"fluent-languages": ["19"], "age": 30})

    assert problems(bench) == []
    assert "fit the filters: 1" in next(iter(bench.provider.forecast(bench.plan, 1)))
    bench.provider.set_places(bench.run, 1)
    sent = bench.study.fields["filters"]
    assert ENGLISH in sent
    assert ADULTS in sent


@pytest.mark.parametrize("key", [OPTION, IN_PYTHON])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"filter_id": "age"}, "is not a filter of Prolific"),
        ({**ADULTS, **ENGLISH}, "is not a filter of Prolific"),
        ({"filter_id": "shoe-size", "selected_values": ["42"]}, "has no filter 'shoe-size'"),
        (
            {"filter_id": "fluent-languages", "selected_values": ["0"]},
            "has no choice 0; it has 19 (English), 20 (Estonian), 28 (German)",
        ),
        ({"filter_id": "fluent-languages", "selected_values": [19]}, 'texts; write "19"'),
        ({"filter_id": "fluent-languages", "selected_values": "19"}, "has to be a list, not '19'"),
        ({"filter_id": "age", "selected_values": ["20"]}, "is a range, and takes selected_range"),
        ({"filter_id": "fluent-languages", "selected_range": {}}, "is a select, and takes"),
        ({"filter_id": "age", "selected_range": {"from": 20}}, "mapping of lower and upper"),
        (ENGLISH, None),
    ],
)
def test_filters_are_compared_with_the_list(
    bench: Bench, key: str, given: dict[str, Any], message: str | None
) -> None:
    first = {"filter_id": "approval_rate", "selected_range": {"lower": 90}}
    give(bench, **{"option" if key == OPTION else "script": [first, given]})

    found = problems(bench)

    assert [each.partition(": ")[0] for each in found] == ([f"{key}.1"] if message else [])
    assert all(str(message) in each for each in found)


def test_a_script_may_give_what_is_no_mapping(bench: Bench) -> None:
    give(bench, script=["age"])

    (found,) = problems(bench)

    assert found.startswith(f"{IN_PYTHON}.0: is not a filter of Prolific")


def test_a_filter_that_is_given_twice_is_refused(bench: Bench) -> None:
    give(bench, option=[ENGLISH], script=[ENGLISH])

    (found,) = problems(bench)

    assert found.startswith(f"{IN_PYTHON}.0: the filter 'fluent-languages' is in {OPTION}.0 too")


def test_groups_of_the_requester_are_one_filter_with_those_of_qualifications(bench: Bench) -> None:
    group = bench.provider._parts.groups.group_id("theirs")
    given = [
        {"filter_id": "participant_group_blocklist", "selected_values": [group]},
        {"filter_id": "participant_group_allowlist", "selected_values": [group]},
    ]
    requirements = [
        {"qualification_name": "careful", "comparator": QUAL_EXISTS},
        {"qualification_name": "careless", "comparator": QUAL_NOT_EXIST},
    ]
    own = bench.provider._parts.groups.filters(requirements)
    (blocked, careless), _ = (each["selected_values"] for each in own)

    joined = joined_filters(given, own)

    assert joined == [{**given[0], "selected_values": [group, blocked, careless]}, given[1]]


GROUPS = ("participant_group_allowlist", "participant_group_blocklist")


@pytest.mark.parametrize("name", [*GROUPS, "previous_studies_blocklist"])
@pytest.mark.parametrize("unknown", ["f" * 24, "no/id"])
def test_ids_of_filters_are_looked_for_in_the_account(
    bench: Bench, name: str, unknown: str
) -> None:
    if name in GROUPS:
        known, noun = bench.provider._parts.groups.group_id("theirs"), "participant group"
    else:
        bench.provider.set_places(bench.run, 1)
        known, noun = bench.study.id, "study"
    give(bench, option=[{"filter_id": name, "selected_values": [known, unknown]}])

    assert problems(bench) == [
        f"{OPTION}.0: the account has no {noun} {unknown!r} on Prolific; give the id of one"
    ]


@pytest.mark.parametrize("fault", [Fault.FAIL, Fault.THROTTLE])
def test_ids_that_cannot_be_looked_for_are_a_warning(bench: Bench, fault: Fault) -> None:
    group = bench.provider._parts.groups.group_id("theirs")
    give(bench, option=[{"filter_id": GROUPS[0], "selected_values": [group]}])
    bench.prolific.faults.plan(fault, "get-participant-group")

    (problem,) = bench.provider.problems(bench.plan)

    assert problem.warning
    assert "cannot be checked now" in problem.message


@pytest.mark.parametrize("is_token_missing", [False, True])
def test_filters_that_cannot_be_compared_are_a_warning(
    bench: Bench, is_token_missing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_token_missing:
        monkeypatch.delenv(VARIABLE)
    assert bench.provider.problems(bench.plan) == []
    give(bench, option=[ADULTS])
    bench.prolific.faults.plan(Fault.LOSE_REQUEST, "get-filters")

    (problem,) = bench.provider.problems(bench.plan)

    assert problem.warning
    assert problem.key == f"{OPTION}.0"


@pytest.fixture
def registered(prolific: FakeProlific, database: Database) -> str:
    """The address of a database with one requester."""
    database.prepare()
    register_requester(database, "prolific", "lab", api_url=prolific.api_url)
    return database.location.url


def test_a_command_lists_the_filters(registered: str) -> None:
    everything = run_command(command, "filters", database=registered)
    languages = run_command(command, "filters", "FLUENT", database=registered)
    age = run_command(command, "filters", "age", "birth", "--json", database=registered)
    nothing = run_command(command, "filters", "shoe", database=registered)

    assert "\napproval_rate: Approval rate\n" in everything.stdout
    assert languages.stdout.splitlines() == [
        "fluent-languages: Fluent languages",
        "  Which of the following languages are you fluent in?",
        "  selected_values, of:",
        '    "19"  English',
        '    "20"  Estonian',
        '    "28"  German',
    ]
    assert [each["filter_id"] for each in json.loads(age.stdout)] == ["age"]
    assert (nothing.exit_code, nothing.stdout) == (2, "")
    assert "no filter has 'shoe'" in nothing.stderr
