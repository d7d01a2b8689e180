"""Checks of a plan and of the keys, and the registration of a requester."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve

from famulus import (
    OnboardingArgs,
    PaymentKind,
    QualificationRequirement,
    Role,
    UsageError,
    make_qualification_dict,
)
from famulus_mturk.fake import FakeMTurk, Fault
from mturk_bench import Bench

APPROVED = {
    "QualificationTypeId": "000000000000000000L0",
    "Comparator": "GreaterThanOrEqualTo",
    "IntegerValues": [95],
}


def problems(bench: Bench) -> list[str]:
    return [str(problem) for problem in bench.provider.problems(bench.plan)]


def test_valid_plan_has_no_problems_and_makes_no_call(bench: Bench) -> None:
    bench.shared_state.specific_qualifications = {"mturk_sandbox": [APPROVED]}
    bench.restart()

    assert problems(bench) == []
    assert bench.account.calls == []


def test_keys_that_mturk_accepts_are_no_problem(bench: Bench) -> None:
    assert bench.provider.serving_problems(bench.plan) == []


def test_a_run_whose_keys_have_expired_is_not_served(bench: Bench) -> None:
    bench.account.faults.expired_keys.add("")

    (problem,) = bench.provider.serving_problems(bench.plan)

    assert "provider.requester_name: the AWS session has expired" in str(problem)
    assert not problem.warning


def test_a_run_without_keys_is_not_served(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    bench.restart()

    (problem,) = bench.provider.serving_problems(bench.plan)

    assert "aws configure" in str(problem)
    assert not problem.warning
    assert bench.account.calls == []


@pytest.mark.parametrize("fault", [Fault.THROTTLE, Fault.FAIL, Fault.LOSE_REPLY])
def test_keys_that_cannot_be_checked_now_are_a_warning(bench: Bench, fault: Fault) -> None:
    bench.account.faults.plan(fault, "GetAccountBalance")

    (problem,) = bench.provider.serving_problems(bench.plan)

    assert "cannot be checked now" in str(problem)
    assert problem.warning


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ({"task_title": "x" * 129}, "task.task_title: has 129 characters; MTurk takes at most 128"),
        ({"task_description": "x" * 2001}, "task.task_description: has 2001"),
        ({"task_tags": "x" * 1001}, "task.task_tags: has 1001"),
        ({"task_title": "Rate\x07 it"}, "task.task_title: has the control character U+0007"),
        ({"task_title": "Rate\nit"}, "task.task_title: has the control character U+000A"),
        ({"task_description": "a\x1b[31m"}, "task.task_description: has the control character"),
        ({"task_tags": "a,\x00b"}, "task.task_tags: has the control character U+0000"),
        (
            {"assignment_duration_in_seconds": 29},
            "29 is outside of MTurk's limits; give 30 to 31536000 seconds",
        ),
        ({"task_lifetime_in_seconds": 29}, "task.task_lifetime_in_seconds: 29 is outside"),
        (
            {"task_lifetime_in_seconds": 31536001},
            "31536001 is outside of MTurk's limits",
        ),
        ({"task_reward": None}, "task.task_reward: MTurk pays at least 0.01 dollars"),
    ],
)
def test_option_that_mturk_would_refuse_is_reported_with_its_key(
    bench: Bench, task: dict[str, Any], expected: str
) -> None:
    bench.task.update(task)

    [problem] = problems(bench)

    assert expected in problem


@pytest.mark.parametrize(
    "task",
    [
        {"task_title": "Rate it\n"},
        {"task_description": "First look.\n\tThen rate.\n"},
        {"task_title": " " * 200 + "Rate it"},
        {"task_title": "Bewerte Ähnlichkeit 📷"},
    ],
)
def test_option_within_the_limits_is_no_problem(bench: Bench, task: dict[str, Any]) -> None:
    bench.task.update(task)

    assert problems(bench) == []
    bench.provider.set_places(bench.run, 1)


@pytest.mark.parametrize(
    ("where", "length", "expected"),
    [
        ("task", 200, None),
        ("task", 201, "task.qualifications.0.qualification_name: has 201"),
        ("shared", 201, "shared_state.qualifications.0.qualification_name: has 201"),
        ("block", 201, "blueprint.block_qualification: has 201"),
        ("onboarding", 193, None),
        ("onboarding", 194, "blueprint.onboarding_qualification: has 201"),
    ],
)
def test_invalid_names_are_found_in_every_option(
    bench: Bench, where: str, length: int, expected: str | None
) -> None:
    name = "x" * length
    asked = make_qualification_dict(name, "Exists", None)
    args = OnboardingArgs()
    if where == "task":
        bench.task["qualifications"] = [QualificationRequirement(**asked)]
    elif where == "shared":
        bench.shared_state.qualifications = [asked]
    else:
        named: dict[str, Any] = {f"{where}_qualification": name}
        args = OnboardingArgs(**named)
    plan = evolve(bench.plan, blueprint=Role(type="nothing", args=args))

    found = [str(each) for each in bench.provider.problems(plan)]

    assert [each for each in found if expected is None or expected not in each] == []
    assert bool(found) == (expected is not None)


@pytest.mark.parametrize(
    "given", ["adults", 5, ["adults"], [{"name": "adults"}], [{"qualification_name": ""}]]
)
def test_invalid_conditions_hide_no_problem(bench: Bench, given: Any) -> None:
    bench.shared_state.qualifications = given
    bench.task["task_title"] = "x" * 129

    [problem] = problems(bench)

    assert problem.startswith("task.task_title: has 129 characters")


def test_an_address_that_makes_the_question_too_large_is_a_problem(bench: Bench) -> None:
    @define
    class Args:
        public_url: str = f"https://tasks.example.org/?a={'&' * 14_000}"

    plan = evolve(bench.plan, architect=Role(type="nothing", args=Args()))

    [problem] = bench.provider.problems(plan)
    assert "architect.public_url: makes a question of" in str(problem)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("adults", "has to be a mapping"),
        ({"Comparator": "Exists"}, 'Missing required parameter in input: "QualificationTypeId"'),
        ({**APPROVED, "IntegerValue": 3}, 'Unknown parameter in input: "IntegerValue"'),
        (
            {**APPROVED, "Comparator": "AtLeast"},
            "'AtLeast' is not a Comparator; use one of Less",
        ),
        ({**APPROVED, "IntegerValues": ["95"]}, "Invalid type"),
    ],
)
def test_specific_qualifications_are_compared_with_botocores_model(
    bench: Bench, entry: Any, expected: str
) -> None:
    bench.shared_state.specific_qualifications = {"mturk": [APPROVED, entry]}
    bench.restart(specific_qualifications=[entry])

    option, in_python = problems(bench)

    assert option == f"provider.specific_qualifications.0: {in_python.partition(': ')[2]}"
    assert in_python.startswith("shared_state.mturk_specific_qualifications.1: ")
    assert expected in in_python


@pytest.mark.parametrize(
    "given",
    ["adults", 5, {"QualificationTypeId": "x"}, ["adults"], [{"QualificationTypeId": ["x"]}], [{}]],
)
def test_fee_is_known_where_conditions_are_invalid(bench: Bench, given: Any) -> None:
    bench.shared_state.specific_qualifications = {"mturk": given}

    assert bench.provider.fee(PaymentKind.REWARD, Decimal("1.00")) == Decimal("0.20")
    assert bool(problems(bench)) is isinstance(given, list)


@pytest.mark.parametrize(
    ("given_for", "options", "is_reported"),
    [
        ("mturk", 0, True),
        ("mturk_sandbox", 0, False),
        ("mturk_sandbox", 1, False),
        ("mturk_sandbox", 2, True),
        ("mturk", 11, True),
    ],
)
def test_conditions_that_core_does_not_count_are_counted(
    bench: Bench, given_for: str, options: int, is_reported: bool
) -> None:
    """Core counts those that a script gives for the provider itself."""
    script = 11 - options if is_reported else 11
    bench.shared_state.specific_qualifications = {given_for: [APPROVED] * script}
    bench.restart(specific_qualifications=[APPROVED] * options)

    found = [
        each for each in problems(bench) if "allows 10 conditions, but this run has 11" in each
    ]
    assert bool(found) is is_reported


def test_address_of_the_other_site_is_refused(bench: Bench, live_bench: Bench) -> None:
    live = "https://mturk-requester.us-east-1.amazonaws.com"
    sandbox = "https://mturk-requester-sandbox.us-east-1.amazonaws.com"

    for provider, address in ((bench, live), (live_bench, sandbox)):
        provider.restart(endpoint_url=address)
        [problem] = problems(provider)
        assert "provider.endpoint_url" in problem
        registration = provider.provider.RequesterArgs(endpoint_url=address)
        with pytest.raises(UsageError, match="is not the site of"):
            provider.provider.register("me", registration)


def test_addresses_are_always_named_so_that_no_setting_of_aws_moves_them(
    bench: Bench, live_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_MTURK", "https://elsewhere.example")
    mine = bench.make(endpoint_url=None)._mturk._opened().meta.endpoint_url
    live = live_bench.make(endpoint_url=None)._mturk._opened().meta.endpoint_url

    assert mine == "https://mturk-requester-sandbox.us-east-1.amazonaws.com"
    assert live == "https://mturk-requester.us-east-1.amazonaws.com"


def test_registering_reads_the_balance_with_the_keys_of_the_profile(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = tmp_path / "credentials"
    credentials.write_text(
        "[study]\naws_access_key_id = study-key\naws_secret_access_key = hidden\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    args = bench.provider.RequesterArgs(profile="study", endpoint_url=bench.account.endpoint_url)

    kept = bench.provider.register("me", args)

    assert kept == {"profile": "study", "endpoint_url": bench.account.endpoint_url}
    [call] = bench.account.calls
    assert (call.operation, call.access_key) == ("GetAccountBalance", "study-key")


def test_registering_without_keys_names_where_they_are_searched(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(UsageError, match="aws configure"):
        bench.provider.register("me", bench.provider.RequesterArgs())


def test_missing_profile_is_named(bench: Bench) -> None:
    with pytest.raises(UsageError, match="nobody"):
        bench.provider.register("me", bench.provider.RequesterArgs(profile="nobody"))


def test_the_two_sites_share_no_balance(bench: Bench, live_bench: Bench, mturk: FakeMTurk) -> None:
    assert bench.provider.balance() == 10_000
    assert live_bench.provider.balance() == 100
    assert {call.account for call in mturk.calls} == {"sandbox", "live"}


def test_importing_the_providers_imports_neither_boto3_nor_peewee() -> None:
    code = (
        "import sys, famulus_mturk.provider;"
        "print(sorted({'boto3', 'botocore', 'peewee'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
