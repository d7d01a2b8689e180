"""kill -9 at any moment: no acknowledged answer is lost, and ``resume`` completes the run."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import secrets
import signal
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from famulus import Database
from famulus.model.tables import Agent, Assignment, Unit
from famulus.testing.command import Command, famulus_command

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc"),
]

ROWS, LANES, PEOPLE = 40, 3, 10
#: Seconds a person thinks at the most.
THINKING = 0.1
_HIDDEN = re.compile(r'name="(famulus_\w+)" value="([^"]*)"')


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    (tmp_path / "task.html").write_text('<p>${word}</p><input name="answer" aria-label="Answer">')
    return write_configuration(tmp_path, ROWS, LANES)


def write_configuration(folder: Path, rows: int, lanes: int) -> Path:
    words = "".join(f"word {n}\n" for n in range(rows))
    (folder / "data.csv").write_text(f"word\n{words}")
    tree = {
        "defaults": [{"blueprint": "static_task"}, {"architect": "local"}, {"provider": "mock"}],
        "blueprint": {
            "task_source": "task.html",
            "data_csv": "data.csv",
            "units_per_assignment": lanes,
        },
        "architect": {"port": 0},
        "task": {"task_title": "T", "task_description": "D", "task_reward": "0.10"},
    }
    (folder / "task.yaml").write_text(json.dumps(tree))
    return folder / "task.yaml"


class Person(threading.Thread):
    """Works through what there is, and tries again while the server is away."""

    def __init__(self, url: str, name: str, over: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.url, self.over = url, over
        #: submission id -> answer, for each "your answers are stored" that was read
        self.acknowledged: dict[str, str] = {}
        self.strange: list[str] = []

    def run(self) -> None:
        while not self.over.is_set():
            query = {"worker_id": self.name, "assignment_id": secrets.token_hex(6)}
            status, page = self._ask(f"{self.url}?{urllib.parse.urlencode(query)}")
            if status == 403:
                if "code: all_done" in page:
                    return
                self.over.wait(0.1)
            elif status == 200:
                self._submit(dict(_HIDDEN.findall(page)))
            elif status:
                self.strange.append(f"{status}: {page[:200]}")

    def _submit(self, hidden: dict[str, str]) -> None:
        self.over.wait(random.uniform(0, THINKING))
        answer = secrets.token_hex(8)
        form = urllib.parse.urlencode({**hidden, "answer": answer}).encode()
        status, page = self._ask(f"{self.url}submit", form)
        if status == 200 and "Your answers are stored" in page:
            self.acknowledged[hidden["famulus_submission"]] = answer
        elif status:
            self.strange.append(f"{status}: {page[:200]}")

    def _ask(self, url: str, form: bytes | None = None) -> tuple[int, str]:
        """Send a request until there is an answer, as a page's script does; (0, "") at the end."""
        while not self.over.is_set():
            try:
                with urllib.request.urlopen(url, form, timeout=20) as reply:
                    return reply.status, reply.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    if error.code != 503:
                        return error.code, error.read().decode()
            except (OSError, http.client.HTTPException):
                """The server is away, or went away in the middle of its reply."""
            self.over.wait(0.05)
        return 0, ""


def wait_for_answers(people: list[Person], count: int) -> None:
    """Wait until so many answers are acknowledged."""
    while sum(len(person.acknowledged) for person in people) < count:
        assert any(person.is_alive() for person in people)
        threading.Event().wait(0.001)


def children(process: int) -> list[int]:
    """Return the processes that a process has started, and theirs."""
    found: list[int] = []
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, file.read_text().split()):
            found += [child, *children(child)]
    return found


def kill_the_server(command: Command) -> None:
    for child in children(command.process.pid):
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


@pytest.fixture
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "famulus.db")
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAMULUS_SECRET_KEY", "a-key-for-tests-of-32-characters")
        patch.setenv("FAMULUS_FILES", str(tmp_path / "files"))
        with request.getfixturevalue("postgres").fresh() as fresh:
            yield fresh


def stored_answers(database: Database) -> dict[str, Any]:
    with database.read() as tx:
        query = Agent.select(Agent.submission_id, Agent.answers).where(
            Agent.submission_id.is_null(False)
        )
        return {row.submission_id: row.answers["answer"] for row in tx.rows(query)}


@pytest.mark.parametrize("address", ["sqlite", "postgresql"], indirect=True)
def test_no_acknowledged_answer_is_lost_and_the_run_is_completed(
    configuration: Path, address: str
) -> None:
    chance, over = random.Random(secrets.randbits(32)), threading.Event()
    with ExitStack() as commands:
        command = commands.enter_context(famulus_command("launch", configuration, database=address))
        url = command.url()
        people = [Person(url, f"person{n}", over) for n in range(PEOPLE)]
        for person in people:
            person.start()
        try:
            moments = sorted(chance.sample(range(1, ROWS * LANES * 3 // 4), 4))
            for moment, victim in zip(
                moments, ("operator", "server", "operator", "operator"), strict=True
            ):
                wait_for_answers(people, moment)
                if victim == "server":
                    kill_the_server(command)
                    continue
                command.kill()
                command = commands.enter_context(famulus_command("resume", "1", database=address))
                assert command.url() == url, "the address stays the same"
            assert command.wait(timeout=50) == 0, command.output
        finally:
            over.set()
        for person in people:
            person.join(timeout=30)

    acknowledged = {key: answer for each in people for key, answer in each.acknowledged.items()}
    assert [each.strange for each in people] == [[]] * PEOPLE
    with Database(address) as database:
        stored = stored_answers(database)
        with database.read() as tx:
            statuses = {row.status.value for row in tx.rows(Unit.select(Unit.status))}
    assert acknowledged
    assert {key: stored.get(key) for key in acknowledged} == acknowledged
    assert statuses == {"completed"}
    assert len(stored) == ROWS * LANES


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
def test_a_launch_that_is_killed_while_it_loads_is_resumed_without_a_row_twice(
    configuration: Path, address: str
) -> None:
    rows = 30_000
    write_configuration(configuration.parent, rows, 1)
    with famulus_command("launch", configuration, database=address) as launching:
        launching.url()
        launching.kill()

    with famulus_command("resume", "1", database=address) as resuming:
        resuming.url()
        with Database(address) as database:
            while True:
                with database.read() as tx:
                    loaded = tx.sql("SELECT loading, rows_loaded FROM task_run").fetchone()
                if loaded[0] != "loading":
                    break
                assert resuming.process.poll() is None, resuming.output
                threading.Event().wait(0.05)
            with database.read() as tx:
                numbers = [
                    row.number
                    for row in tx.rows(
                        Assignment.select(Assignment.number).order_by(Assignment.number)
                    )
                ]

    assert tuple(loaded) == ("complete", rows)
    assert numbers == list(range(rows))


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
def test_a_launch_that_is_killed_at_any_moment_keeps_no_later_one_from_working(
    configuration: Path, address: str
) -> None:
    chance = random.Random(secrets.randbits(32))
    for _ in range(4):
        with famulus_command("launch", configuration, database=address) as launching:
            threading.Event().wait(chance.uniform(0.1, 1.2))
            launching.kill()

    with (
        famulus_command("launch", configuration, database=address) as launching,
        urllib.request.urlopen(launching.url(), timeout=20) as reply,
    ):
        assert reply.status == 200
