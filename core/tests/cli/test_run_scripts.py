"""Run scripts as programs: their command line, how they end, and how their runs are resumed."""

from __future__ import annotations

import runpy
import signal
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from famulus.cli.scripts import task_script
from famulus.data.run_summaries import list_runs
from famulus.engine.runs import RunRecord
from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.states import RunStatus
from famulus.options.task_config import build_default_task_config
from famulus.plan import stored_script
from famulus.testing.inprocess import kit_plugins

YAML = """\
defaults: [blueprint: rows, architect: nowhere, provider: crowd]
blueprint:
  rows_file: ${task_dir}/rows.jsonl
task:
  task_title: T
  task_description: D
  task_reward: 0.10
"""

OWN = """\
from attrs import define
from famulus import build_default_task_config, option, task_script

@define
class MyTaskConfig(build_default_task_config("example")):
    num_tasks: int = option(help="How many rows to make.", default=5)

@task_script(config=MyTaskConfig)
def main(operator, cfg):
    \"\"\"Count things.\"\"\"
"""

#: Launches two runs, each with a function of its own, and stops them.
TWO = """\
from famulus import task_script
from famulus.testing.kinds import RowsState

def may_do(worker, unit):
    return True

@task_script(default_config_file="example")
def both(operator, cfg):
    for name in ("one", "two"):
        cfg.task.task_name = name
        run = operator.launch_task_run(cfg.mephisto, RowsState(worker_can_do_unit=may_do))
        print(f"the script has {name} as run {run}")
    operator.close()

both()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A task's folder, with one configuration and one row."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "example.yaml").write_text(YAML)
    (tmp_path / "rows.jsonl").write_text('{"n": 1}\n')
    return tmp_path


@pytest.fixture
def start(folder: Path, database_file: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a script's text in this process, as its own program; return its status."""
    monkeypatch.setenv("FAMULUS_DATABASE", str(database_file))
    monkeypatch.setattr("famulus.operate.operator.discover", kit_plugins)
    monkeypatch.chdir(database_file.parent.parent)

    def run(text: str, *arguments: str) -> int:
        file = folder / "run_task.py"
        file.write_text(textwrap.dedent(text))
        monkeypatch.setattr(sys, "argv", [str(file), *arguments])
        try:
            runpy.run_path(str(file), run_name="__main__")
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    return run


def script(body: str) -> str:
    """Return a script whose main function has this body."""
    head = (
        "from famulus import task_script\n"
        "from famulus.testing.kinds import RowsState\n"
        '@task_script(default_config_file="example")\n'
        "def main(operator, cfg):\n"
    )
    return f"{head}{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\nmain()\n"


