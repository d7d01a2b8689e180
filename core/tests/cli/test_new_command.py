"""``famulus new task``, with templates of a plugin of the test's own."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from famulus.cli.declarations import new
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.task_template import TaskTemplate
from famulus.errors import PluginError, UsageError
from famulus.plugins import Plugins
from famulus.testing import run_command


class Bringing:
    """A plugin that brings one template."""

    def __init__(self, *found: Any) -> None:
        self.found = list(found)

    @hookimpl
    def famulus_register_task_templates(self) -> list[Any]:
        return self.found


def run(*words: str | Path) -> Result:
    return run_command(new.task, *words, database="unused.db")


@pytest.fixture
def template(tmp_path: Path) -> TaskTemplate:
    folder = tmp_path / "installed"
    (folder / "media" / "__pycache__").mkdir(parents=True)
    (folder / "config.yaml").write_text("task: {}\n")
    (folder / "media" / "a.bin").write_bytes(b"\0\xff")
    (folder / "media" / "a.bin").chmod(stat.S_IRUSR)
    (folder / "media" / "__pycache__" / "a.pyc").write_bytes(b"x")
    return TaskTemplate(name="words", summary="Workers judge words.", folder=folder)


@pytest.fixture
def plugins(template: TaskTemplate, monkeypatch: pytest.MonkeyPatch) -> Plugins:
    plugins = Plugins()
    plugins.add("words", Bringing(template))
    monkeypatch.setattr("famulus.plugins.discover", lambda: plugins)
    return plugins


def test_a_task_is_copied_whole_and_can_be_changed(plugins: Plugins, tmp_path: Path) -> None:
    target = tmp_path / "a folder" / "mine"

    done = run(target, "--from", "words")

    assert done.exit_code == 0, done.output
    files = sorted(each for each in target.rglob("*") if each.is_file())
    assert files == [target / "config.yaml", target / "media/a.bin"]
    assert (target / "media/a.bin").read_bytes() == b"\0\xff"
    assert (target / "media/a.bin").stat().st_mode & stat.S_IWUSR
    launched = done.stdout.replace("\n", " ")
    assert launched.endswith(f" launch '{target}/config.yaml' ")


def test_without_a_folder_the_copy_has_the_name_of_the_task(
    plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    done = run("--from", "words", "--json")

    assert json.loads(done.stdout) == {"folder": "words", "files": ["config.yaml", "media/a.bin"]}
    assert (tmp_path / "words/config.yaml").exists()


@pytest.mark.parametrize("is_file", [True, False])
def test_nothing_is_overwritten(plugins: Plugins, tmp_path: Path, is_file: bool) -> None:
    target = tmp_path / "mine"
    if is_file:
        target.write_text("mine")
    else:
        target.mkdir()

    done = run(target, "--from", "words")

    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{target}: exists already; name a folder that does not" in done.stderr
    assert target.read_text() == "mine" if is_file else not list(target.iterdir())


def test_a_folder_that_cannot_be_made_is_one_line(plugins: Plugins, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    done = run(tmp_path / "file" / "mine", "--from", "words")

    assert done.exit_code == 2
    assert "cannot be made: Not a directory" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "word"], "there is no task template 'word'; did you mean 'words'?"),
        (["--from", "x"], "there is no task template 'x'; installed: words"),
        ([], "name a task with --from; `famulus new task --list` lists them"),
    ],
)
def test_an_unknown_task_is_named_with_those_there_are(
    plugins: Plugins, words: list[str], said: str
) -> None:
    done = run(*words)

    assert (done.exit_code, done.stderr) == (2, f"famulus: error: {said}\n")


def test_the_tasks_are_listed_with_a_sentence_each(plugins: Plugins) -> None:
    assert [line.split(None, 1) for line in run("--list").stdout.splitlines()] == [
        ["NAME", "TASK"],
        ["words", "Workers judge words."],
    ]
    listed = run("--list", "--json").stdout
    assert json.loads(listed) == [{"name": "words", "summary": "Workers judge words."}]


def test_without_a_plugin_that_brings_one_the_list_says_which_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("famulus.plugins.discover", Plugins)

    done = run("--list")

    assert (done.exit_code, done.stdout) == (0, "")
    assert 'pip install "famulus[form]"' in done.stderr


def test_a_name_that_two_plugins_give_belongs_to_neither(
    plugins: Plugins, template: TaskTemplate
) -> None:
    plugins.add("others", Bringing(template))

    with pytest.raises(PluginError, match="'words' is claimed by the plugins 'words' and 'others'"):
        plugins.task_template("words")


def test_a_plugin_without_templates_leaves_no_name() -> None:
    with pytest.raises(UsageError, match=r"there is no task template .words.$"):
        Plugins().task_template("words")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ("words", "famulus_register_task_templates returned 'words', which is not a TaskTemplate"),
        (
            TaskTemplate(name="x", summary="", folder=Path("/nowhere")),
            "the folder of the task template 'x' has no config.yaml: /nowhere",
        ),
    ],
)
def test_a_plugin_that_brings_no_task_is_refused(found: Any, reason: str) -> None:
    plugins = Plugins()

    plugins.add("faulty", Bringing(found))

    assert [info.refused for info in plugins.infos] == [reason]


@pytest.mark.parametrize("name", ["", "Words", "a b", "../a", "a--b", "-a", "a/b"])
def test_a_name_that_is_no_folder_of_its_own_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="lowercase letters, digits and single hyphens"):
        TaskTemplate(name=name, summary="", folder=Path())


def test_what_a_plugin_brings_is_counted(plugins: Plugins) -> None:
    assert plugins.infos[0].registered() == ["1 for `new task`"]
