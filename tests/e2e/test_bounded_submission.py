"""One submission costs a served run bounded memory, and its replies stay small."""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest

from famulus import Operator
from famulus.testing import HttpTransport, ScriptedWorker
from famulus.testing.scripted_worker import OpenPage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux' /proc"),
]

_MOST_BYTES = 150_000_000


def _configuration(folder: Path) -> dict[str, object]:
    (folder / "page.html").write_text('<p>${word}</p><textarea name="answer"></textarea>')
    (folder / "data.csv").write_text("word\n" + "one\n" * 9)
    return {
        "defaults": [
            {"blueprint": "static_task"},
            {"architect": "local"},
            {"provider": "mock"},
        ],
        "architect": {"port": 0},
        "blueprint": {
            "task_source": str(folder / "page.html"),
            "data_csv": str(folder / "data.csv"),
        },
        "task": {"task_title": "T", "task_description": "D", "task_reward": "0.10"},
    }


def _peak_of_the_server() -> int:
    """Return the most memory that the server of this process has had, in bytes. A browser's driver
    can be a child of the same process.
    """
    peaks = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status, command = (folder / "status").read_text(), (folder / "cmdline").read_bytes()
        except OSError:
            continue
        is_server = f"\nPPid:\t{os.getpid()}\n" in status and b"famulus_flask.serve" in command
        if is_server and (peak := re.search(r"VmHWM:\s+(\d+) kB", status)):
            peaks.append(int(peak[1]) * 1000)
    return max(peaks)


def _send(
    url: str, page: OpenPage, parts: Sequence[tuple[str, bytes]], file_bytes: int = 0
) -> tuple[int, bytes]:
    assert page.filled is not None
    hidden = [(name, value.encode()) for name, value in page.filled.fields if name != "answer"]
    pieces = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"
        for name, value in [*hidden, *parts]
    ]
    if file_bytes:
        head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'
        pieces += [head, bytes(file_bytes), b"\r\n"]
    request = urllib.request.Request(
        f"{url}{page.submit_address}",
        data=b"".join([*pieces, b"--x--\r\n"]),
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_large_submission_costs_bounded_memory_and_gets_a_small_reply(tmp_path: Path) -> None:
    with Operator(tmp_path / "famulus.db") as operator:
        url = operator.launch(_configuration(tmp_path)).url
        worker = ScriptedWorker(HttpTransport(url), "somebody")
        page = worker.open()
        text = "\N{GRINNING FACE}<'\\".encode()

        refused = [
            _send(url, page, [("answer", b"x" * 10_000_000)]),
            _send(url, page, [(f"made up {number}", b"") for number in range(10_000)]),
            _send(url, page, [("answer", b"")], file_bytes=110_000_000),
        ]
        large = _send(url, page, [("answer", text * 280_000)], file_bytes=60_000_000)
        many = _send(
            url, worker.open(), [(f"made up {number}", text * 200) for number in range(990)]
        )

        assert [status for status, _ in refused] == [413] * 3
        assert [large[0], many[0]] == [200, 200]
        assert max(len(body) for _, body in [*refused, large, many]) < 200_000
        assert _peak_of_the_server() < _MOST_BYTES
