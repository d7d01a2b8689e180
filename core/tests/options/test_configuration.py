from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from famulus.errors import UsageError
from famulus.options.configuration import (
    Configuration,
    configuration_from_mapping,
    read_configuration,
)
from famulus.options.scalars import Plain, Typed

NATIVE = """\
defaults:
  - blueprint: static_task
  - architect: local
  - provider: mock
blueprint:
  data_csv: ${task_dir}/data.csv
  units_per_assignment: 2
architect:
  port: 3000
task:
  task_name: first
  task_title: "About ${task.task_name}"
"""

FORMER = """\
#@package _global_
defaults:
  - /mephisto/blueprint: static_task
  - /mephisto/architect: local
  - /mephisto/provider: mock
mephisto:
  blueprint:
    data_csv: ${task_dir}/data.csv
    units_per_assignment: 2
  architect:
    port: 3000
  task:
    task_name: first
    task_title: "About ${mephisto.task.task_name}"
"""


def write(folder: Path, content: str, name: str = "example.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(content)
    return file


def read(tmp_path: Path, content: str, *overrides: str) -> Configuration:
    return read_configuration(write(tmp_path, content), overrides)


def lines(configuration: Configuration) -> list[str]:
    """Return the problems as a user sees them, without the folder."""
    prefix = f"{configuration.task_dir}/"
    return [str(problem).removeprefix(prefix) for problem in configuration.problems]


def with_defaults(rest: str) -> str:
    return "defaults: [blueprint: static_task]\n" + rest


def test_native_file_is_read_and_interpolated(tmp_path: Path) -> None:
    configuration = read(tmp_path, NATIVE)

    assert configuration.roles == {
        "blueprint": "static_task",
        "architect": "local",
        "provider": "mock",
    }
    assert configuration.sections == {
        "blueprint": {
            "data_csv": f"{tmp_path}/data.csv",
            "units_per_assignment": Plain("2", 2),
        },
        "architect": {"port": Plain("3000", 3000)},
        "provider": {},
        "task": {"task_name": "first", "task_title": "About first"},
    }
    assert configuration.problems == []
    assert configuration.warnings == []


def test_existing_layout_means_the_same_as_the_native_one(tmp_path: Path) -> None:
    native, former = read(tmp_path, NATIVE), read(tmp_path, FORMER)

    assert former.sections == native.sections
    assert former.roles == native.roles
    assert former.problems == former.warnings == []


def test_origins_are_the_same_keys_in_both_layouts(tmp_path: Path) -> None:
    native, former = read(tmp_path, NATIVE), read(tmp_path, FORMER)

    assert native.origins.keys() == former.origins.keys()
    assert native.origins["blueprint.data_csv"] == (tmp_path / "example.yaml", 6)
    assert former.origins["blueprint.data_csv"] == (tmp_path / "example.yaml", 8)
    assert former.origins["defaults.architect"] == (tmp_path / "example.yaml", 4)


@pytest.mark.parametrize("folder", ["", "conf", "hydra_configs/conf"])
def test_task_dir_is_the_folder_above_the_configuration_folders(
    tmp_path: Path, folder: str
) -> None:
    configuration = read_configuration(write(tmp_path / folder, NATIVE))

    assert configuration.task_dir == tmp_path
    assert configuration.sections["blueprint"]["data_csv"] == f"{tmp_path}/data.csv"


def test_task_dir_can_be_given(tmp_path: Path) -> None:
    configuration = read_configuration(write(tmp_path, NATIVE), task_dir=tmp_path / "there")

    assert configuration.sections["blueprint"]["data_csv"] == f"{tmp_path}/there/data.csv"


def test_type_keys_name_the_types(tmp_path: Path) -> None:
    configuration = read(
        tmp_path,
        "mephisto:\n"
        "  blueprint: {_blueprint_type: static_task}\n"
        "  architect: {_architect_type: other}\n"
        "  provider: {_provider_type: crowd}\n",
    )

    assert configuration.roles == {
        "blueprint": "static_task",
        "architect": "other",
        "provider": "crowd",
    }
    assert configuration.sections["architect"] == {}
    assert configuration.warnings == []
    assert configuration.origins["defaults.architect"][1] == 3


def test_type_key_that_repeats_defaults_is_a_warning(tmp_path: Path) -> None:
    configuration = read(tmp_path, NATIVE.replace("  port:", "  _architect_type: local\n  port:"))

    (warning,) = configuration.warnings
    assert warning.key == "architect._architect_type"
    assert "has no effect" in warning.message


def test_type_key_that_contradicts_defaults_is_a_problem(tmp_path: Path) -> None:
    configuration = read(tmp_path, NATIVE.replace("  port:", "  _architect_type: ec2\n  port:"))

    assert lines(configuration) == [
        "example.yaml:9: architect._architect_type: names 'ec2', but defaults names 'local'; remove"
        " one"
    ]


def test_architect_and_provider_have_defaults(tmp_path: Path) -> None:
    configuration = read(tmp_path, with_defaults(""))

    assert configuration.roles["architect"] == "local"
    assert configuration.roles["provider"] == "mock"


def test_missing_blueprint_is_a_problem(tmp_path: Path) -> None:
    configuration = read(tmp_path, "defaults: [architect: local]\n")

    (problem,) = configuration.problems
    assert "write '- blueprint: static_task' under 'defaults:'" in problem.message
    assert problem.file == tmp_path / "example.yaml"


def test_unset_options_are_left_out(tmp_path: Path) -> None:
    configuration = read(
        tmp_path, with_defaults("blueprint:\n  data_csv: ???\nprovider: ???\narchitect:\n")
    )

    assert configuration.problems == []
    assert not any(configuration.sections.values())


def test_options_of_the_former_system_are_warnings(tmp_path: Path) -> None:
    configuration = read(
        tmp_path,
        FORMER + "  log_level: debug\n  database: {_database_type: x}\n"
        "hydra: {run: {dir: '${now:%Y}'}}\nnum_tasks: 3\n",
        "mephisto.log_level=info",
    )

    assert [warning.key for warning in configuration.warnings] == [
        "mephisto.log_level",
        "mephisto.database",
        "hydra",
        "num_tasks",
        "log_level",
    ]
    assert configuration.warnings[0].line == 15
    assert configuration.problems == []


def test_log_level_group_of_the_former_system_is_a_warning(tmp_path: Path) -> None:
    configuration = read(
        tmp_path, "defaults:\n - blueprint: b\n - override /hydra/job_logging: x\n - _self_\n"
    )

    assert [warning.key for warning in configuration.warnings] == ["defaults.1"]
    assert configuration.problems == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("tsk: {}\n", "example.yaml:2: tsk: unknown key; did you mean 'task'?"),
        (
            "data_csv: x\n",
            "example.yaml:2: data_csv: unknown key; there are: architect, blueprint, defaults, "
            "provider, task",
        ),
        (
            "mephisto: {tsk: {}}\n",
            "example.yaml:2: mephisto.tsk: unknown key; did you mean 'task'?",
        ),
        (
            "mephisto: {}\ntask: {}\n",
            "example.yaml:3: task: is beside 'mephisto'; move it below that key",
        ),
        ("task: 3\n", "example.yaml:2: task: 3 is not a mapping of options to values"),
        ("task: [a]\n", "example.yaml:2: task: a list is not a mapping of options to values"),
        (
            "mephisto: text\n",
            "example.yaml:2: mephisto: 'text' is not a mapping of options to values",
        ),
        (
            "task: {a: 1, a: 2}\n",
            "example.yaml:2: task.a: is set twice; the first time in line 2",
        ),
    ],
)
def test_wrong_key_is_named_with_its_line(tmp_path: Path, content: str, expected: str) -> None:
    assert lines(read(tmp_path, with_defaults(content))) == [expected]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("architct: local", "unknown role 'architct'; did you mean 'architect'?"),
        ("architect:", "architect takes the name of one type, not null (nothing)"),
        ("architect: [a]", "architect takes the name of one type, not a list"),
        ("[a]", "a list is not 'ROLE: TYPE', such as '- blueprint: static_task'"),
        ("{a: b, c: d}", "a mapping is not 'ROLE: TYPE', such as '- blueprint: static_task'"),
        ("3", "3 is not 'ROLE: TYPE', such as '- blueprint: static_task'"),
    ],
)
def test_wrong_default_is_named_with_its_line(tmp_path: Path, entry: str, expected: str) -> None:
    configuration = read(tmp_path, f"defaults:\n  - blueprint: b\n  - {entry}\n")

    assert lines(configuration) == [f"example.yaml:3: defaults.1: {expected}"]


