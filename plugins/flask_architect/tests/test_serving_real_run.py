"""A real run on SQLite whose requests share transactions, over real sockets."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from famulus import Database, Gateway, Operator, Reply
from famulus.testing import HttpTransport, ScriptedWorker
from famulus.testing.scripted_worker import OpenPage
from famulus.testing.waiting import wait_until
from famulus_flask.app import create_app
from received_bytes import received

_PATIENCE = 20.0
_PART = b'--cut\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
_END = b"--cut--\r\n"
_HEAD = (
    b"%sContent-Type: multipart/form-data; boundary=cut\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n"
)
_PAGE = '<p>${word}</p><label>Answer <input name="answer"></label>'


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr("famulus.model.sqlite._BUSY_SECONDS", 0.1)
    with Database(tmp_path / "famulus.db") as database:
        yield database


@pytest.fixture
def gateway(database: Database, tmp_path: Path) -> Iterator[Gateway]:
    (tmp_path / "page.html").write_text(_PAGE)
    (tmp_path / "data.csv").write_text("word\n" + "lantern\n" * 50)
    configuration = {
        "defaults": [
            {"blueprint": "static_task"},
            {"architect": "external"},
            {"provider": "mock"},
        ],
        "architect": {"public_url": "https://example.org/"},
        "blueprint": {
            "task_source": str(tmp_path / "page.html"),
            "data_csv": str(tmp_path / "data.csv"),
        },
        "task": {"task_title": "A task", "task_description": "D", "task_reward": "0.10"},
    }
    with Operator(database) as operator:
        gateway = operator.gateway(operator.launch(configuration))
        yield gateway
        gateway.close()


class _Gate:
    """Holds up the next transaction of a gateway; counts the replies of the ones that follow."""

    def __init__(self, gateway: Any) -> None:
        self._answer = gateway.answer_together
        self.reached, self.opened = threading.Event(), threading.Event()
        self.sizes: list[int] = []
        gateway.answer_together = self._call

    def _call(self, requests: Sequence[Any]) -> Sequence[Reply | None]:
        self.reached.set()
        assert self.opened.wait(_PATIENCE)
        self.sizes.append(len(requests))
        replies: Sequence[Reply | None] = self._answer(requests)
        return replies


def _submission(page: OpenPage) -> bytes:
    """Return the request that the page's script sends."""
    assert page.filled is not None
    body = b"".join(_PART % (name.encode(), text.encode()) for name, text in page.filled.fields)
    head = f"POST /{page.submit_address} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n"
    return _HEAD % (head.encode(), len(body + _END)) + body + _END


def _together(served: Any, gateway: Gateway, pages: Sequence[OpenPage]) -> list[bytes]:
    """Submit all pages in one transaction; return the replies."""
    gate = _Gate(gateway)
    wait_until(lambda: not served.server._connections, "the end of earlier connections")
    with contextlib.ExitStack() as stack:
        first, *clients = [stack.enter_context(served.connect()) for _ in (None, *pages)]
        wait_until(lambda: len(served.server._connections) == len(pages) + 1, "the connections")
        first.sendall(b"GET /?worker_id=first&assignment_id=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert gate.reached.wait(_PATIENCE)
        for client, page in zip(clients, pages, strict=True):
            client.sendall(_submission(page))
        gate.opened.set()
        replies = [received(client) for client in clients]
    assert gate.sizes == [1, len(pages)]
    return replies


def test_failure_of_one_request_is_no_other_ones(
    serve: Any, gateway: Gateway, tmp_path: Path, caplog: Any
) -> None:
    """Each reply is acknowledged or an error, and the database has what was acknowledged."""
    served = serve(create_app(gateway), transaction_seconds=_PATIENCE)
    transport = HttpTransport(f"http://127.0.0.1:{served.port}/")
    people = [
        ScriptedWorker(transport, name, variant=number) for number, name in enumerate("abcdef")
    ]
    pages = [person.open() for person in people]
    with contextlib.closing(sqlite3.connect(tmp_path / "famulus.db")) as connection:
        connection.execute(
            "CREATE TRIGGER fault BEFORE UPDATE ON agent"
            " WHEN NEW.submission_id IS NOT NULL AND NEW.worker_id ="
            " (SELECT id FROM worker WHERE name = 'c')"
            " BEGIN SELECT RAISE(ABORT, 'a fault'); END"
        )

    replies = _together(served, gateway, pages)

    assert [int(reply.split()[1]) for reply in replies] == [200, 200, 500, 200, 200, 200]
    assert caplog.text.count("a fault") >= 1
    with contextlib.closing(sqlite3.connect(tmp_path / "famulus.db")) as connection:
        stored = connection.execute(
            "SELECT name FROM agent JOIN worker ON worker.id = agent.worker_id"
            " WHERE submission_id IS NOT NULL ORDER BY name"
        ).fetchall()
    assert stored == [("a",), ("b",), ("d",), ("e",), ("f",)]


def test_database_that_is_away_is_503_for_each_and_one_line(
    serve: Any, gateway: Gateway, tmp_path: Path, caplog: Any
) -> None:
    served = serve(create_app(gateway), transaction_seconds=_PATIENCE)
    transport = HttpTransport(f"http://127.0.0.1:{served.port}/")
    people = [ScriptedWorker(transport, name) for name in "abcdef"]
    pages = [person.open() for person in people]
    other = sqlite3.connect(tmp_path / "famulus.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    replies = _together(served, gateway, pages)

    assert [int(reply.split()[1]) for reply in replies] == [503] * 6
    assert all(b"\r\nRetry-After: " in reply for reply in replies)
    assert caplog.text.count("is unavailable") == 1
    other.execute("ROLLBACK")
    other.close()
    for person, page in zip(people, pages, strict=True):
        assert person.submit(page).outcome == "stored"
