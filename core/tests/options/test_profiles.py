"""Profiles: the user's own configurations under those of tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from famulus.errors import UsageError
from famulus.options.configuration import (
    Configuration,
    configuration_from_mapping,
    read_configuration,
)
from famulus.options.profiles import (
    find_profile,
    list_profiles,
    profile_name,
    profiles_folder,
    split_profile,
    with_profile,
)
from famulus.options.scalars import Plain

LAB = """\
defaults:
  - architect: local
  - provider: mock
architect:
  port: 4000
  public_url: https://lab.example.org/
task:
  task_tags: lab
  maximum_units_per_worker: 5
"""

TASK = """\
defaults:
  - blueprint: static_task
task:
  task_tags: words
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FAMULUS_CONFIG", str(tmp_path / "mine"))
    folder = tmp_path / "mine" / "profiles"
    folder.mkdir(parents=True)
    (folder / "lab.yaml").write_text(LAB)
    return folder


@pytest.fixture
def task(tmp_path: Path) -> Path:
    file = tmp_path / "task" / "task.yaml"
    file.parent.mkdir()
    file.write_text(TASK)
    return file


def problems_of(file: Path, *overrides: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        read_configuration(file, overrides)
    return list(map(str, caught.value.problems))


def values(configuration: Configuration) -> dict[str, str]:
    return {
        f"{section}.{name}": str(value)
        for section, options in configuration.sections.items()
        for name, value in options.items()
    }


def test_the_file_stands_over_the_profile_and_overrides_over_both(task: Path) -> None:
    configuration = read_configuration(task, ["+profile=lab", "architect.port=5000"])

    assert values(configuration) == {
        "architect.port": "5000",
        "architect.public_url": "https://lab.example.org/",
        "task.task_tags": "words",
        "task.maximum_units_per_worker": "5",
    }
    assert configuration.roles == {
        "blueprint": "static_task",
        "architect": "local",
        "provider": "mock",
    }
    assert (configuration.problems, configuration.warnings) == ([], [])


def test_each_value_knows_whether_the_profile_has_set_it(task: Path, folder: Path) -> None:
    configuration = read_configuration(task, ["+profile=lab"])

    lab = folder / "lab.yaml"
    assert configuration.profile is not None
    assert (configuration.profile.name, configuration.profile.file) == ("lab", lab)
    assert configuration.origins["architect.port"] == (lab, 5)
    assert configuration.origins["defaults.provider"] == (lab, 3)
    assert configuration.origins["task.task_tags"] == (task, 4)
    assert (profile_name(lab), profile_name(task)) == ("lab", None)


def test_without_its_name_no_profile_counts(task: Path) -> None:
    configuration = read_configuration(task)

    assert configuration.profile is None
    assert values(configuration) == {"task.task_tags": "words"}


def test_a_mapping_takes_a_profile_too() -> None:
    mapping = {"defaults": [{"blueprint": "static_task"}], "architect": {"port": 1}}

    configuration = configuration_from_mapping(mapping, ["+profile=lab"])

    assert configuration.sections["architect"]["port"] == 1
    assert configuration.sections["task"]["maximum_units_per_worker"] == Plain("5", 5)


def test_a_profile_may_set_a_run_scripts_own_arguments(task: Path, folder: Path) -> None:
    (folder / "many.yaml").write_text("count: 7\n")

    configuration = read_configuration(task, ["+profile=many"], arguments=["count"])

    assert configuration.arguments == {"count": Plain("7", 7)}


def test_a_profile_may_be_in_the_layout_of_existing_ones(task: Path, folder: Path) -> None:
    (folder / "old.yaml").write_text(
        "#@package _global_\n"
        "defaults:\n  - /mephisto/architect: local\n"
        "mephisto:\n  architect:\n    port: 3333\n    server_type: node\n"
    )

    configuration = read_configuration(task, ["+profile=old"])

    assert str(configuration.sections["architect"]["port"]) == "3333"


def test_of_several_profiles_the_last_counts(task: Path, folder: Path) -> None:
    (folder / "home.yaml").write_text("architect:\n  port: 1111\n")
    overrides = with_profile("lab", ["profile=home"])

    configuration = read_configuration(task, overrides)

    assert values(configuration) == {"architect.port": "1111", "task.task_tags": "words"}


def test_paths_in_a_profile_start_in_the_folder_of_the_task(task: Path, folder: Path) -> None:
    (folder / "data.yaml").write_text("blueprint:\n  data_csv: ${task_dir}/data.csv\n")

    configuration = read_configuration(task, ["+profile=data"])

    assert configuration.sections["blueprint"]["data_csv"] == f"{task.parent}/data.csv"


def test_a_plugin_that_the_profile_names_in_vain_is_a_warning(task: Path, folder: Path) -> None:
    (folder / "far.yaml").write_text(
        "defaults:\n  - provider: mturk\nprovider:\n  region: us-east-1\n"
    )
    task.write_text(TASK.replace("static_task", "static_task\n  - provider: mock"))

    configuration = read_configuration(task, ["+profile=far"])
    chosen = read_configuration(task, ["+profile=far", "provider=mturk"])

    [warning] = configuration.warnings
    assert (warning.file, warning.line, warning.key) == (folder / "far.yaml", 2, "provider")
    assert "'mturk' has no effect" in warning.message
    assert "provider=mturk on the command line chooses it" in warning.message
    assert chosen.warnings == []


def test_an_unknown_profile_is_reported_with_the_existing_ones(task: Path, folder: Path) -> None:
    assert problems_of(task, "+profile=lap") == [
        f"profile: there is no profile 'lap' in {folder}; did you mean 'lab'?"
    ]
    (folder / "lab.yaml").unlink()
    assert problems_of(task, "+profile=lap") == [
        f"profile: there is no profile 'lap' in {folder}; "
        "a profile is a file NAME.yaml in that folder"
    ]


@pytest.mark.parametrize("text", ["+profile=", "+profile", "profile= "])
def test_a_profile_without_a_name_is_an_error(task: Path, text: str) -> None:
    assert problems_of(task, text) == [
        "profile: names no profile; write it as in +profile=NAME; there are: lab"
    ]


def test_a_problem_in_a_profile_names_its_file_and_line(task: Path, folder: Path) -> None:
    (folder / "odd.yaml").write_text("architect:\n  port: 1\ntsk:\n  task_tags: a\n")
    (folder / "bad.yaml").write_text("architect: [\n")

    [problem] = read_configuration(task, ["+profile=odd"]).problems
    [broken] = problems_of(task, "+profile=bad")

    assert (problem.file, problem.line) == (folder / "odd.yaml", 3)
    assert "unknown key; did you mean 'task'?" in problem.message
    assert broken.startswith(f"{folder / 'bad.yaml'}:2: is not valid YAML")


def test_profiles_are_found_by_name_only(folder: Path) -> None:
    (folder / "notes.txt").write_text("")
    (folder / "abc.yml").write_text("")

    assert [each.name for each in list_profiles()] == ["abc", "lab"]
    assert find_profile("lab.yaml").file == folder / "lab.yaml"
    with pytest.raises(UsageError):
        find_profile("../profiles/lab")


def test_a_missing_folder_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FAMULUS_CONFIG", str(tmp_path / "nowhere"))

    assert list_profiles() == []


def test_the_folder_is_the_systems_own_unless_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FAMULUS_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))

    assert profiles_folder().is_relative_to(tmp_path)
    assert profiles_folder().parts[-2:] == ("famulus", "profiles")


def test_other_overrides_are_left_as_they_are() -> None:
    texts = ["task.profile=1", "profiles=2", "conf=x", "+task.task_tags=a"]

    assert split_profile(texts) == (None, texts)
