from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from attrs import frozen

from drafted_plans import drafted_plan
from famulus.contracts.blueprint import Blueprint
from famulus.options.configuration import configuration_from_mapping, read_configuration
from famulus.options.declare import option
from famulus.plan.draft import draft_plan
from text_plans import YAML, HereArgs, Installed, Text, TextArgs, TextState, plan, problems, write


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

    made, _ = drafted_plan(configuration_from_mapping(mapping, task_dir=tmp_path), Installed())

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
        "example.yaml:9: task.task_title: is set twice; the first time in line 8",
        "example.yaml:10: task.task_reward: -1 is negative; give 0 or more",
        "'oops' is not 'OPTION=VALUE', such as architect.port=1234",
        "provider.x: unknown option; there are: token",
    ]


def test_problem_of_reading_hides_those_that_only_follow_from_it(tmp_path: Path) -> None:
    content = YAML.replace("A title", "${nowhere}").replace("blueprint:\n  s", "blueprint:\n  - s")
    content = content.replace("  units_per_assignment: 2\n", "")

    found = problems(tmp_path, content)

    assert [line.split(": ")[1] for line in found] == ["blueprint", "task.task_title"]


def test_options_of_the_former_system_are_warnings(tmp_path: Path) -> None:
    content = YAML.replace(
        "task:\n", "architect:\n  server_type: node\ntask:\n  force_rebuild: true\n"
    ).replace("blueprint:\n", "blueprint:\n  tips_location: x\n")

    _, warnings = drafted_plan(
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

    made, warnings = drafted_plan(configuration, WithTips())

    assert made.blueprint.args.tips_location == "x"
    assert warnings == []


def test_resuming_by_a_launch_option_is_refused(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, YAML, "task.resume_incomplete_run=true")

    assert "use `famulus resume RUN`" in found


def test_problem_of_an_override_has_no_line(tmp_path: Path) -> None:
    found = problems(tmp_path, YAML, "task.task_reward=much", "task.x=${y}", "task.task_title=")

    assert found == [
        "task.x: '${y}' refers to an unknown key",
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


def test_misspelt_option_leaves_the_rest_of_its_section_to_the_plugin(tmp_path: Path) -> None:
    draft = draft_plan(read_configuration(write(tmp_path), ["blueprint.txet=1"]), Installed())

    assert [problem.key for problem in draft.problems] == ["blueprint.txet"]
    assert "blueprint" in draft.sound
    assert draft.plan is not None
