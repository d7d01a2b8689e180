"""What core itself checks of a configuration, whichever plugins it names."""

from __future__ import annotations

from typing import Any

import pytest

from famulus.contracts.plan import Plan
from famulus.engine.runs import find_run
from famulus.errors import Problem, UsageError
from famulus.model.database import Database
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import ManualOperator, kit_plugins, rows_configuration
from famulus.testing.kinds import RowsBlueprint, RowsState


@pytest.mark.parametrize(
    "url",
    [
        "tasks.example.org",
        "ftp://tasks.example.org",
        "https://",
        "https://tasks.example.org:x",
        "https://tasks.example.org/?run=1",
        "https://tasks.example.org/#words",
    ],
)
def test_public_address_that_is_none_of_a_site_is_a_problem(
    operator: ManualOperator, url: str
) -> None:
    with pytest.raises(UsageError, match="is not an address such as") as caught:
        operator.check(rows_configuration(public_url=url), shared_state=RowsState(rows=[]))

    assert [problem.key for problem in caught.value.problems] == ["architect.public_url"]
    assert url in caught.value.problems[0].message


@pytest.mark.parametrize(
    ("role", "type_name"),
    [("blueprint", "rows"), ("architect", "nowhere"), ("provider", "crowd")],
)
def test_a_plugin_that_cannot_be_constructed_is_one_of_the_problems(
    operator: ManualOperator, role: str, type_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, args: object, context: object) -> None:
        raise OSError("no key file")

    cls = getattr(operator.plugins, role)(type_name)
    monkeypatch.setattr(cls, "__init__", broken)
    configuration = rows_configuration(public_url="tasks.example.org", max_spend="0.001")

    with pytest.raises(UsageError) as caught:
        operator.check(configuration, shared_state=RowsState(rows=[{"n": 1}]))

    text = str(caught.value)
    assert f"the {role} {type_name!r} cannot be constructed: OSError: no key file" in text
    assert "'tasks.example.org' is not an address" in text


def test_a_property_of_a_blueprint_that_raises_is_a_problem(
    operator: ManualOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> int:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(RowsBlueprint, "units_per_assignment", property(broken))

    with pytest.raises(UsageError, match="'rows' failed while checking: ZeroDivisionError"):
        operator.check(rows_configuration(), shared_state=RowsState(rows=[{"n": 1}]))


@pytest.mark.parametrize("role", ["architect", "provider"])
def test_what_prevents_serving_is_asked_where_a_run_is_to_be_served(
    operator: ManualOperator, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(self: object, plan: Plan) -> list[Problem]:
        return [plan.problem(role, "cannot serve now")]

    configuration = rows_configuration()
    cls = getattr(operator.plugins, role)({"architect": "nowhere", "provider": "crowd"}[role])
    monkeypatch.setattr(cls, "serving_problems", found)
    state = RowsState(rows=[{"n": 1}])

    operator.check(configuration, shared_state=state, serving=False)
    with pytest.raises(UsageError, match="cannot serve now"):
        operator.check(configuration, shared_state=state)


@pytest.mark.parametrize("more", [{}, {"task_reward": None}])
def test_a_reward_is_required_only_where_the_provider_pays(
    database: Database, platform: FakePlatform, more: dict[str, Any]
) -> None:
    plugins = kit_plugins(platform=PlatformPlugin(platform.provider("paying")))
    task = {"task_title": "T", "task_description": "D", **more}
    unpaid = {**rows_configuration(provider="paying"), "task": task}

    with ManualOperator(database, plugins=plugins) as operator:
        with pytest.raises(UsageError) as caught:
            operator.check(unpaid, shared_state=RowsState(rows=[{"n": 1}]))
        launched = operator.launch(
            {**unpaid, "defaults": rows_configuration()["defaults"]},
            shared_state=RowsState(rows=[{"n": 1}]),
        )

    assert [str(problem) for problem in caught.value.problems] == [
        "task.task_reward: is missing, but paying pays workers; set it as 'task_reward: …', "
        "0 for unpaid work"
    ]
    assert find_run(database, launched.run_id).reward == 0
