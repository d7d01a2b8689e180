"""Launching, interrupting and resuming, as processes of their own with workers over HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from famulus.engine.runs import find_run
from famulus.model.database import Database
from famulus.model.states import RunStatus
from famulus.testing.command import famulus_command
from famulus.testing.scripted_worker import HttpTransport, ScriptedWorker

pytestmark = pytest.mark.slow


@pytest.fixture
def port() -> str:
    """A port that is free, so that a resumed run can be found at it again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"architect.port={listener.getsockname()[1]}"


def worker(url: str, name: str = "x") -> ScriptedWorker:
    return ScriptedWorker(HttpTransport(url), name)


def status_of(database_file: Path) -> RunStatus:
    with Database(database_file) as database:
        return find_run(database, 1).status


def test_tutorial_ends_by_itself_and_its_data_are_four_records(
    famulus: Callable[..., Result], example: Path, database_file: Path, port: str
) -> None:
    with famulus_command("launch", example, port, database=database_file) as launch:
        url = launch.url()
        x = worker(url)
        done_by_x = x.submit_all()
        refused = x.open()
        done_by_y = worker(url, "y").submit_all(2)  # the server ends after the last unit
        status = launch.wait()

    assert (len(done_by_x), len(done_by_y), refused.has_form) == (2, 2, False)
    assert status == 0
    first, second, *_ = launch.output.splitlines()
    assert first == "Creating a task run under task name: html-static-task-example"
    assert second == f"Database: {database_file}"
    assert "Run 1 is done: 4 units in " in launch.output
    assert "famulus export --run 1 -o html-static-task-example.jsonl" in launch.output
    exported = famulus("export", "html-static-task-example", "-o", "-").stdout.splitlines()
    records = [json.loads(line) for line in exported]
    assert sorted((each["worker"], each["row"]) for each in records) == [
        ("x", 0),
        ("x", 1),
        ("y", 0),
        ("y", 1),
    ]


def test_run_without_submissions_ends_with_status_1_and_says_why(
    example: Path, database_file: Path, port: str
) -> None:
    with famulus_command(
        "launch", example, port, "task.no_submission_patience=1", database=database_file
    ) as launch:
        assert launch.wait() == 1

    assert "because there was no submission for 1 second" in launch.output
    assert "0 of 4 units done, 4 expired" in launch.output


def test_ctrl_c_stops_cleanly_and_resume_goes_on_at_the_same_address(
    example: Path, database_file: Path, port: str
) -> None:
    with famulus_command("launch", example, port, database=database_file) as launch:
        url = launch.url()
        worker(url).submit_all()
        launch.interrupt()
        assert launch.wait() == 0
    assert "Run 1 is stopped: 2 of 4 units done." in launch.output
    assert "famulus resume 1" in launch.output

    with famulus_command("resume", "1", database=database_file) as resume:
        assert resume.url() == url
        worker(url, "y").submit_all(2)
        assert resume.wait() == 0
    assert "Run 1 is done: 4 units in " in resume.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_interrupt_lets_workers_finish_and_no_new_ones_in(
    example: Path, database_file: Path, port: str, number: signal.Signals
) -> None:
    with famulus_command("launch", example, port, database=database_file) as launch:
        url = launch.url()
        x = worker(url)
        page = x.open()
        launch.process.send_signal(number)
        launch.wait_for("1 worker is at work and may finish until ")
        late = worker(url, "late").open()
        stored = x.submit(page)
        status = launch.wait()

    assert not late.has_form
    assert stored.status == 200
    assert status == 0
    assert status_of(database_file) is RunStatus.STOPPED


def test_second_interrupt_stops_now_and_the_page_is_good_after_resume(
    example: Path, database_file: Path, port: str
) -> None:
    with famulus_command("launch", example, port, database=database_file) as launch:
        x = worker(launch.url())
        page = x.open()
        launch.interrupt()
        launch.wait_for("Press Ctrl-C again to stop now")
        launch.interrupt()
        assert launch.wait() == 130
    assert status_of(database_file) is RunStatus.STOPPED

    with famulus_command("resume", "1", database=database_file) as resume:
        resume.url()
        assert x.submit(page).status == 200
        resume.interrupt()
        assert resume.wait() == 0


def test_a_closed_output_does_not_end_the_run(
    example: Path, database_file: Path, port: str
) -> None:
    launch = subprocess.Popen(
        [sys.executable, "-m", "famulus", "launch", str(example), port, "--log-rate", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "FAMULUS_DATABASE": str(database_file), "PYTHONUNBUFFERED": "1"},
    )
    assert launch.stdout is not None
    assert launch.stderr is not None
    with launch, launch.stderr:
        url = next(line for line in launch.stdout if "open at" in line).split()[-1]
        launch.stdout.close()
        worker(url).submit_all()
        worker(url, "y").submit_all(2)

        assert launch.wait(30) == 0
        assert launch.stderr.read() == ""


def test_stop_from_elsewhere_ends_the_launch_with_status_0(
    famulus: Callable[..., Result], example: Path, database_file: Path, port: str
) -> None:
    with famulus_command("launch", example, port, database=database_file) as launch:
        launch.url()
        done = famulus("stop", 1)
        status = launch.wait()

    assert done.exit_code == 0
    assert status == 0
    assert "Run 1 is stopped: 0 of 4 units done." in launch.output


def test_finish_from_elsewhere_waits_for_those_at_work(
    example: Path, database_file: Path, port: str
) -> None:
    with famulus_command("launch", example, port, database=database_file) as launch:
        url = launch.url()
        x = worker(url)
        page = x.open()
        with famulus_command("finish", "1", database=database_file) as finish:
            finish.wait_for("1 worker is at work and may finish until ")
            assert worker(url, "y").open().answer.refusal == "run_closed"
            x.submit(page)
            assert finish.wait() == 0
        assert launch.wait() == 0

    assert "Run 1 is finished: 1 of 4 units done, 3 expired." in finish.output
    assert "Run 1 was finished: 1 of 4 units done, 3 expired." in launch.output
    assert "Resume it with" not in launch.output


def test_second_operator_is_refused_with_the_name_of_the_first(
    famulus: Callable[..., Result], example: Path, database_file: Path, port: str
) -> None:
    with famulus_command("launch", example, port, database=database_file) as launch:
        launch.url()
        done = famulus("resume", 1)

    assert done.exit_code == 1
    assert f"run 1 is being operated by process {launch.process.pid} " in done.stderr


def test_killed_run_is_resumed_and_workers_keep_their_units(
    famulus: Callable[..., Result], example: Path, database_file: Path, port: str
) -> None:
    with famulus_command("launch", example, port, database=database_file) as launch:
        url = launch.url()
        x = worker(url)
        page = x.open()
        launch.kill()
    assert "no process; `famulus resume 1` resumes it" in famulus("status", 1).stdout

    with famulus_command("resume", "1", database=database_file) as resume:
        assert resume.url() == url
        assert x.submit(page).status == 200
        assert x.open(page.reference).has_form is False
