"""A process that is stopped inside a transaction keeps others from writing, not from answering."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from famulus import Database
from famulus.testing.inprocess import ManualOperator
from famulus_flask.app import create_app
from received_bytes import received

_WRITER = """
import sys
from famulus import Database

def hold(_):
    print("begun", flush=True)
    sys.stdin.read()

with Database(sys.argv[1]) as database:
    database.write(hold)
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "famulus.db") as database:
        yield database


@contextlib.contextmanager
def _stopped_writer(path: Path) -> Iterator[None]:
    command = [sys.executable, "-c", _WRITER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        try:
            assert writer.stdout.readline() == b"begun\n"
            writer.send_signal(signal.SIGSTOP)
            yield
        finally:
            writer.kill()


def _request(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()


def test_the_event_loop_goes_on(
    serve: Any, operator: ManualOperator, database: Database, tmp_path: Path
) -> None:
    gateway = operator.launch_rows([{"n": n} for n in range(4)])
    served = serve(create_app(gateway), transaction_seconds=60.0)
    served.talk(_request("/?worker_id=a&assignment_id=1"))
    with contextlib.ExitStack() as stack:
        clients = []
        with _stopped_writer(tmp_path / "famulus.db"):
            for name in "bcd":
                clients.append(stack.enter_context(served.connect()))
                clients[-1].sendall(_request(f"/?worker_id={name}&assignment_id=1"))

                assert served.talk(_request("/healthz")).startswith(b"HTTP/1.1 200 ")

        replies = [received(client) for client in clients]

    assert [reply[:13] for reply in replies] == [b"HTTP/1.1 200 "] * 3
