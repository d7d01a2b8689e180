"""The configuration of a run script: typed sections to read and change, and its own arguments."""

# A class made by a call is more than mypy can follow.
# mypy: disable-error-code="misc"

from __future__ import annotations

import copy
import os
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import Factory, define, frozen

from drafted_plans import drafted_plan
from famulus.errors import UsageError
from famulus.options.configuration import Configuration
from famulus.options.declare import option
from famulus.options.task_config import TaskConfig, build_default_task_config
from famulus.plan import read_task_config
from famulus.plugins import Plugins, discover

NATIVE = """\
defaults: [blueprint: static_task]
blueprint:
  data_csv: ${task_dir}/data.csv
  task_source: task.html
  units_per_assignment: 2
task:
  task_title: T
  task_description: D
  task_reward: 0.30
"""

Base: Any = build_default_task_config("example")


@define
class Own(Base):
    num_tasks: int = 5
    names: list[str] = Factory(list)
    custom_args: Any = 4


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return discover()


@pytest.fixture
def read(tmp_path: Path, plugins: Plugins) -> Any:
    def read_one(cls: Any, *overrides: str, content: str = NATIVE) -> Any:
        file = tmp_path / "example.yaml"
        file.write_text(content)
        return read_task_config(cls, file, overrides, plugins, task_dir=tmp_path)

    return read_one


def lines(error: UsageError, folder: Path) -> list[str]:
    return [str(problem).removeprefix(f"{folder}/") for problem in error.problems]


def launched(cfg: Any) -> Configuration:
    configuration: Configuration = cfg.mephisto.configuration()
    return configuration


def test_options_are_typed_attributes_by_either_name(read: Any, tmp_path: Path) -> None:
    cfg = read(Base)

    assert cfg.blueprint.units_per_assignment == 2
    assert cfg.mephisto.task.task_reward == Decimal("0.30")
    assert cfg.famulus is cfg.mephisto
    assert cfg.architect.port == 3000
    assert cfg.blueprint.data_csv == tmp_path / "data.csv"
    joined = os.path.join(cfg.task_dir, "x")  # noqa: PTH118 - as existing scripts do
    assert joined == f"{tmp_path}/x"
    assert cfg.mephisto.provider._provider_type == "mock"


def test_section_is_a_mapping_too(read: Any) -> None:
    blueprint = read(Base).blueprint

    assert blueprint["units_per_assignment"] == 2
    assert blueprint.get("nothing") is None
    assert "data_csv" in blueprint
    assert dict(blueprint)["units_per_assignment"] == 2


def test_assigned_values_are_launched(read: Any, plugins: Plugins) -> None:
    cfg = read(Base)

    cfg.mephisto.task.task_name = "another"
    cfg.blueprint.units_per_assignment = 7

    plan, _ = drafted_plan(launched(cfg), plugins)
    assert plan.task_name == "another"
    assert plan.blueprint.args.units_per_assignment == 7
    assert plan.task.task_reward == Decimal("0.30")
    assert "blueprint.units_per_assignment" not in plan.origins
    assert "task.task_title" in plan.origins


def test_assigned_value_is_checked_by_the_launch_without_a_line(
    read: Any, plugins: Plugins
) -> None:
    cfg = read(Base)
    cfg.blueprint.units_per_assignment = "many"

    with pytest.raises(UsageError) as caught:
        drafted_plan(launched(cfg), plugins)

    assert str(caught.value) == (
        "blueprint.units_per_assignment: 'many' is not a whole number, such as 3"
    )


def test_deleted_option_has_its_default_again(read: Any, plugins: Plugins) -> None:
    cfg = read(Base)

    del cfg.blueprint["units_per_assignment"]

    plan, _ = drafted_plan(launched(cfg), plugins)
    assert plan.blueprint.args.units_per_assignment == 1


def test_misspelt_option_is_an_attribute_error_with_the_right_name(read: Any) -> None:
    cfg = read(Base)

    with pytest.raises(AttributeError, match="did you mean 'task_name'"):
        cfg.task.task_nam = "x"
    with pytest.raises(AttributeError, match="did you mean 'data_csv'"):
        _ = cfg.blueprint.data_cvs
    with pytest.raises(AttributeError, match="architect=NAME"):
        cfg.architect._architect_type = "external"


def test_section_can_be_copied_and_shows_no_secret(read: Any) -> None:
    task = read(Base).task

    again = copy.deepcopy(task)
    again.task_title = "Another"

    assert task.task_title == "T"
    assert repr(task).startswith("<task: task_name=None, task_title='T'")


def test_option_that_does_nothing_here_can_still_be_read(read: Any) -> None:
    cfg = read(Base, content=f"{NATIVE}  force_rebuild: true\n")

    assert cfg.mephisto.task.force_rebuild is True
    assert cfg.mephisto.task.post_install_script is None


def test_missing_options_may_be_set_by_the_script(read: Any, plugins: Plugins) -> None:
    cfg = read(Base, content=NATIVE.replace("task_title: T", "task_title: ???"))
    assert cfg.task.task_title is None
    assert cfg.task.task_reward == Decimal("0.30")

    cfg.task.task_title = "From the script"

    plan, _ = drafted_plan(launched(cfg), plugins)
    assert plan.task.task_title == "From the script"


