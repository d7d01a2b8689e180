"""Configurations that cannot be used: one clear line each, status 2, no traceback."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

SOUND = """\
defaults:
  - blueprint: static_task
task:
  task_title: T
  task_description: D
  task_reward: 0.1
"""


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            SOUND.replace(
                "task_title: T", "task_title: ${task.task_name}\n  task_name: ${task.task_title}"
            ).encode(),
            "task.yaml:4: task.task_title: '${task.task_name}' refers back to itself",
        ),
        (
            SOUND.replace("D", "${task_dr}/x").encode(),
            "task.yaml:5: task.task_description: '${task_dr}' refers to an unknown key; "
            "did you mean 'task_dir'?",
        ),
        (
            SOUND.replace("D", "a: b").encode(),
            "task.yaml:5: is not valid YAML: mapping values are not allowed here "
            "(a text with a colon and a space needs quotes)",
        ),
        (
            SOUND.replace("D", "Gr\u00fc\u00dfe").encode("latin-1"),
            "task.yaml:5: is not UTF-8 (byte 0xfc); save the file as UTF-8",
        ),
    ],
    ids=["loop", "missing variable", "syntax", "not UTF-8"],
)
def test_file_that_cannot_be_read_is_one_error_line(
    famulus: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "task.yaml").write_bytes(content)

    done = famulus("launch", "task.yaml", "architect.port=0")

    assert done.exit_code == 2
    assert f"famulus: error: {line}" in done.stderr.splitlines()
    assert "Traceback" not in done.output


def test_overrides_are_read_by_the_options_types(
    famulus: Callable[..., Result], example: Path
) -> None:
    fine = famulus(
        "check",
        example,
        "task.task_reward=0.50",
        "mephisto.architect.port=0",
        "+task.task_title=About: this",
        "blueprint.preview_source=null",
        "/provider=mock",
        "architect.public_url=https://example.org:8443/",
    )
    wrong = famulus("check", example, "architect.port=12.5", "blueprint.units_per_assignment=null")

    assert fine.exit_code == 0, fine.output
    assert wrong.exit_code == 2
    assert wrong.stderr.splitlines() == [
        "famulus: error: blueprint.units_per_assignment: 'null' is not a whole number, such as 3",
        "famulus: error: architect.port: '12.5' is not a whole number, such as 3",
    ]


@pytest.mark.parametrize("override", ["architect=heroku", "mephisto/architect=ec2"])
def test_server_of_the_former_system_names_its_replacement(
    famulus: Callable[..., Result], example: Path, override: str
) -> None:
    done = famulus("launch", example, override, "architect.use_hobby=true")

    (line,) = done.stderr.splitlines()
    assert done.exit_code == 2
    assert "use architect 'local' on a machine of your own, with architect.public_url" in line


def test_configuration_beside_the_given_one_is_picked_by_name(
    famulus: Callable[..., Result], example: Path, tmp_path: Path
) -> None:
    task = Path(shutil.copytree(example.parents[1], tmp_path / "task"))
    given = task / "conf" / "example.yaml"
    other = given.read_text().replace("task_name: html-static-task-example", "task_name: mine")
    given.with_name("my_config.yaml").write_text(other)

    picked = famulus("check", given, "conf=my_config", "architect.port=0")
    unknown = famulus("check", given, "conf=my_confg")

    assert picked.exit_code == 0
    assert picked.output.startswith("my_config is fine: task mine, blueprint static_task")
    assert unknown.exit_code == 2
    assert "did you mean 'my_config'?" in unknown.stderr


def test_option_without_effect_is_warned_of_once(
    famulus: Callable[..., Result], example: Path
) -> None:
    ignored = ("architect.server_type=node", "log_level=debug")

    done = famulus("check", example, "architect.port=0", *ignored)

    assert done.exit_code == 0
    assert sorted(done.stderr.splitlines()) == [
        "famulus: warning: architect.server_type: has no effect; remove it",
        "famulus: warning: log_level: has no effect",
    ]


@pytest.mark.parametrize("command", ["check", "quote", "launch"])
def test_run_script_is_not_read_as_a_configuration(
    famulus: Callable[..., Result], example: Path, command: str
) -> None:
    done = famulus(command, example.parents[1] / "run_task.py")

    assert done.exit_code == 2
    assert "run_task.py: is a run script, not a YAML file: start it with `python`" in done.stderr


def test_problem_of_the_task_hides_no_other_and_brings_up_none_that_is_not_there(
    famulus: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = SOUND.replace("task_description: D", "allowed_concurrent: many")
    (tmp_path / "task.yaml").write_text(wrong)

    done = famulus("check", "task.yaml", "provider=mturk_sandbox", "architect=heroku")

    assert done.exit_code == 2
    assert sorted(re.findall(r"(?m)(?<=: )(?:architect|[a-z]+\.[a-z_]+)(?=: )", done.stderr)) == [
        "architect",
        "blueprint.data_csv",
        "blueprint.task_source",
        "provider.requester_name",
        "task.allowed_concurrent",
        "task.task_description",
    ]


@pytest.mark.parametrize(
    "wrong",
    ["units_per_assignment: many", "units_per_assignment: ${nowhere}", "task_source: [task.html]"],
)
def test_an_option_that_is_wrong_hides_no_other_of_its_section(
    famulus: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    content = f"blueprint:\n  data_csv: missing.csv\n  {wrong}\n{SOUND}"
    (tmp_path / "task.yaml").write_text(content)

    done = famulus("check", "task.yaml", "architect.port=0")

    assert f"blueprint.{wrong.partition(':')[0]}: " in done.stderr
    assert "blueprint.data_csv: " in done.stderr
    assert "this should not happen" not in done.stderr


@pytest.mark.parametrize("command", ["check", "launch"])
def test_an_onboarding_without_its_script_is_refused_with_the_remedy(
    famulus: Callable[..., Result], command: str
) -> None:
    file = Path(__file__).parents[3] / "sdk_examples/simple_static_task/conf/onboarding.yaml"

    done = famulus(command, file, "architect.port=0")

    assert done.exit_code == 2
    assert "shared_state.validate_onboarding: is not set" in done.stderr
    assert "start its run script" in done.stderr
