"""Plans of three small plugins, read from YAML as a launch reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest
from attrs import define, field, frozen

from drafted_plans import drafted_plan
from famulus.contracts.architect import Architect, Deployed, Deployment, ServerHealth
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.blueprint_args import BlueprintArgs
from famulus.contracts.completion import Completion, Nothing, VisitOutcome
from famulus.contracts.plan import Plan, SharedTaskState
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import VisitView
from famulus.contracts.views import Page, Refusal, RefusalReason, TaskView
from famulus.errors import PluginError, Problem, UsageError
from famulus.options.configuration import read_configuration
from famulus.options.declare import callback, option
from famulus.plan.stored import plan_from_stored


@frozen(kw_only=True)
class TextArgs(BlueprintArgs):
    source: Path | None = option(help="The page.", required=True)


@define(kw_only=True)
class TextState(SharedTaskState):
    rows: Any = field(factory=list)
    passes: Callable[[Any], bool] | None = callback(help="(answers) -> bool")


class Text(Blueprint):
    type = "text"
    Args = TextArgs
    SharedState = TextState

    def problems(self, plan: Plan) -> list[Problem]:
        return []

    def assignments(self) -> Iterator[Mapping[str, Any]]:
        return iter(())

    def task_page(self, view: TaskView) -> Page:
        return Page(body="")


@frozen(kw_only=True)
class HereArgs:
    port: int = option(help="The port.", default=3000)


class Here(Architect):
    type = "local"
    Args = HereArgs

    def problems(self, plan: Plan) -> list[Problem]:
        return []

    def deploy(self, deployment: Deployment) -> Deployed:
        return Deployed("http://localhost:3000/")

    def health(self) -> ServerHealth:
        return ServerHealth.SERVING

    def shutdown(self) -> None:
        """Nothing was started."""


@frozen(kw_only=True)
class CrowdArgs:
    token: str | None = option(help="The key to the crowd.", secret=True)


class Crowd(Provider):
    type = "mock"
    Args = CrowdArgs

    def problems(self, plan: Plan) -> list[Problem]:
        return []

    def arrive(self, query: Mapping[str, str]) -> Refusal:
        return Refusal(reason=RefusalReason.RUN_CLOSED)

    def completion(self, visit: VisitView, outcome: VisitOutcome) -> Completion:
        return Nothing()


class Installed:
    """Three plugins, and the errors a real facade has for others."""

    def blueprint(self, type_name: str) -> type[Blueprint]:
        return Text if type_name == "text" else _none("blueprint", type_name)

    def architect(self, type_name: str) -> type[Architect]:
        return Here if type_name == "local" else _none("architect", type_name)

    def provider(self, type_name: str) -> type[Provider]:
        return Crowd if type_name == "mock" else _none("provider", type_name)


def _none(kind: str, name: str) -> NoReturn:
    raise PluginError(f"there is no {kind} {name!r}")


YAML = """\
defaults:
  - blueprint: text
  - architect: local
  - provider: mock
blueprint:
  source: page.html
  units_per_assignment: 2
task:
  task_title: A title
  task_description: What to do.
  task_reward: 0.30
"""


def write(tmp_path: Path, content: str = YAML) -> Path:
    file = tmp_path / "example.yaml"
    file.write_text(content)
    return file


def plan(tmp_path: Path, *overrides: str, shared_state: SharedTaskState | None = None) -> Plan:
    made, warnings = drafted_plan(
        read_configuration(write(tmp_path), overrides), Installed(), shared_state
    )
    assert warnings == []
    return made


def problems(tmp_path: Path, content: str, *overrides: str) -> list[str]:
    configuration = read_configuration(write(tmp_path, content), overrides)
    with pytest.raises(UsageError) as caught:
        drafted_plan(configuration, Installed())
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def restored(stored: Mapping[str, Any], state: SharedTaskState | None = None) -> Plan:
    """Make a plan from values as a database returns them."""
    return plan_from_stored(json.loads(json.dumps(stored)), Installed(), state, run="run 7")