def test_defaults_can_be_a_mapping(tmp_path: Path) -> None:
    configuration = read(tmp_path, "defaults: {blueprint: b}\n")

    assert configuration.roles["blueprint"] == "b"
    assert configuration.problems == []


def test_defaults_that_are_a_text_are_refused(tmp_path: Path) -> None:
    configuration = read(tmp_path, "defaults: static_task\n", "blueprint=b")

    assert "'static_task' is not 'ROLE: TYPE'" in lines(configuration)[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${task.b}", "'${task.b}' refers back to itself"),
        ("${task.a}", "'${task.a}' refers back to itself"),
        ("${task}", "'${task}' refers back to itself"),
        ("${task.nmae}", "'${task.nmae}' refers to an unknown key; did you mean 'task.name'?"),
        ("${taskdir}", "'${taskdir}' refers to an unknown key; did you mean 'task_dir'?"),
        ("${zzz.zzz}", "'${zzz.zzz}' refers to an unknown key"),
        ("${task.unset}", "'${task.unset}' refers to an option that is not set"),
        ("${", "'${' is not a valid reference; write '${task.task_name}'"),
        ("hush${zzz}", "'${zzz}' refers to an unknown key"),
        ("hush${zzz}hush${z}", "'${zzz}' with '${z}' refers to an unknown key"),
        ("hush${", "'${' is not a valid reference; write '${task.task_name}'"),
        (
            "${oc.env:NOT_SET_HERE}",
            "'${oc.env:NOT_SET_HERE}' refers to an environment variable that is not set: "
            "NOT_SET_HERE",
        ),
        ("${now:x}", "'${now:x}' cannot be resolved: Unsupported interpolation type now"),
    ],
)
def test_interpolation_without_a_value_is_named_with_its_line(
    tmp_path: Path, value: str, expected: str
) -> None:
    content = f"task:\n  a: '{value}'\n  b: ${{task.a}}\n  name: x\n  unset: ???\n"

    configuration = read(tmp_path, with_defaults(content))

    assert lines(configuration)[0].startswith(f"example.yaml:3: task.a: {expected}")
    assert "a" not in configuration.sections["task"]


