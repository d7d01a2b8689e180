"""A resolved configuration is shown, valid or not, and can be used again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import Result

from drafted_plans import drafted_plan
from famulus.options.configuration import read_configuration
from famulus.plugins import discover

Famulus = Callable[..., Result]
Install = Callable[..., None]

FORMER = """\
#@package _global_
defaults:
- /mephisto/blueprint: static_task
- /mephisto/architect: heroku
- /mephisto/provider: crowd
mephisto:
  architect:
    server_type: node
    heroku_app: abc
  provider:
    api_secret: hush
  blueprint:
    data_csv: ${task_dir}/data.csv
    tips_location: ${task_dir}/tips.csv
    units_per_assignment: x1
  task:
    task_title: ${task.nope}
    task_reward: 0.30
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Write a configuration."""

    def written(text: str) -> Path:
        file = tmp_path / "task.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return written


def lines(output: str) -> list[str]:
    """Return the lines with one space wherever there are several."""
    return [" ".join(each.split()) for each in output.splitlines()]


def test_every_value_is_shown_with_its_origin(
    famulus: Famulus, example: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(example.parents[1])

    done = famulus("config", "show", example, "architect.port=1234", "provider=mock")

    assert (done.exit_code, done.stderr) == (0, "")
    shown = lines(done.stdout)
    assert shown[0] == f"# task_dir: {example.parents[1]}"
    assert "- blueprint: static_task # conf/example.yaml:2" in shown
    assert "- provider: mock # override" in shown
    assert "port: 1234 # override" in shown
    assert "hostname: 127.0.0.1 # default" in shown
    assert "public_url: ??? # default" in shown
    assert "task_reward: 0.30 # conf/example.yaml:17" in shown
    assert f"data_csv: {example.parents[1] / 'data.csv'} # conf/example.yaml:7" in shown


def test_role_that_was_not_chosen_is_a_default(
    famulus: Famulus, write: Callable[[str], Path]
) -> None:
    done = famulus("config", "show", write("defaults:\n  - blueprint: static_task\n"))

    assert "- architect: local # default" in lines(done.stdout)


def test_the_printed_configuration_resolves_to_the_same(
    famulus: Famulus, example: Path, tmp_path: Path
) -> None:
    overrides = ["task.task_title=a: #b, ${task.task_name}", "task.task_tags=null"]
    plugins = discover()
    wanted, _ = drafted_plan(read_configuration(example, overrides), plugins)

    done = famulus("config", "show", example, *overrides)
    again = tmp_path / "again.yaml"
    again.write_text(done.stdout, encoding="utf-8")
    plan, warnings = drafted_plan(read_configuration(again), plugins)

    assert not warnings
    assert (plan.task, plan.blueprint, plan.architect, plan.provider) == (
        wanted.task,
        wanted.blueprint,
        wanted.architect,
        wanted.provider,
    )


def test_configuration_that_cannot_be_launched_is_shown_with_its_problems(
    famulus: Famulus, write: Callable[[str], Path]
) -> None:
    file = write(FORMER)

    done = famulus("config", "show", file)

    assert done.exit_code == 2
    shown = lines(done.stdout)
    assert f"- architect: heroku # {file}:4" in shown
    assert f"heroku_app: abc # {file}:9" in shown
    assert f"data_csv: {file.parent / 'data.csv'} # {file}:13" in shown
    assert f"units_per_assignment: x1 # {file}:15" in shown
    assert f"task_title: ??? # {file}:17" in shown
    assert "task_description: ??? # required, but not set" in shown
    assert "server_type" not in done.stdout
    assert "tips_location" not in done.stdout
    printed = done.stderr.splitlines()
    assert [each.split()[1] for each in printed] == ["warning:", *["error:"] * 7]
    assert f"{file}:4: architect: there is no architect 'heroku'" in done.stderr
    assert f"{file}:5: provider: there is no provider 'crowd'" in done.stderr
    assert f"{file}:15: blueprint.units_per_assignment: 'x1' is not" in done.stderr
    assert f"{file}:13: blueprint.data_csv: " in done.stderr


def test_an_invalid_configuration_is_shown_too(
    famulus: Famulus, write: Callable[[str], Path]
) -> None:
    first = famulus("config", "show", write(FORMER.replace("api_secret", "name"))).stdout

    again = famulus("config", "show", write(first)).stdout

    assert yaml.safe_load(again) == yaml.safe_load(first)


def test_problems_that_plugins_find_are_reported_too(
    famulus: Famulus, example: Path, tmp_path: Path
) -> None:
    done = famulus("config", "show", example, f"blueprint.data_csv={tmp_path}/none.csv")

    assert done.exit_code == 2
    assert "blueprint.data_csv: " in done.stderr
    assert f"data_csv: {tmp_path}/none.csv # override" in lines(done.stdout)


def test_secrets_are_left_out_wherever_they_would_be_seen(
    famulus: Famulus, install: Install, write: Callable[[str], Path]
) -> None:
    install("crowd")
    file = write(
        "defaults:\n- blueprint: static_task\n- provider: crowd\n"
        "provider:\n  api_key: hush-1\n  limits: {token: hush-2, most: x}\n"
        "  api_kye: hush-3\n  tags: [a, 'b: c']\n"
        "  extra: {a: {b: 1}, client_secret: hush-4, c: [{token: hush-5}]}\n"
        "task:\n  task_title: it is ${provider.api_key}\n"
    )

    done = famulus("config", "show", file)

    shown = lines(done.stdout)
    assert f"api_key: ??? # {file}:5, a secret that is not shown" in shown
    assert "pin: ??? # default, a secret that is not shown" in shown
    assert f"token: ??? # {file}:6, a secret that is not shown" in shown
    assert f"most: x # {file}:6" in shown
    assert f'tags: [a, "b: c"] # {file}:8' in shown
    assert f"b: 1 # {file}:9" in shown
    assert f"task_title: ??? # {file}:11, a secret that is not shown" in shown
    assert f"client_secret: ??? # {file}:9, a secret that is not shown" in shown
    assert f'c: [{{token: "???"}}] # {file}:9' in shown
    assert f"api_kye: ??? # {file}:7, a secret that is not shown" in shown
    assert "hush" not in done.output


def test_each_nested_option_is_shown_with_its_origin(
    famulus: Famulus, install: Install, write: Callable[[str], Path]
) -> None:
    install("crowd")
    file = write("defaults:\n- blueprint: static_task\n- provider: crowd\n")

    done = famulus("config", "show", file, "provider.limits.token=hush")

    shown = lines(done.stdout)
    assert "limits:" in shown
    assert "most: 3 # default" in shown
    assert "token: ??? # override, a secret that is not shown" in shown


def test_unknown_options_are_shown_and_are_problems(
    famulus: Famulus, write: Callable[[str], Path]
) -> None:
    file = write("defaults:\n- blueprint: static_task\narchitect:\n  prot: 1\n  my_password: x\n")

    done = famulus("config", "show", file)

    assert f"prot: 1 # {file}:4" in lines(done.stdout)
    assert f"my_password: ??? # {file}:5, a secret that is not shown" in lines(done.stdout)
    assert "architect.prot: unknown option; did you mean 'port'?" in done.stderr


def test_file_that_cannot_be_read_is_one_line(
    famulus: Famulus, write: Callable[[str], Path]
) -> None:
    done = famulus("config", "show", write("task: [\n"))

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_profile_is_named_as_where_a_value_came_from(
    famulus: Famulus, example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMULUS_CONFIG", str(tmp_path))
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/lab.yaml").write_text("architect:\n  port: 4321\n", encoding="utf-8")

    done = famulus("config", "show", "--profile", "lab", example)

    assert "port: 4321 # profile lab:2" in lines(done.stdout)


def test_nothing_is_written(famulus: Famulus, example: Path, database_file: Path) -> None:
    famulus("config", "show", example)

    assert not database_file.exists()
