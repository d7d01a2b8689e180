"""Errors are one line each, with an exit status; nothing is written for wrong input."""

from __future__ import annotations

import logging
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from famulus.cli.failures import report
from famulus.cli.logs import log_to_stderr
from famulus.cli.session import Session
from famulus.errors import ConflictError, Problem, UnavailableError, UsageError

TASK = """\
defaults:
  - blueprint: static_task
blueprint:
  data_csv: ${task_dir}/data.csv
  task_source: ${task_dir}/task.html
architect:
  port: 0
task:
  task_title: A task
  task_description: Of a test.
  task_reward: 0.10
  # A launch that should have been refused ends by itself.
  no_submission_patience: 1
"""

#: name of the case -> (overrides, files, the line on standard error)
BAD_INPUT: dict[str, tuple[list[str], dict[str, str], str]] = {
    "empty data": ([], {"data.csv": "name\n"}, "data.csv"),
    "too many fields": ([], {"data.csv": "name\na,b\n"}, "data.csv:2"),
    "too few fields": ([], {"data.csv": "name,age\na\n"}, "data.csv:2"),
    "no list of objects": (
        ["blueprint.data_csv=null", "blueprint.data_json=data.json"],
        {"data.json": '{"name": "a"}'},
        "data.json",
    ),
    "misspelt option": (["task.task_titel=x"], {}, "did you mean 'task_title'?"),
    "data that are not there": (["blueprint.data_csv=none.csv"], {}, "none.csv"),
    "page that is not there": (["blueprint.task_source=none.html"], {}, "none.html"),
    "two data sources": (["blueprint.data_jsonl=data.jsonl"], {"data.jsonl": "{}"}, "data_jsonl"),
    "no title": (["task.task_title=null"], {}, "task.task_title"),
    "no reward": (["task.task_reward=null"], {}, "task.task_reward"),
    "placeholder without data": ([], {"task.html": "<p>${nmae}</p>"}, "task.html:1"),
    "unknown plugin": (["architect=lokal"], {}, "did you mean 'local'"),
}


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small task that can be launched; the current one."""
    folder = tmp_path / "task"
    folder.mkdir()
    (folder / "task.yaml").write_text(TASK)
    (folder / "data.csv").write_text("name\nAnna\n")
    (folder / "task.html").write_text("<p>${name}</p><input name='answer' aria-label='Answer'>")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("command", ["check", "launch"])
@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_line_and_writes_nothing(
    famulus: Callable[..., Result], task: Path, database_file: Path, command: str, case: str
) -> None:
    overrides, files, expected = BAD_INPUT[case]
    for name, text in files.items():
        (task / name).write_text(text)

    done = famulus(command, "task.yaml", *overrides)

    assert done.exit_code == 2, done.output
    (line,) = done.stderr.splitlines()
    assert line.startswith("famulus: error: ")
    assert expected in line
    assert done.stdout == ""
    assert not database_file.parent.exists()


def test_all_problems_come_at_once(famulus: Callable[..., Result], task: Path) -> None:
    done = famulus(
        "check",
        "task.yaml",
        "task.task_title=null",
        "blueprint.data_csv=none.csv",
        "architect.port=99999",
        "provider.nothing=1",
    )

    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 4


def test_taken_port_is_named_with_the_way_out(
    famulus: Callable[..., Result], task: Path, database_file: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = famulus("launch", "task.yaml", f"architect.port={port}")

    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert f"port {port} is taken" in line
    assert "architect.port=" in line
    assert not database_file.parent.exists()


@pytest.mark.parametrize("command", [["quote"], ["config", "show"]])
def test_a_command_that_serves_nothing_needs_no_port(
    famulus: Callable[..., Result], task: Path, command: list[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = famulus(*command, "task.yaml", f"architect.port={other.getsockname()[1]}")
        wrong = famulus(*command, "task.yaml", "architect.port=70000")

    assert (done.exit_code, done.stderr) == (0, "")
    assert wrong.exit_code == 2
    assert "architect.port: 70000 is not a port" in wrong.stderr


def test_fine_configuration_is_called_fine_and_nothing_is_written(
    famulus: Callable[..., Result], task: Path, database_file: Path
) -> None:
    before = sorted(task.iterdir())

    done = famulus("check", "task.yaml")

    assert done.exit_code == 0
    assert done.output == (
        "task.yaml is fine: task static_task, blueprint static_task, architect local, "
        "provider mock\n"
    )
    assert not database_file.parent.exists()
    assert sorted(task.iterdir()) == before


def test_configuration_that_is_not_there_is_named(
    famulus: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    done = famulus("launch", "none.yaml")

    assert done.exit_code == 2
    assert done.stderr == "famulus: error: none.yaml: there is no such file\n"


def test_database_of_an_unknown_kind_is_refused(famulus: Callable[..., Result]) -> None:
    done = famulus("--database", "mysql://x", "runs")

    assert done.exit_code == 2
    assert "mysql://…" in done.stderr


def test_files_below_the_current_folder_are_named_as_typed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inside, outside = tmp_path / "a" / "b.csv", Path("/elsewhere/c.csv")

    status = report(
        UsageError([Problem("bad", file=inside, line=3), Problem("worse", file=outside)]),
        verbose=False,
    )

    assert status == 2
    assert capsys.readouterr().err == (
        "famulus: error: a/b.csv:3: bad\nfamulus: error: /elsewhere/c.csv: worse\n"
    )


def test_reason_of_several_lines_stays_readable(capsys: pytest.CaptureFixture[str]) -> None:
    status = report(UnavailableError("the server did not start:\nno port"), verbose=False)

    assert status == 1
    assert capsys.readouterr().err == ("famulus: error: the server did not start:\n  no port\n")


def test_unexpected_error_is_one_line_with_a_hint_at_the_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = report(RuntimeError("oh\nno"), verbose=False)

    assert status == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("famulus: error: RuntimeError: oh no (")
    assert "famulus -v" in line


def test_traceback_comes_with_v_only(famulus: Callable[..., Result]) -> None:
    assert "Traceback" not in famulus("status", 1).stderr
    assert "Traceback" in famulus("-v", "status", 1).stderr


def test_log_is_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("famulus.test")
    with log_to_stderr(Session(None, address_typed=False, verbose=False)):
        logger.debug("not this")
        logger.warning("run %d: gone", 1)
        logging.getLogger("another").info("not this")
        try:
            raise ConflictError("taken over")
        except ConflictError:
            logger.exception("run 2")
    logger.warning("nor this")

    assert capsys.readouterr().err == (
        "famulus: warning: run 1: gone\nfamulus: error: run 2: ConflictError: taken over\n"
    )


def test_debug_log_comes_with_v_and_only_our_own(capsys: pytest.CaptureFixture[str]) -> None:
    with log_to_stderr(Session(None, address_typed=False, verbose=True)):
        logging.getLogger("famulus.test").debug("this")
        logging.getLogger("another").debug("not this: it may hold a secret")

    assert capsys.readouterr().err == "famulus: debug: [famulus.test] this\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("arguments", "status"), [("check task.yaml", 0), ("register mock", 2)])
def test_command_works_without_standard_streams(
    task: Path, database_file: Path, arguments: str, status: int, closed: str
) -> None:
    command = f"{shlex.quote(sys.executable)} -m famulus {arguments} {closed}"
    environment = {**os.environ, "FAMULUS_DATABASE": str(database_file)}

    done = subprocess.run(["sh", "-c", command], cwd=task, env=environment, check=False)

    assert done.returncode == status
