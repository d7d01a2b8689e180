from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import pytest
from attrs import define, field, frozen

from famulus.contracts.architect import Architect, Deployment
from famulus.contracts.blueprint import Blueprint
from famulus.contracts.plan import Plan, SharedTaskState
from famulus.contracts.provider import Completion, Nothing, Provider, VisitView
from famulus.contracts.views import Page, Refusal, RefusalReason, TaskView
from famulus.errors import PluginError, Problem, UsageError
from famulus.options.configuration import configuration_from_mapping, read_configuration
from famulus.options.declare import callback, option
from famulus.plan.draft import draft_plan, make_plan
from famulus.plan.stored import plan_from_stored, stored_plan


@frozen(kw_only=True)
class TextArgs:
    source: Path | None = option(help="The page.", required=True)
    units_per_assignment: int = option(help="Workers for each row.", default=1)


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

    def deploy(self, deployment: Deployment) -> str:
        return ""

    def is_alive(self) -> bool:
        return True

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

    def completion(self, visit: VisitView) -> Completion:
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
    made, warnings = make_plan(
        read_configuration(write(tmp_path), overrides), Installed(), shared_state
    )
    assert warnings == []
    return made


def problems(tmp_path: Path, content: str, *overrides: str) -> list[str]:
    configuration = read_configuration(write(tmp_path, content), overrides)
    with pytest.raises(UsageError) as caught:
        make_plan(configuration, Installed())
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def restored(stored: Mapping[str, Any], state: SharedTaskState | None = None) -> Plan:
    """Make a plan of what a database would give back."""
    return plan_from_stored(json.loads(json.dumps(stored)), Installed(), state, run="run 7")


def test_plan_has_typed_options_of_every_role(tmp_path: Path) -> None:
    made = plan(tmp_path, "architect.port=1234")

    assert made.blueprint.args == TextArgs(source=tmp_path / "page.html", units_per_assignment=2)
    assert made.architect.args == HereArgs(port=1234)
    assert made.provider.type == "mock"
    assert made.task.task_reward == Decimal("0.30")
    assert made.task_name == "text"
    assert made.shared_state == TextState()
    assert not made.shared_state_given


def test_plan_knows_where_values_came_from(tmp_path: Path) -> None:
    made = plan(tmp_path, "task.task_title=Another")

    assert made.problem("blueprint.source", "x").line == 6
    assert made.problem("task.task_title", "x").file is None


def test_mapping_from_python_makes_a_plan(tmp_path: Path) -> None:
    mapping = {
        "defaults": {"blueprint": "text"},
        "blueprint": {"source": "page.html"},
        "task": {"task_title": "t", "task_description": "d", "task_reward": 0.3},
    }

    made, _ = make_plan(configuration_from_mapping(mapping, task_dir=tmp_path), Installed())

    assert made.blueprint.args.source == tmp_path / "page.html"
    assert made.task.task_reward == Decimal("0.3")


def test_every_problem_comes_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    content = """\
defaults:
  - blueprint: text
  - architect: lcal
tsk: {}
blueprint:
  sorce: page.html
task:
  task_title: ${nowhere}
  task_title: b
  task_reward: -1
"""

    assert problems(tmp_path, content, "provider.x=1", "oops") == [
        "example.yaml:3: architect: there is no architect 'lcal'",
        "example.yaml:4: tsk: unknown key; did you mean 'task'?",
        "example.yaml:5: blueprint.source: is missing; set it as 'source: …' (The page.)",
        "example.yaml:6: blueprint.sorce: unknown option; did you mean 'source'?",
        "example.yaml:7: task.task_description: is missing; set it as 'task_description: …' "
        "(Description that workers see before they accept.)",
        "example.yaml:9: task.task_title: is given twice; the first time in line 8",
        "example.yaml:10: task.task_reward: -1 is less than nothing; 0 is allowed",
        "'oops' is not 'OPTION=VALUE', such as architect.port=1234",
        "provider.x: unknown option; there are: token",
    ]