def test_an_unreadable_configuration_is_refused_before_the_script_runs(read: Any) -> None:
    with pytest.raises(UsageError, match="refers to an unknown key"):
        read(Base, content=NATIVE.replace("task_title: T", "task_title: ${nowhere}"))


def test_own_arguments_come_from_the_file_and_from_overrides(read: Any) -> None:
    content = f"{NATIVE}num_tasks: 7\nnames: [a]\n"

    assert read(Own).num_tasks == 5
    assert read(Own, content=content).num_tasks == 7
    cfg = read(Own, "num_tasks=3", "names=[x,y: z]", content=content)
    assert (cfg.num_tasks, cfg.names) == (3, ["x", "y: z"])
    assert isinstance(cfg, Own)


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("a: b", {"a": "b"}), ("[1, x]", [1, "x"]), ("a: b: c", "a: b: c")],
)
def test_argument_without_a_type_is_read_as_yaml(read: Any, text: str, value: Any) -> None:
    cfg = read(Own, f"custom_args={text}")

    assert cfg.custom_args == value


def test_options_can_refer_to_own_arguments(read: Any) -> None:
    content = NATIVE.replace("units_per_assignment: 2", "units_per_assignment: ${num_tasks}")

    cfg = read(Own, "num_tasks=3", content=f"{content}num_tasks: 7\n")

    assert cfg.blueprint.units_per_assignment == 3


def test_every_problem_comes_at_once_with_its_place(read: Any, tmp_path: Path) -> None:
    content = f"{NATIVE}num_tasks: many\nnmes: [a]\n".replace("0.30", "much")

    with pytest.raises(UsageError) as caught:
        read(Own, "custom_arg=1", content=content)

    assert lines(caught.value, tmp_path) == [
        "example.yaml:9: task.task_reward: 'much' is not an amount, such as 0.30",
        "example.yaml:11: nmes: unknown key; did you mean 'names'?",
        "custom_arg: unknown key 'custom_arg'; did you mean 'custom_args'?",
        "example.yaml:10: num_tasks: 'many' is not a whole number, such as 3",
    ]


def test_override_of_an_own_argument_has_no_line(read: Any) -> None:
    with pytest.raises(UsageError) as caught:
        read(Own, "num_tasks=many", content=f"{NATIVE}num_tasks: 7\n")

    assert str(caught.value) == "num_tasks: 'many' is not a whole number, such as 3"


def test_argument_without_a_default_has_to_be_set(read: Any) -> None:
    @frozen(kw_only=True)
    class Needy(Base):
        words: int = option(help="How many.", required=True)
        folder: Path

    with pytest.raises(UsageError) as caught:
        read(Needy)

    assert str(caught.value) == (
        "words: is missing; set it as 'words: …' (How many.)\n"
        "folder: is missing; set it as 'folder: …'"
    )


def test_dataclass_is_as_good_as_attrs(read: Any, tmp_path: Path) -> None:
    @dataclass
    class Plain(Base):
        custom_args: Any = 4
        words: list[int] = field(default_factory=list)
        place: Path | None = None

    cfg = read(Plain, "words=[1,2]", "place=x")

    assert (cfg.custom_args, cfg.words, cfg.place) == (4, [1, 2], tmp_path / "x")
    assert cfg.mephisto.blueprint.units_per_assignment == 2
    with pytest.raises(UsageError, match=r"words\.1: 'x' is not a whole number"):
        read(Plain, "words=[1,x]")


def test_class_may_refuse_its_arguments(read: Any) -> None:
    @dataclass
    class Picky(Base):
        number: int = 1

        def __post_init__(self) -> None:
            if self.number > 3:
                raise ValueError(f"{self.number} is more than three")

    with pytest.raises(UsageError, match="4 is more than three"):
        read(Picky, "number=4")


def test_class_without_a_decorator_is_refused(read: Any) -> None:
    class Bare(Base):
        number: int = 1

    with pytest.raises(UsageError, match=r"Bare lacks a line above its class: @attrs\.define"):
        read(Bare)


def test_name_of_a_section_is_no_argument(read: Any) -> None:
    @define
    class Taken(Base):
        conf: str = ""

    with pytest.raises(UsageError, match="cannot have an argument named conf; rename it"):
        read(Taken)


def test_only_task_script_fills_in_sections() -> None:
    with pytest.raises(AttributeError, match="only @task_script"):
        _ = Own().task.task_title


def test_class_can_be_written_without_a_call(read: Any) -> None:
    @define
    class Named(TaskConfig):
        default_config_file = "example"
        number: int = 1

    assert read(Named, "number=2").number == 2


@define
class WithPostInit(Base):
    number: int = 4

    def __attrs_post_init__(self) -> None:
        self.derived = self.number + 1


def test_an_unknown_attribute_of_the_configuration_is_refused(read: Any) -> None:
    cfg = read(WithPostInit)

    with pytest.raises(AttributeError, match=r"no argument 'numbr'; did you mean 'number'\?"):
        cfg.numbr = 3
    with pytest.raises(AttributeError, match=r"cfg\.task\.task_title"):
        cfg.task_title = "x"


def test_attributes_that_a_script_has_made_stay_its_own(read: Any) -> None:
    cfg = read(WithPostInit)

    cfg.number = 7
    cfg.derived = 9
    cfg._own = 1

    assert (cfg.number, cfg.derived, cfg._own) == (7, 9, 1)
