"""``conf=NAME``: another file beside the one that is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from famulus.errors import UsageError
from famulus.options.conf_files import conf_names, find_conf
from famulus.options.configuration import read_configuration


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    folder = tmp_path / "conf"
    folder.mkdir()
    for name in ("example", "my_config", "v1.2"):
        text = f"defaults: [blueprint: static_task]\ntask: {{task_name: {name}}}\n"
        (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.mark.parametrize("name", ["my_config", "my_config.yaml", "v1.2"])
def test_name_picks_a_file_beside_the_given_one(conf: Path, name: str) -> None:
    configuration = read_configuration(conf / "example.yaml", [f"conf={name}"])

    assert configuration.sections["task"]["task_name"] == name.removesuffix(".yaml")
    assert configuration.problems == []
    assert configuration.task_dir == conf.parent


def test_given_file_need_not_be_there(conf: Path) -> None:
    configuration = read_configuration(conf / "gone.yaml", ["conf=example"])

    assert configuration.file == conf / "example.yaml"


def test_unknown_name_is_reported_with_the_known_ones(conf: Path) -> None:
    with pytest.raises(UsageError) as near:
        read_configuration(conf / "example.yaml", ["conf=my_confg"])
    with pytest.raises(UsageError) as far:
        find_conf([conf], "zzz")

    assert str(near.value) == f"conf: there is no 'my_confg' in {conf}; did you mean 'my_config'?"
    assert str(far.value).endswith("; there are: example, my_config, v1.2")


@pytest.mark.parametrize("name", ["base", "base.yml", "parts/base"])
def test_file_includes_others_by_the_names_that_pick_one(conf: Path, name: str) -> None:
    (conf / "parts").mkdir()
    for base in (conf / "base.yml", conf / "parts" / "base.yaml"):
        base.write_text("task: {task_name: base}\n")
    (conf / "example.yaml").write_text(f"defaults: [{name}, blueprint: static_task]\n")

    configuration = read_configuration(conf / "example.yaml")

    assert configuration.sections["task"]["task_name"] == "base"


@pytest.mark.parametrize("name", ["my_confg", "parts/my_config", "/", "..", "''"])
def test_included_file_that_is_not_there_is_reported_at_its_line(conf: Path, name: str) -> None:
    (conf / "example.yaml").write_text(f"task: {{}}\ndefaults: [{name}]\n")

    with pytest.raises(UsageError) as caught:
        read_configuration(conf / "example.yaml")

    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.key) == (conf / "example.yaml", 2, "defaults")
    assert problem.message.startswith("there is no ")


def test_name_may_not_be_empty(conf: Path) -> None:
    with pytest.raises(UsageError, match="conf: names no file"):
        read_configuration(conf / "example.yaml", ["conf="])


def test_folders_that_are_not_there_have_no_names(tmp_path: Path) -> None:
    assert conf_names([tmp_path / "nowhere"]) == []
