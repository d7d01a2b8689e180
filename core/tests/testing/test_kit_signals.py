"""Tests that send signals, in a test run that was started with them ignored."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

IGNORING = (
    "import os, signal, sys; signal.signal(signal.{}, signal.SIG_IGN);"
    " os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
#: As ``pytest &`` in a script does.
IN_THE_BACKGROUND = IGNORING.format("SIGINT")
#: As ``nohup pytest`` does.
WITHOUT_HANGUP = IGNORING.format("SIGHUP")
#: Prints the exit status of a command whose terminal is closed.
HUNG_UP = """
import signal
from famulus.testing.command import python_command

waiting = "import time; print('up', flush=True); time.sleep(60)"
with python_command("-c", waiting, database="x") as command:
    command.wait_for("up")
    command.process.send_signal(signal.SIGHUP)
    print(command.wait(10))
"""
#: Ends as a test run that is killed does, while a command of its own waits for its input.
KILLED = """
import os, sys
from famulus.testing.command import python_command

waiting = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
with python_command("-c", waiting, database="x") as command:
    command.wait_for("")
    print(command.output, end="", flush=True)
    os._exit(1)
"""
TEST = """
import signal, subprocess, sys

def test_ctrl_c():
    waiting = "import time; print('up', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", waiting], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == -signal.SIGINT or process.returncode == 1
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_process_of_a_test_can_be_interrupted(tmp_path: Path, workers: tuple[str, ...]) -> None:
    (tmp_path / "test_interrupting.py").write_text(TEST)
    command = ["-m", "pytest", "-q", "-p", "famulus.testing.pytest_plugin", *workers, str(tmp_path)]

    done = subprocess.run(
        [sys.executable, "-c", IN_THE_BACKGROUND, *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert "1 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="commands inherit what is ignored elsewhere")
def test_a_command_can_be_hung_up_where_the_test_run_cannot() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_HANGUP, "-c", HUNG_UP],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == f"{-signal.SIGHUP}\n", done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_command_ends_with_a_test_run_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        try:
            waiting = select.poll()
            waiting.register(os.pidfd_open(pid), select.POLLIN)
        except ProcessLookupError:
            return
    assert waiting.poll(30_000)