def test_every_broken_interpolation_is_named(tmp_path: Path) -> None:
    configuration = read(tmp_path, with_defaults("task: {a: '${x}', b: ['${y}'], c: {d: '${z}'}}"))

    assert [problem.key for problem in configuration.problems] == ["task.a", "task.b.0", "task.c.d"]


def test_number_keeps_its_text_through_interpolation(tmp_path: Path) -> None:
    configuration = read(tmp_path, with_defaults("task: {a: 0.30, b: '${task.a}', c: 'x${.a}'}"))

    assert configuration.sections["task"]["b"] == Plain("0.30", 0.3)
    assert configuration.sections["task"]["c"] == "x0.30"


def test_file_builds_on_a_file_beside_it(tmp_path: Path) -> None:
    base = write(tmp_path, NATIVE, "base.yaml")

    configuration = read(tmp_path, "defaults:\n - base\ntask:\n  task_name: second\n")

    assert configuration.roles["blueprint"] == "static_task"
    assert configuration.sections["task"]["task_title"] == "About second"
    assert configuration.origins["task.task_title"] == (base, 12)
    assert configuration.origins["task.task_name"] == (tmp_path / "example.yaml", 4)


def test_value_of_another_kind_replaces_the_one_below(tmp_path: Path) -> None:
    write(
        tmp_path,
        with_defaults("task: {a: {x: 1}, b: [1], c: text}\nprovider: {x: y}\n"),
        "base.yaml",
    )

    configuration = read(
        tmp_path, "defaults: [base]\ntask: {a: [2], b: {y: z}}\nprovider:\n", "task.c.d=3"
    )

    assert configuration.sections["task"] == {
        "a": [Plain("2", 2)],
        "b": {"y": "z"},
        "c": {"d": Typed("3")},
    }
    assert configuration.sections["provider"] == {"x": "y"}
    assert configuration.origins["provider.x"] == (tmp_path / "base.yaml", 3)


def test_unset_option_of_a_file_unsets_the_one_below(tmp_path: Path) -> None:
    write(tmp_path, with_defaults("task: {a: x}\n"), "base.yaml")

    configuration = read(tmp_path, "defaults: [base]\ntask:\n  a: ???\n")

    assert configuration.sections["task"] == {}


