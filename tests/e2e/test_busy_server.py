"""Slow clients, with and without a link, do not disturb a served run."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from famulus import Operator
from famulus.testing import HttpTransport, ScriptedWorker

pytestmark = pytest.mark.slow

_PAGE = '<p>${word}</p><label>Answer <input name="answer" required></label>'
_THREADS = 4


def _configuration(folder: Path) -> dict[str, object]:
    (folder / "page.html").write_text(_PAGE)
    (folder / "data.csv").write_text("word\none\ntwo\n")
    return {
        "defaults": [
            {"blueprint": "static_task"},
            {"architect": "local"},
            {"provider": "mock"},
        ],
        "architect": {"port": 0, "threads": _THREADS},
        "blueprint": {
            "task_source": str(folder / "page.html"),
            "data_csv": str(folder / "data.csv"),
        },
        "task": {"task_title": "A task", "task_description": "D", "task_reward": "0.10"},
    }


def _instance(url: str) -> str:
    with urlopen(f"{url}healthz") as response:
        return str(json.load(response)["instance"])


def test_slow_senders_block_no_worker_and_cause_no_restart(tmp_path: Path) -> None:
    with Operator(tmp_path / "famulus.db") as operator, contextlib.ExitStack() as stack:
        url = operator.launch(_configuration(tmp_path)).url
        before = _instance(url)
        worker = ScriptedWorker(HttpTransport(url), "somebody")
        page = worker.open()
        parts = urlsplit(url)
        head = (
            f"POST /{page.submit_address} HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
        ).encode()
        for number in range(6 * _THREADS):
            client = stack.enter_context(
                socket.create_connection((str(parts.hostname), parts.port or 80), timeout=20)
            )
            # With a ticket, without one, and a head that does not end.
            client.sendall([head, head.replace(b"ticket", b"x"), head[:30]][number % 3])
        begun = time.monotonic()

        assert worker.submit(page).outcome == "stored"
        assert time.monotonic() - begun < 5
        time.sleep(5)  # the operator looks every two seconds

        assert _instance(url) == before
        assert not list((tmp_path / "famulus.db-files" / "incoming").iterdir())