def records(database_file: Path) -> dict[int, RunRecord]:
    with Database(database_file) as database:
        return {run.record.id: run.record for run in list_runs(database)}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, 'write @task_script(default_config_file="example")'),
        ({"config": dict}, "extends build_default_task_config"),
        ({"config": len}, "extends build_default_task_config"),
        (
            {"config": build_default_task_config("a"), "default_config_file": "a"},
            "give either config or default_config_file",
        ),
    ],
)
def test_script_has_to_name_its_configuration(arguments: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        task_script(**arguments)

    assert words in str(caught.value)


def test_called_with_arguments_it_is_just_the_function() -> None:
    @task_script(default_config_file="nowhere")
    def main(operator: object, cfg: object) -> tuple[object, object]:
        return operator, cfg

    assert main(1, cfg=2) == (1, 2)


def test_help_lists_options_and_folders(
    start: Callable[..., int], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "hydra_configs" / "conf").mkdir(parents=True)
    (folder / "hydra_configs" / "conf" / "other.yaml").write_text(YAML)

    assert start(f"{OWN}\nmain()", "--help") == 0

    text = " ".join(capsys.readouterr().out.split())
    assert "Usage: python run_task.py [OPTIONS] [OVERRIDES]... Count things." in text
    assert "conf=NAME One of: example, other; example unless given." in text
    assert "num_tasks=5 How many rows to make. (int)" in text
    assert "blueprint.OPTION=… See `famulus wut blueprint=rows`." in text
    assert "--database ADDRESS" in text


def test_every_problem_is_a_line_and_nothing_is_written(
    start: Callable[..., int],
    folder: Path,
    database_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with (folder / "conf" / "example.yaml").open("a") as file:
        file.write("num_tasks: many\n")

    status = start(f"{OWN}\nmain()", "num_task=3", "blueprint.units_per_assignment=x")

    lines = capsys.readouterr().err.splitlines()
    assert status == 2
    assert [line.removeprefix("famulus: error: ") for line in lines] == [
        "num_task: unknown key 'num_task'; did you mean 'num_tasks'?",
        "blueprint.units_per_assignment: 'x' is not a whole number, such as 3",
        "conf/example.yaml:8: num_tasks: 'many' is not a whole number, such as 3",
    ]
    assert not database_file.exists()


def test_missing_configuration_is_named(
    start: Callable[..., int], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start(script("..."), "conf=exmple") == 2
    assert "there is no 'exmple' in" in (near := capsys.readouterr().err)
    assert "did you mean 'example'?" in near

    (folder / "conf").rename(folder / "configurations")
    assert start(script("...")) == 2
    assert "there is no conf/example.yaml beside run_task.py" in capsys.readouterr().err


def test_error_of_the_script_is_one_line_with_its_place(
    start: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    text = script("raise KeyError('words')")

    assert start(text) == 1
    assert capsys.readouterr().err == (
        "famulus: error: KeyError: 'words' (run_task.py, line 5; -v shows the traceback)\n"
    )
    assert start(text, "-v") == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_failed_launch_ends_the_script_with_its_status(
    start: Callable[..., int], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "rows.jsonl").write_text("")

    status = start(script("operator.launch_task_run(cfg)\nprint('not reached')"))

    printed = capsys.readouterr()
    assert status == 2
    assert "the data have no rows" in printed.err
    assert "not reached" not in printed.out


def test_process_is_left_as_it_was(start: Callable[..., int], tmp_path: Path) -> None:
    def state() -> tuple[object, ...]:
        return Path.cwd(), signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    before = state()
    text = script(
        """
        import os, pathlib, signal
        handler = signal.getsignal(signal.SIGINT)
        operator.launch_task_run(cfg)
        assert signal.getsignal(signal.SIGINT) is handler
        pathlib.Path(cfg.task_dir, "seen").write_text(os.getcwd())
        operator.close()
        """
    )

    assert start(text) == 0

    assert state() == before
    assert Path((tmp_path / "seen").read_text()) == before[0]


def test_script_that_does_not_wait_stops_its_run_with_a_message(
    start: Callable[..., int], database_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = start(script("operator.launch_task_run(cfg)"))

    printed = capsys.readouterr()
    assert status == 1
    assert "operator.wait_for_runs_then_shutdown() waits for them" in printed.err
    assert "Run 1 is stopped: 0 of 1 unit done." in printed.out
    assert records(database_file)[1].status is RunStatus.STOPPED


def test_interrupt_after_the_wait_ends_the_script(
    start: Callable[..., int],
) -> None:
    text = """
        operator.launch_task_run(cfg)
        operator.wait_for_runs_then_shutdown()
        raise KeyboardInterrupt
        """

    assert start(script(text), "task.no_submission_patience=1") == 130


def test_interrupt_outside_of_the_wait_stops_the_run_as_within(
    start: Callable[..., int], database_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = start(script("operator.launch_task_run(cfg)\nraise KeyboardInterrupt"))

    printed = capsys.readouterr()
    assert status == 0
    assert "Stopping: no workers are at work." in printed.out
    assert records(database_file)[1].status is RunStatus.STOPPED


def test_waiting_ends_with_the_runs(
    start: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    body = """
        for name in ("one", "two"):
            cfg.task.task_name = name
            operator.launch_task_run(cfg)
        operator.wait_for_runs_then_shutdown(skip_input=True, log_rate=30)
        print("after")
        """

    status = start(script(body), "task.no_submission_patience=1")

    printed = capsys.readouterr().out
    assert status == 1
    assert "run 1: 0 of 1 unit done" in printed
    assert "Run 1 was finished because there was no submission" in printed
    assert "Run 2 was finished because there was no submission" in printed
    assert printed.endswith("after\n")


def test_run_remembers_its_script_but_no_secret(
    start: Callable[..., int], folder: Path, database_file: Path
) -> None:
    text = """
        from attrs import define
        from famulus import build_default_task_config, option, task_script

        @define
        class Own(build_default_task_config("example")):
            token: str = option(help="A key.", default="", secret=True)
            words: int = 1

        @task_script(config=Own)
        def begin(operator, cfg):
            assert cfg.token == "hush"
            operator.launch_task_run(cfg)
            operator.close()

        begin()
        """

    with (folder / "conf/example.yaml").open("a") as file:
        file.write("token: hush\n")

    assert start(text, "~token=hush", "token=hush", "words=2", "mephisto.task.task_name=x") == 0

    record = records(database_file)[1]
    call = stored_script(record.plan)
    assert call is not None
    assert call.file == folder / "run_task.py"
    assert call.function == "begin"
    assert call.arguments == ["words=2", "mephisto.task.task_name=x"]
    assert "hush" not in str(record.plan)


def test_profile_stands_below_the_scripts_configuration(
    start: Callable[..., int],
    database_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAMULUS_CONFIG", str(tmp_path / "mine"))
    (tmp_path / "mine" / "profiles").mkdir(parents=True)
    profile = tmp_path / "mine" / "profiles" / "lab.yaml"
    profile.write_text("task: {task_name: of the lab, task_title: Of the lab}\n")

    assert start(script("operator.launch_task_run(cfg)\noperator.close()"), "+profile=lab") == 0

    record = records(database_file)[1]
    assert (record.task_name, record.plan["task"]["task_title"]) == ("of the lab", "T")


def test_second_run_of_a_script_is_resumed_without_launching_any(
    start: Callable[..., int],
    database_file: Path,
    famulus: Callable[..., Result],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert start(TWO, "task.no_submission_patience=1") == 0

    resumed = famulus("resume", 2)

    assert "Run 2 was finished because there was no submission" in resumed.output
    assert "the script has one as run 1" in resumed.output
    assert "the script has two" not in resumed.output, "what comes after the launch is left out"
    statuses = {number: record.status for number, record in records(database_file).items()}
    assert statuses == {1: RunStatus.STOPPED, 2: RunStatus.FINISHED}


@pytest.mark.parametrize(
    ("before", "after", "status", "words"),
    [
        ('for name in ("one"', 'raise OSError("gone")\n    for name in ("one"', 1, "OSError: gone"),
        ('for name in ("one"', 'exit(0)\n    for name in ("one"', 1, "SystemExit: 0; resume it"),
        ("both()\n", "", 2, "does not launch run 1 any more"),
        ("both", "neither", 2, "by its function 'both'; resume it from Python: operator.resume(1"),
        ('"one"', '"another"', 2, "launches 'another' (rows) where it launched 'one' (rows)"),
        ("worker_can_do_unit=may_do", "", 2, "run 1 needs worker_can_do_unit, which"),
        ('"example"', '"exmple"', 2, "did you mean 'example'?"),
    ],
)
def test_script_that_has_changed_resumes_nothing_and_launches_nothing(
    start: Callable[..., int],
    folder: Path,
    database_file: Path,
    famulus: Callable[..., Result],
    before: str,
    after: str,
    status: int,
    words: str,
) -> None:
    assert start(TWO) == 0
    (folder / "run_task.py").write_text(TWO.replace(before, after))

    resumed = famulus("resume", 1)

    assert words in resumed.output
    assert resumed.exit_code == status
    assert [each.status for each in records(database_file).values()] == [RunStatus.STOPPED] * 2


def test_script_that_catches_everything_resumes_once_and_launches_nothing(
    start: Callable[..., int], database_file: Path, famulus: Callable[..., Result]
) -> None:
    text = """
        for name in ("one", "two"):
            cfg.task.task_name = name
            try:
                operator.launch_task_run(cfg, RowsState(worker_can_do_unit=lambda *_: True))
            except BaseException:
                pass
        operator.close()
        """
    assert start(script(text), "task.no_submission_patience=1") == 0

    resumed = famulus("resume", 1)

    assert resumed.exit_code == 1
    statuses = {number: record.status for number, record in records(database_file).items()}
    assert statuses == {1: RunStatus.FINISHED, 2: RunStatus.STOPPED}


def test_launch_that_failed_the_first_time_is_passed_over(
    start: Callable[..., int], database_file: Path, famulus: Callable[..., Result]
) -> None:
    text = """
        from famulus import FamulusError
        for reward in ("much", "0.10"):
            cfg.task.task_reward = reward
            try:
                operator.launch_task_run(cfg, RowsState(worker_can_do_unit=lambda *_: True))
            except FamulusError as error:
                print("failed:", error)
        operator.close()
        """
    assert start(script(text), "task.no_submission_patience=1") == 0

    resumed = famulus("resume", 1)

    assert "failed: this launch failed in the script's first run" in resumed.output
    assert "Run 1 was finished because" in resumed.output
    assert len(records(database_file)) == 1


def test_finished_run_is_refused_before_its_script_is_run(
    start: Callable[..., int], famulus: Callable[..., Result]
) -> None:
    assert start(TWO) == 0
    famulus("finish", 1)

    resumed = famulus("resume", 1)

    assert resumed.exit_code == 1
    assert "run 1 is finished and cannot be resumed" in resumed.output
    assert "the script has" not in resumed.output
