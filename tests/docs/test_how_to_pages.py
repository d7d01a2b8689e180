"""The examples on the pages of docs/how-to work as they are written there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from attrs import fields

from famulus import Database, Operator, list_requesters, register_requester
from famulus.engine.run_limits import LIVE_LIMITS
from famulus.engine.runs import find_run
from famulus.options.configuration import read_configuration
from famulus.testing.conformance.rehearsal_rules import set_environment
from famulus.testing.inprocess import ManualOperator, kit_plugins
from famulus_flask.architect import LocalArgs
from famulus_mturk.provider import MturkSandboxProvider
from famulus_prolific.provider import ProlificProvider
from famulus_static_html.columns import page_problems
from famulus_static_html.page import read_page

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "sdk_examples/simple_static_task/conf/example.yaml"
FOLDER = ROOT / "docs/how-to"


def page(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def block(name: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", page(name), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_program_that_registers_a_requester_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAMULUS_DATABASE", str(tmp_path / "f.db"))

    exec(compile(block("requesters", "python"), "requesters.md", "exec"), {})

    assert capsys.readouterr().out == "mock lab 0\n"
    with Database() as database:
        assert [each.name for each in list_requesters(database)] == ["lab"]


def test_the_program_that_sets_limits_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAMULUS_DATABASE", str(tmp_path / "f.db"))
    with Database() as database:
        operator = ManualOperator(database, plugins=kit_plugins())
        with operator:
            for _ in range(3):
                operator.launch_rows([{"n": 1}])

            exec(compile(block("limits", "python"), "limits.md", "exec"), {})

        assert find_run(database, 3).maximum_units_per_worker == 5
    assert capsys.readouterr().out == "maximum_units_per_worker 0 5\n"


def test_every_limit_is_explained() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", page("limits"), re.MULTILINE)) == set(LIVE_LIMITS)


def test_the_profile_is_a_good_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAMULUS_CONFIG", str(tmp_path))
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/lab.yaml").write_text(block("profiles", "yaml"))

    configuration = read_configuration(EXAMPLE, ["+profile=lab"])

    assert (configuration.problems, configuration.warnings) == ([], [])
    assert str(configuration.sections["architect"]["port"]) == "4000"


def test_the_proxy_allows_uploads_as_large_as_the_architect_does() -> None:
    most: Any = fields(LocalArgs).max_form_bytes.default
    megabytes = int(re.findall(r"client_max_body_size (\d+)m;", page("public"))[0])

    assert 0 <= megabytes * 2**20 - most < 2**20


def test_the_configuration_for_mturk_is_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXAMPLE.parents[1], tmp_path / "task")
    config = tmp_path / "task/my_config.yaml"
    config.write_text(block("mturk", "yaml"), encoding="utf-8")
    rehearsal = MturkSandboxProvider.rehearsal()
    assert rehearsal is not None
    with rehearsal, Database(tmp_path / "f.db") as database, Operator(database) as operator:
        set_environment(monkeypatch, rehearsal.environment)
        database.prepare()
        register_requester(
            database, "mturk_sandbox", "my_mturk_user_sandbox", **rehearsal.registration
        )

        checked = operator.check(config, overrides=["architect.port=0"])

    assert checked.plan.provider.type == "mturk_sandbox"
    assert checked.warnings == []


def test_the_configuration_for_prolific_is_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXAMPLE.parents[1], tmp_path / "task")
    config = tmp_path / "task/my_config.yaml"
    parts = re.findall(r"```yaml\n(.*?)```", page("prolific"), re.DOTALL)
    config.write_text("".join(parts), encoding="utf-8")
    rehearsal = ProlificProvider.rehearsal()
    assert rehearsal is not None
    with rehearsal, Database(tmp_path / "f.db") as database, Operator(database) as operator:
        set_environment(monkeypatch, rehearsal.environment)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        settings = {**rehearsal.registration, "keep_token_in": "file"}
        register_requester(database, "prolific", "lab", **settings)

        checked = operator.check(config, overrides=["architect.port=0"])

    assert checked.plan.provider.type == "prolific"
    assert checked.warnings == []


def test_the_page_of_another_platform_needs_no_change(tmp_path: Path) -> None:
    (tmp_path / "task.html").write_text(block("bring-your-form", "html"), encoding="utf-8")
    row = {"question": "It's 1 < 2?", "first": "yes", "second": "no"}

    compiled = read_page(tmp_path / "task.html")
    rendered = compiled.render(row)

    assert page_problems(compiled, tmp_path / "task.html", row) == []
    assert "note('It\\u0027s\\u00201\\u0020\\u003c\\u00202\\u003f')" in rendered.body
    assert rendered.submit_attributes == {"id": "submitButton"}
    assert "blueprint: static_task" in block("bring-your-form", "yaml")