def test_problem_of_reading_hides_those_that_only_follow_from_it(tmp_path: Path) -> None:
    content = YAML.replace("A title", "${nowhere}").replace("blueprint:\n  s", "blueprint:\n  - s")
    content = content.replace("  units_per_assignment: 2\n", "")

    found = problems(tmp_path, content)

    assert [line.split(": ")[1] for line in found] == ["blueprint", "task.task_title"]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("mephisto/architect=heroku", "there is no architect 'heroku'; use architect 'local'"),
        ("architect=ec2", "there is no architect 'ec2'; use architect 'local'"),
        ("provider=prolific", "there is no provider 'prolific'; install a package"),
        ("provider=inhouse", "there is no provider 'inhouse'; use provider 'mock' for people of"),
        ("blueprint=static_react_task", "use blueprint 'static_task'"),
        ("blueprint=remote_procedure", "use blueprint 'static_task'"),
        ("blueprint=parlai_chat", "chats of several workers are not supported"),
    ],
)
def test_plugin_of_the_former_system_names_what_to_use(
    tmp_path: Path, override: str, words: str
) -> None:
    found = problems(tmp_path, YAML, override)

    assert words in "\n".join(found)
    assert ("architect.public_url" in "\n".join(found)) == ("architect" in override)


def test_paid_strangers_are_not_sent_to_the_provider_for_trying_out(tmp_path: Path) -> None:
    found = problems(tmp_path, YAML, "provider=prolific")

    assert "mock" not in "\n".join(found)


def test_options_of_the_former_system_are_warnings(tmp_path: Path) -> None:
    content = YAML.replace(
        "task:\n", "architect:\n  server_type: node\ntask:\n  force_rebuild: true\n"
    ).replace("blueprint:\n", "blueprint:\n  tips_location: x\n")

    _, warnings = make_plan(
        read_configuration(write(tmp_path, content), ["task.resume_incomplete_run=false"]),
        Installed(),
    )

    assert [(warning.key, warning.line) for warning in warnings] == [
        ("blueprint.tips_location", 6),
        ("architect.server_type", 10),
        ("task.force_rebuild", 12),
        ("task.resume_incomplete_run", None),
    ]


def test_option_of_the_former_system_that_a_plugin_has_is_its_own(tmp_path: Path) -> None:
    @frozen(kw_only=True)
    class TipsArgs(TextArgs):
        tips_location: str | None = option(help="Tips.")

    class Tips(Text):
        Args = TipsArgs

    class WithTips(Installed):
        def blueprint(self, type_name: str) -> type[Blueprint]:
            return Tips

    configuration = read_configuration(write(tmp_path), ["blueprint.tips_location=x"])

    made, warnings = make_plan(configuration, WithTips())

    assert made.blueprint.args.tips_location == "x"
    assert warnings == []


def test_resuming_by_a_launch_option_is_refused(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, YAML, "task.resume_incomplete_run=true")

    assert "use 'famulus resume RUN'" in found


def test_problem_of_an_override_has_no_line(tmp_path: Path) -> None:
    found = problems(tmp_path, YAML, "task.task_reward=much", "task.x=${y}", "task.task_title=")

    assert found == [
        "task.x: '${y}' refers to what is not there",
        "task.task_title: is missing; set it as 'task_title: …' (Title that workers see.)",
        "task.task_reward: 'much' is not an amount, such as 0.30",
    ]


def test_draft_lets_the_sound_plugins_speak_too(tmp_path: Path) -> None:
    configuration = read_configuration(write(tmp_path), ["task.task_reward=no", "architect.x=1"])

    draft = draft_plan(configuration, Installed())

    assert draft.sound == {"architect", "blueprint", "provider"}
    assert draft.plan is not None
    assert draft.plan.blueprint.args.units_per_assignment == 2
    assert draft.plan.architect.args == HereArgs()
    assert len(draft.problems) == 2


def test_draft_has_no_plan_without_its_plugins(tmp_path: Path) -> None:
    draft = draft_plan(read_configuration(write(tmp_path), ["blueprint=other"]), Installed())

    assert draft.plan is None
    assert draft.sound == {"architect", "provider", "task"}


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
        make_plan(read_configuration(write(tmp_path)), OnlyNeedy())


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
    made, _ = make_plan(configuration, WithMany())
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


def test_misspelt_option_leaves_the_rest_of_its_section_to_the_plugin(tmp_path: Path) -> None:
    draft = draft_plan(read_configuration(write(tmp_path), ["blueprint.txet=1"]), Installed())

    assert [problem.key for problem in draft.problems] == ["blueprint.txet"]
    assert "blueprint" in draft.sound
    assert draft.plan is not None
