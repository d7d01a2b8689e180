from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from drafted_plans import drafted_plan
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.plan import SharedTaskState
from famulus.errors import UsageError
from famulus.options.configuration import read_configuration
from text_plans import Installed, Text, TextState, plan, write


def test_a_given_state_is_copied_so_that_later_assignments_do_not_count(tmp_path: Path) -> None:
    state = TextState(rows=[{"a": 1}])

    made = plan(tmp_path, shared_state=state)

    state.qualifications = ["later"]
    assert isinstance(made.shared_state, TextState)
    assert made.shared_state.rows is state.rows
    assert made.shared_state.qualifications == []
    assert made.shared_state_given


def test_base_state_becomes_the_blueprints_own(tmp_path: Path) -> None:
    given = SharedTaskState(task_config={"a": 1}, on_unit_submitted=print)

    made = plan(tmp_path, shared_state=given)

    assert made.shared_state == TextState(task_config={"a": 1}, on_unit_submitted=print)


def test_state_of_another_blueprint_is_refused(tmp_path: Path) -> None:
    @frozen(kw_only=True)
    class Foreign(SharedTaskState):
        pass

    with pytest.raises(UsageError, match=r"the blueprint takes .*TextState, not .*Foreign"):
        plan(tmp_path, shared_state=Foreign())


def test_state_a_blueprint_cannot_do_without_is_asked_for(tmp_path: Path) -> None:
    @frozen(kw_only=True)
    class NeedyState(TextState):
        rows: list[Any]

    class Needy(Text):
        SharedState = NeedyState  # type: ignore[assignment]

    class OnlyNeedy(Installed):
        def blueprint(self, type_name: str) -> type[Blueprint]:
            return Needy

    with pytest.raises(UsageError, match=r"the blueprint needs .*NeedyState from a run script"):
        drafted_plan(read_configuration(write(tmp_path)), OnlyNeedy())


def test_state_that_is_no_json_is_refused_by_its_field(tmp_path: Path) -> None:
    state = TextState(
        qualifications=[{"value": Decimal(1)}],
        task_config={"a": float("nan")},
        passes="yes",  # type: ignore[arg-type]
    )

    with pytest.raises(UsageError) as caught:
        plan(tmp_path, shared_state=state)

    assert [problem.key for problem in caught.value.problems] == [
        "shared_state.qualifications",
        "shared_state.task_config",
        "shared_state.passes",
    ]