def test_file_that_includes_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="includes itself"):
        read(tmp_path, "defaults: [example]\n")


@pytest.mark.parametrize("key", ["architect.port", "mephisto.architect.port"])
def test_override_is_typed_text_without_a_line(tmp_path: Path, key: str) -> None:
    configuration = read(tmp_path, NATIVE, f"{key}=1234")

    assert configuration.sections["architect"] == {"port": Typed("1234")}
    assert "architect.port" not in configuration.origins


def test_override_keeps_colons_spaces_and_equal_signs(tmp_path: Path) -> None:
    configuration = read(tmp_path, NATIVE, "task.task_title= a title: x=y, {z} # ")

    assert configuration.sections["task"]["task_title"] == Typed(" a title: x=y, {z} # ")


def test_override_is_interpolated_and_still_typed_text(tmp_path: Path) -> None:
    configuration = read(tmp_path, NATIVE, "blueprint.data_csv=${task_dir}/other.csv")

    assert configuration.sections["blueprint"]["data_csv"] == Typed(f"{tmp_path}/other.csv")


def test_override_applies_to_references(tmp_path: Path) -> None:
    configuration = read(tmp_path, NATIVE, "task.task_name=second")

    assert configuration.sections["task"]["task_title"] == "About second"


def test_later_override_wins(tmp_path: Path) -> None:
    configuration = read(tmp_path, NATIVE, "architect.port=1", "architect.port=2")

    assert configuration.sections["architect"]["port"] == Typed("2")


def test_override_with_question_marks_goes_back_to_the_default(tmp_path: Path) -> None:
    configuration = read(tmp_path, NATIVE, "architect.port=???")

    assert configuration.sections["architect"] == {}
    assert configuration.problems == []


def test_override_sets_a_nested_option(tmp_path: Path) -> None:
    configuration = read(tmp_path, NATIVE, "provider.limits.low=1", "provider.limits.high=2")

    assert configuration.sections["provider"]["limits"] == {"low": Typed("1"), "high": Typed("2")}


@pytest.mark.parametrize(
    "override",
    ["architect=other", "mephisto/architect=other", "architect._architect_type=other"],
)
def test_other_plugin_drops_the_options_of_the_first(tmp_path: Path, override: str) -> None:
    configuration = read(tmp_path, NATIVE, "architect.team=x", override)

    assert configuration.roles["architect"] == "other"
    assert configuration.sections["architect"] == {"team": Typed("x")}
    assert "architect.port" not in configuration.origins


def test_same_plugin_keeps_its_options(tmp_path: Path) -> None:
    configuration = read(tmp_path, NATIVE, "architect=local")

    assert configuration.sections["architect"] == {"port": Plain("3000", 3000)}


def test_other_plugin_than_the_default_one_drops_options_too(tmp_path: Path) -> None:
    content = with_defaults("architect: {port: 1}\n")

    configuration = read(tmp_path, content, "architect=other")

    assert configuration.sections["architect"] == {}


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("port", "'port' is not 'OPTION=VALUE', such as architect.port=1234"),
        ("=3", "'=…' is not 'OPTION=VALUE', such as architect.port=1234"),
        ("architect.=3", "'architect.=…' is not 'OPTION=VALUE', such as architect.port=1234"),
        ("task..a=3", "'task..a=…' is not 'OPTION=VALUE', such as architect.port=1234"),
        ("architct.port=3", "architct.port: unknown key 'architct'; did you mean 'architect'?"),
        (
            "port=3",
            "port: unknown key 'port'; an option begins with one of: architect, blueprint, "
            "provider, task",
        ),
        ("task=3", "task: is a section; set its options: task.task_title=…"),
        ("architect=", "architect: names no type; write it as in architect=local"),
    ],
)
def test_malformed_override_is_a_problem_without_a_file(
    tmp_path: Path, override: str, expected: str
) -> None:
    configuration = read(tmp_path, NATIVE, override)

    assert [str(problem) for problem in configuration.problems] == [expected]


