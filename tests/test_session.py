"""The root ``conftest.py``: hanging tests, the default port, logs that cannot be encoded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parents[1] / "conftest.py"
TESTS = """
import socket
import threading

import pytest

def test_waits_for_ever():
    threading.Event().wait()

def test_finds_the_default_port_taken():
    with pytest.raises(OSError, match="set architect.port=0"):
        socket.create_server(("127.0.0.1", 3000))
"""


def test_a_test_that_hangs_fails_with_its_stack_and_the_next_one_runs(tmp_path: Path) -> None:
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_hanging.py").write_text(TESTS)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_hanging.py"],
        cwd=tmp_path,
        env={**os.environ, "FAMULUS_TEST_SECONDS": "0.5"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "the test has not ended after 0.5 seconds" in done.stdout
    assert "in test_waits_for_ever" in done.stdout


LOGGING = """
import logging

def test_logs_half_a_character():
    logging.getLogger("a").error("caf\\udce9")
"""


def test_a_log_that_cannot_be_encoded_does_not_end_the_session(tmp_path: Path) -> None:
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_logging.py").write_text(LOGGING)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n1", "-p", "no:cacheprovider", "test_logging.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 passed" in done.stdout, done.stdout + done.stderr


COMPILING = """
import subprocess
import sys
from pathlib import Path

def test_compiles_a_module():
    Path("written.py").write_text("import json.tool")
    subprocess.run([sys.executable, "-c", "import written"], check=True)
    assert [*Path(".pytest_cache").rglob("written.*.pyc")]
"""


def test_bytecode_is_kept_for_the_next_session_but_not_that_of_modules_that_tests_write(
    tmp_path: Path,
) -> None:
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_compiling.py").write_text(COMPILING)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTHONPYCACHEPREFIX", None)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "test_compiling.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 passed" in done.stdout, done.stdout + done.stderr
    kept = {path.name.partition(".")[0] for path in (tmp_path / ".pytest_cache").rglob("*.pyc")}
    assert "tool" in kept
    assert "written" not in kept
