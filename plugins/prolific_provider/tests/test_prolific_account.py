"""Registering an account, and what it says about costs, money and filters."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from famulus import PaymentKind, Plan, Role, UnavailableError, UsageError
from famulus_prolific.checks import server_problems
from famulus_prolific.fake import Fault
from famulus_prolific.options import ProlificRequesterArgs
from famulus_prolific.tokens import ENVIRONMENT, FILE, KEYRING, VARIABLE, read_token
from prolific_bench import Bench

OTHER = "f" * 24


def register(bench: Bench, **args: Any) -> Mapping[str, Any]:
    where = {"api_url": bench.prolific.api_url, **args}
    return bench.provider.register("lab", ProlificRequesterArgs(**where))


def test_an_account_is_read_and_its_token_is_not_stored(bench: Bench) -> None:
    settings = register(bench)

    assert settings["currency"] == "GBP"
    assert settings["token_in"] == "environment"
    assert {settings["workspace"]} == set(bench.prolific.state.workspaces)
    assert bench.prolific.token not in str(settings)


@pytest.mark.parametrize("is_entered", [True, False])
def test_a_token_is_kept_in_a_file(
    bench: Bench, is_entered: bool, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = bench.prolific.token
    settings = register(bench, keep_token_in="file", token=token if is_entered else None)
    monkeypatch.delenv(VARIABLE)

    assert settings["token_in"] == "file"
    assert read_token("file", settings["account"]) == token


def test_registering_says_what_a_token_can_do(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    register(bench)

    (said,) = caplog.messages
    assert "all rights of the account" in said
    assert bench.prolific.token not in said


def test_a_token_that_is_entered_is_kept_in_a_file_unless_otherwise_said(bench: Bench) -> None:
    assert register(bench, token=bench.prolific.token)["token_in"] == "file"
    with pytest.raises(UsageError, match=VARIABLE):
        register(bench, token=bench.prolific.token, keep_token_in="environment")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"token": "wrong"}, "refuses the token"),
        ({"workspace": OTHER}, "no workspace"),
        ({"project": OTHER}, "no project"),
        ({"api_url": "http://me:secret@127.0.0.1:9"}, "cannot be reached at 127.0.0.1:9: "),
    ],
)
def test_an_account_that_cannot_be_used_is_refused_and_nothing_is_kept(
    bench: Bench, args: dict[str, Any], message: str, config: Path
) -> None:
    before = set(config.rglob("*.token"))
    with pytest.raises(UsageError, match=message):
        register(bench, keep_token_in="file", **args)

    assert set(config.rglob("*.token")) == before


def test_without_a_token_it_says_where_to_get_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE)

    with pytest.raises(UsageError, match="under API tokens"):
        register(bench)


def test_one_of_several_workspaces_has_to_be_named(bench: Bench) -> None:
    (first,) = bench.prolific.state.workspaces
    bench.prolific.state.workspaces[OTHER] = "The other one"

    with pytest.raises(UsageError, match=f"{OTHER} .The other one."):
        register(bench)
    assert register(bench, workspace=first)["workspace"] == first


def test_the_only_project_is_the_one_of_studies(bench: Bench) -> None:
    (project,) = bench.prolific.state.projects

    assert register(bench)["project"] == project


def test_of_several_projects_prolific_chooses_one_unless_it_is_named(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    first, *_ = bench.prolific.state.projects
    bench.prolific.state.projects[OTHER] = next(iter(bench.prolific.state.workspaces))

    assert register(bench)["project"] is None
    said, _ = caplog.messages
    assert said.startswith(
        f"the workspace has these projects: {first} (Project), {OTHER} (Project)"
    )
    assert "project=ID" in said
    assert register(bench, project=OTHER)["project"] == OTHER


def test_one_of_several_projects_has_to_be_named_where_there_are_several_workspaces(
    bench: Bench,
) -> None:
    """A study without a project is in the workspace that Prolific chooses."""
    (first,) = bench.prolific.state.workspaces
    bench.prolific.state.workspaces[OTHER] = "The other one"
    for project in ("e" * 24, "d" * 24):
        bench.prolific.state.projects[project] = OTHER

    with pytest.raises(UsageError, match=f"name the project.*{'d' * 24}"):
        register(bench, workspace=OTHER)
    assert register(bench, workspace=first)["project"] not in ("e" * 24, "d" * 24, None)


def test_another_workspace_needs_a_project_in_it(bench: Bench) -> None:
    bench.restart(workspace=OTHER)
    (problem,) = bench.provider.problems(bench.plan)
    named = [{"project": "e" * 24}, {"workspace": next(iter(bench.prolific.state.workspaces))}]

    assert str(problem).startswith("provider.project: a study is in the workspace of its project")
    for options in named:
        bench.options = {"workspace": OTHER, **options}
        bench.restart()
        assert bench.provider.problems(bench.plan) == []


@pytest.mark.parametrize(
    ("wages", "expected"),
    [
        ((600, 900), []),
        ((1000, 1200), ["Prolific's minimum is 10, and it recommends 12"]),
        ((600, 1000), ["Prolific recommends 10"]),
    ],
)
@pytest.mark.parametrize("is_known", [True, False])
def test_pay_is_compared_with_what_prolific_recommends_now(
    bench: Bench, wages: tuple[int, int], expected: list[str], is_known: bool
) -> None:
    bench.prolific.facts.wages["GBP"] = wages
    bench.prolific.facts.recommends_rewards = is_known

    found = [each.message.rpartition("; ")[2] for each in bench.provider.problems(bench.plan)]

    assert found == (expected if is_known else [])


@pytest.mark.parametrize("fault", [Fault.FAIL, Fault.TRUNCATE])
def test_pay_is_compared_with_what_was_known_while_prolific_does_not_say(
    bench: Bench, fault: Fault
) -> None:
    bench.prolific.faults.plan(fault, "get-reward-recommendations")
    bench.task["task_reward"] = Decimal("0.90")

    (problem,) = bench.provider.problems(bench.plan)

    assert "minimum is 6.00" in str(problem)


@pytest.mark.parametrize("in_whole_cents", [True, False])
def test_a_quote_has_the_fees_of_the_account_and_the_taxes_on_them(
    bench: Bench, in_whole_cents: bool
) -> None:
    bench.prolific.facts.fees_in_whole_cents = in_whole_cents

    quote = bench.provider.quote(bench.plan, 10)

    assert (quote.rewards, quote.fees) == (Decimal("15.00"), Decimal("6.42"))
    assert quote.taxes == pytest.approx(Decimal("1.284"), abs=Decimal("0.005"))
    assert quote.currency == "GBP"


FILTER = {"filter_id": "fluent-languages", "selected_values": ["19"]}


@pytest.mark.parametrize(
    ("filters", "is_predicted", "expected"),
    [
        ([], True, ["Time until the last participant begins, as Prolific expects: 2 hours."]),
        ([], False, []),
        ([FILTER], False, ["Participants who fit the filters: 1, and the run needs 20."]),
    ],
)
def test_a_forecast_says_what_prolific_expects(
    bench: Bench, filters: list[Any], is_predicted: bool, expected: list[str]
) -> None:
    bench.prolific.participant(1, answers={"fluent-languages": ["19"]})
    bench.prolific.participant(2)
    bench.prolific.facts.predicts_recruitment = is_predicted
    bench.shared_state.specific_qualifications = {"prolific": filters}

    assert [*bench.provider.forecast(bench.plan, 20)] == expected


def test_a_forecast_leaves_out_what_prolific_does_not_answer(bench: Bench) -> None:
    bench.shared_state.specific_qualifications = {"prolific": [FILTER]}
    bench.prolific.faults.plan(Fault.FAIL, times=9)

    assert [*bench.provider.forecast(bench.plan, 20)] == []


def test_a_bonus_has_the_same_share_of_fees_however_small_it_is(bench: Bench) -> None:
    kind, amount = PaymentKind.BONUS, Decimal("0.01")

    assert bench.provider.fee(kind, amount) == Decimal("0.00428")
    assert bench.provider.taxes(kind, amount) == Decimal("0.000856")
    assert len(bench.prolific.called("calculate-study-cost")) == 1


def test_the_balance_is_what_is_not_set_aside_for_studies(bench: Bench) -> None:
    assert bench.provider.balance() == 1000

    bench.provider.set_places(bench.run, 10)

    assert bench.provider.balance() == Decimal("977.29")


def test_a_token_that_was_replaced_is_used_without_a_restart(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bench.provider.balance() is not None
    bench.prolific.state.tokens.symmetric_difference_update({bench.prolific.token, "new"})
    for _ in range(2):
        with pytest.raises(UnavailableError, match="refuses the token"):
            bench.provider.balance()
    monkeypatch.setenv(VARIABLE, "new")

    with pytest.raises(UnavailableError, match="refuses the token"):
        bench.provider.balance()
    assert bench.provider.balance() is not None


@pytest.mark.parametrize("architect", ["local", "external"])
@pytest.mark.parametrize(
    ("place", "options", "is_readable"),
    [
        (ENVIRONMENT, {}, False),
        (KEYRING, {}, False),
        (FILE, {}, True),
        (ENVIRONMENT, {"secure_urls": True}, True),
        (ENVIRONMENT, {"verify_arrivals": False}, True),
    ],
)
def test_a_server_that_cannot_read_the_token_is_refused(
    bench: Bench, architect: str, place: str, options: dict[str, Any], is_readable: bool
) -> None:
    bench.restart(**options)
    plan = evolve(bench.plan, architect=Role(type=architect, args=None))

    found = [str(each) for each in server_problems(plan, place)]

    assert len(found) == int(architect == "local" and not is_readable)
    assert all("keep_token_in=file" in each and "secure_urls" in each for each in found)


def is_served_by_itself(bench: Bench) -> Plan:
    return evolve(bench.plan, architect=Role(type="external", args=None))


def test_a_token_that_is_accepted_is_no_problem(bench: Bench) -> None:
    assert bench.provider.serving_problems(is_served_by_itself(bench)) == []


@pytest.mark.parametrize(
    ("token", "message"), [(None, f"missing from the variable {VARIABLE}"), ("no token", "refuses")]
)
def test_a_run_whose_token_is_missing_or_refused_is_not_served(
    bench: Bench, token: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = is_served_by_itself(bench)
    if token is None:
        monkeypatch.delenv(VARIABLE)
    else:
        monkeypatch.setenv(VARIABLE, token)

    (problem,) = bench.provider.serving_problems(plan)

    assert message in str(problem)
    assert not problem.warning


def test_a_run_with_the_token_of_another_account_is_not_served(bench: Bench) -> None:
    plan = is_served_by_itself(bench)
    with bench.prolific.turn() as state:
        state.researcher_id = OTHER

    (problem,) = bench.provider.serving_problems(plan)

    assert f"of the account {OTHER}" in str(problem)


def test_a_token_that_cannot_be_checked_now_is_a_warning(bench: Bench) -> None:
    bench.prolific.faults.plan(Fault.FAIL, "get-me")

    (problem,) = bench.provider.serving_problems(is_served_by_itself(bench))

    assert problem.warning