def test_override_inside_a_value_of_a_file_is_a_problem_at_its_line(tmp_path: Path) -> None:
    text = with_defaults("task:\n  a: one text\n  b: null\n  c: {en: A}\n")

    configuration = read(tmp_path, text, "task.a.de=X", "task.b.de=X", "task.c.de=X")

    (problem,) = configuration.problems
    place = (problem.file, "a: one text" in text.splitlines()[(problem.line or 0) - 1])
    assert place == (tmp_path / "example.yaml", True)
    assert problem.key == "task.a.de"
    assert "but task.a is one value in the configuration" in problem.message
    assert "'~task.a'" in problem.message


def test_override_inside_a_value_that_another_one_removes(tmp_path: Path) -> None:
    text = with_defaults("task: {a: one text}\n")

    configuration = read(tmp_path, text, "~task.a", "task.a.de=X")

    assert configuration.problems == []
    assert configuration.sections["task"] == {"a": {"de": Typed("X")}}


def test_override_inside_a_value_is_a_problem(tmp_path: Path) -> None:
    configuration = read(tmp_path, NATIVE, "task.a=1", "task.a.b=2")

    assert lines(configuration) == [
        "task.a.b: is set both as a value and as a mapping; leave one of them out"
    ]


def test_mapping_from_python_has_no_lines(tmp_path: Path) -> None:
    mapping: dict[str, Any] = {
        "defaults": [{"blueprint": "static_task"}],
        "blueprint": {"data_csv": "${task_dir}/d.csv", "source": Path("x"), "n": 3, "m": None},
        "task": {"task_reward": 0.3, "list": ("a", "b")},
    }

    configuration = configuration_from_mapping(mapping, task_dir=tmp_path)

    assert configuration.sections["blueprint"] == {
        "data_csv": f"{tmp_path}/d.csv",
        "source": Path("x"),
        "n": 3,
        "m": None,
    }
    assert configuration.sections["task"] == {"task_reward": 0.3, "list": ["a", "b"]}
    assert configuration.origins == {}
    assert configuration.file is None


def test_mapping_from_python_takes_overrides_and_is_left_alone() -> None:
    mapping = {"defaults": {"blueprint": "b"}, "task": {"task_name": "x"}}

    configuration = configuration_from_mapping(mapping, ["task.task_name=y"])

    assert configuration.sections["task"] == {"task_name": Typed("y")}
    assert configuration.task_dir == Path.cwd()
    assert mapping == {"defaults": {"blueprint": "b"}, "task": {"task_name": "x"}}


def test_mapping_from_python_includes_no_files() -> None:
    configuration = configuration_from_mapping({"defaults": ["base", {"blueprint": "b"}]})

    (problem,) = configuration.problems
    assert "only a configuration in a file can include another" in problem.message


def test_key_of_a_mapping_that_is_no_text_is_unknown() -> None:
    configuration = configuration_from_mapping({"defaults": {"blueprint": "b"}, 3: {}})  # type: ignore[dict-item]

    assert configuration.problems[0].key == "3"


def test_tilde_removes_a_key_of_the_file(tmp_path: Path) -> None:
    configuration = read(tmp_path, NATIVE, "~task.task_title")

    assert configuration.problems == []
    assert "task_title" not in configuration.sections["task"]
    assert "task.task_title" not in configuration.origins


@pytest.mark.parametrize("key", ["~mephisto.task.task_title", "~task.task_title=About"])
def test_tilde_is_understood_as_in_existing_commands(tmp_path: Path, key: str) -> None:
    configuration = read(tmp_path, NATIVE, key)

    assert "task_title" not in configuration.sections["task"]


def test_later_override_wins_over_a_removal(tmp_path: Path) -> None:
    first = read(tmp_path, NATIVE, "task.task_title=x", "~task.task_title")
    second = read(tmp_path, NATIVE, "~task.task_title", "task.task_title=x")

    assert "task_title" not in first.sections["task"]
    assert second.sections["task"]["task_title"] == Typed("x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "~task.task_titel",
            "task.task_titel: cannot be removed with '~', since the configuration does not set it; "
            "did you mean '~task.task_title'?",
        ),
        ("~architect", "architect: a run needs its architect; choose another one: architect=NAME"),
        ("~task", "task: is a section; set its options: task.task_title=…"),
        ("~tsk.x", "tsk.x: unknown key 'tsk'; did you mean 'task'?"),
    ],
)
def test_a_key_that_cannot_be_removed_is_named(tmp_path: Path, text: str, expected: str) -> None:
    configuration = read(tmp_path, NATIVE, text)

    assert [str(problem) for problem in configuration.problems] == [expected]
