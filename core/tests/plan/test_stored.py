from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import frozen

from drafted_plans import drafted_plan
from famulus.contracts.provider import Provider
from famulus.errors import UsageError
from famulus.options.configuration import read_configuration
from famulus.options.declare import option
from famulus.plan.stored import plan_from_stored, stored_plan
from text_plans import YAML, Crowd, CrowdArgs, Installed, TextState, plan, restored, write


def test_stored_plan_makes_the_same_plan(tmp_path: Path) -> None:
    made = plan(tmp_path, shared_state=TextState(rows=[{"a": "b"}], task_config={"c": 1}))

    again = restored(stored_plan(made))

    assert (again.task, again.blueprint, again.architect) == (
        made.task,
        made.blueprint,
        made.architect,
    )
    assert again.shared_state == made.shared_state
    assert again.task_dir == tmp_path
    assert again.shared_state_given


def test_callbacks_that_were_set_have_to_be_given_again(tmp_path: Path) -> None:
    state = TextState(passes=bool, worker_can_do_unit=bool)
    stored = stored_plan(plan(tmp_path, shared_state=state))

    with pytest.raises(UsageError) as caught:
        restored(stored, TextState(passes=bool))

    assert stored["shared_state"]["callbacks"] == ["worker_can_do_unit", "passes"]
    (problem,) = caught.value.problems
    assert problem.key == "shared_state.worker_can_do_unit"
    assert problem.message.startswith("run 7 needs worker_can_do_unit, which was given in Python")


def test_callbacks_come_from_the_given_state_and_data_from_the_stored_one(tmp_path: Path) -> None:
    stored = stored_plan(
        plan(tmp_path, shared_state=TextState(passes=bool, qualifications=[{"q": 1}]))
    )

    again = restored(stored, TextState(passes=callable, task_config={"other": 1}))

    assert again.shared_state == TextState(passes=callable, qualifications=[{"q": 1}])


def test_function_in_an_ordinary_field_has_to_be_given_again(tmp_path: Path) -> None:
    stored = stored_plan(plan(tmp_path, shared_state=TextState(rows=len)))

    assert stored["shared_state"]["callbacks"] == ["rows"]
    with pytest.raises(UsageError, match="run 7 needs rows"):
        restored(stored, TextState())


def test_generator_is_named_and_not_stored(tmp_path: Path) -> None:
    rows = iter([{"a": 1}])

    stored = stored_plan(plan(tmp_path, shared_state=TextState(rows=rows)))

    assert stored["shared_state"]["code"] == ["rows"]
    assert "rows" not in stored["shared_state"]["values"]
    assert restored(stored).shared_state == TextState()
    assert list(rows) == [{"a": 1}]


def test_secret_is_not_stored_and_has_to_be_given_again(tmp_path: Path) -> None:
    stored = stored_plan(plan(tmp_path, "provider.token=hush"))

    assert "hush" not in json.dumps(stored)
    assert stored["secrets"] == ["provider.token"]
    with pytest.raises(UsageError, match=r"provider\.token: run 7 needs this secret again"):
        restored(stored)


def test_secret_that_is_given_again_is_put_in(tmp_path: Path) -> None:
    made = plan(tmp_path, "provider.token=hush")

    again = plan_from_stored(stored_plan(made), Installed(), secrets={"provider.token": "hush"})

    assert again.provider == made.provider


def test_secret_that_is_in_the_environment_is_put_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(tmp_path, "provider.token=hush")
    monkeypatch.setenv("FAMULUS_SECRET_PROVIDER_TOKEN", "hush")

    again = plan_from_stored(stored_plan(made), Installed())

    assert again.provider == made.provider


def test_secrets_inside_lists_and_mappings_are_put_back(tmp_path: Path) -> None:
    @frozen(kw_only=True)
    class ManyArgs:
        accounts: list[CrowdArgs] = option(help="Accounts.", factory=list)
        named: dict[str, CrowdArgs] = option(help="By name.", factory=dict)

    class Many(Crowd):
        Args = ManyArgs  # type: ignore[assignment]

    class WithMany(Installed):
        def provider(self, type_name: str) -> type[Provider]:
            return Many

    mapping = {"accounts": [{}, {"token": "a"}], "named": {"x": {"token": "b"}}}
    configuration = read_configuration(write(tmp_path, f"{YAML}provider: {json.dumps(mapping)}\n"))
    made, _ = drafted_plan(configuration, WithMany())
    stored = stored_plan(made)

    secrets = {"provider.accounts.1.token": "a", "provider.named.x.token": "b"}
    again = plan_from_stored(stored, WithMany(), secrets=secrets)

    assert stored["secrets"] == sorted(secrets)
    assert again.provider == made.provider


def test_everything_a_stored_plan_lacks_today_is_named_at_once(tmp_path: Path) -> None:
    stored = stored_plan(plan(tmp_path, shared_state=TextState(passes=bool)))
    stored["architect"]["type"] = "gone"
    stored["provider"]["args"]["old"] = 1
    stored["shared_state"]["values"]["former"] = 1

    with pytest.raises(UsageError) as caught:
        restored(stored)

    assert [problem.key for problem in caught.value.problems] == [
        "architect",
        "provider.old",
        "shared_state.passes",
        "shared_state.former",
    ]


def test_plan_stored_in_another_format_is_refused() -> None:
    with pytest.raises(UsageError, match="run 7 was stored by another version"):
        restored({"format": 2})
