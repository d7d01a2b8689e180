"""The disk of the database is full: workers wait, no answer is lost, the log is short."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus.model.database import Database
from famulus.model.tables import AgentTable
from famulus.testing.command import Command, famulus_command
from famulus.testing.scripted_worker import HttpTransport, ScriptedWorker

pytestmark = pytest.mark.slow


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = (
        os.getuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)],
            capture_output=True,
            check=False,
        ).returncode
    )
    if not mounted:
        pytest.skip("only root can mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def command(disk: Path, tmp_path: Path) -> Iterator[Command]:
    (tmp_path / "task.html").write_text('<textarea name="answer"></textarea>')
    (tmp_path / "data.csv").write_text("word\n" + "lantern\n" * 60)
    (tmp_path / "task.yaml").write_text(
        f"blueprint: {{task_source: '{tmp_path}/task.html', data_csv: '{tmp_path}/data.csv'}}\n"
        "defaults: [{blueprint: static_task}, {architect: local}, {provider: mock}]\n"
        "architect: {port: 0, min_free_bytes: 0}\n"
        "task: {task_title: T, task_description: D, task_reward: 0.10}\n"
    )
    with famulus_command("launch", tmp_path / "task.yaml", database=disk / "a.db") as launched:
        yield launched


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(4096)):
                pass  # until there is no room
        except OSError:
            pass  # it is full
    return filler


def test_a_full_disk_is_answered_with_503_until_there_is_room_again(
    command: Command, disk: Path
) -> None:
    url = command.url()
    people = [ScriptedWorker(HttpTransport(url), f"p{number}") for number in range(40)]
    pages = [person.open() for person in people]
    filler = fill(disk)

    first = [person.submit(page) for person, page in zip(people, pages, strict=True)]
    arrivals = [ScriptedWorker(HttpTransport(url), f"new{n}").open().answer for n in range(10)]
    busy = [answer for answer in first if answer.status == 503]
    assert len(busy) >= 10
    assert {answer.status for answer in [*first, *arrivals]} <= {200, 503}
    assert all(answer.headers["retry-after"] for answer in busy)
    command.wait_for("is unavailable")
    filler.unlink()
    while command.output.count("is available again") < command.output.count("is unavailable"):
        people[0].open("again")
    again = [person.submit(page) for person, page in zip(people, pages, strict=True)]

    assert [answer.outcome for answer in again] == ["stored"] * 40
    with Database(disk / "a.db") as database, database.read() as tx:
        assert (
            len(tx.rows(AgentTable.select().where(AgentTable.submission_id.is_null(False)))) == 40
        )
    assert "Traceback" not in command.output
    assert command.output.count("is unavailable") <= 2
