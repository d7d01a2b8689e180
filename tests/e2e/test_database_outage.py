"""PostgreSQL stops under workers and starts again: no answer is lost, the log is short."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from famulus.model.database import Database
from famulus.model.tables import AgentTable
from famulus.testing.command import Command, famulus_command
from famulus.testing.postgres import PostgresServer
from famulus.testing.scripted_worker import HttpTransport, ScriptedWorker

if TYPE_CHECKING:
    from playwright.sync_api import Browser

AGAIN = "is available again"

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def command(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    monkeypatch.setenv("FAMULUS_SECRET_KEY", "a-key-for-tests-of-32-characters")
    monkeypatch.setenv("FAMULUS_FILES", str(tmp_path / "files"))
    (tmp_path / "task.html").write_text('<input name="answer" aria-label="Answer">')
    (tmp_path / "data.csv").write_text("word\n" + "lantern\n" * 5)
    (tmp_path / "task.yaml").write_text(
        f"blueprint: {{task_source: '{tmp_path}/task.html', data_csv: '{tmp_path}/data.csv'}}\n"
        "defaults: [{blueprint: static_task}, {architect: local}, {provider: mock}]\n"
        "architect: {port: 0}\n"
        "task: {task_title: T, task_description: D, task_reward: 0.10}\n"
    )
    with famulus_command(
        "launch", tmp_path / "task.yaml", database=postgres_server.url
    ) as launched:
        yield launched


def lines(command: Command, text: str) -> list[str]:
    return [line for line in command.output.splitlines() if text in line]


def test_answers_are_stored_after_an_outage_of_the_database(
    command: Command, postgres_server: PostgresServer, browser: Browser
) -> None:
    url = command.url()
    people = [ScriptedWorker(HttpTransport(url), name) for name in "abcd"]
    pages = [person.open() for person in people]
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{url}?worker_id=ann&assignment_id=1")
        page.get_by_label("Answer").fill("forty-two")

        postgres_server.stop()
        page.click("#famulus-submit")
        page.get_by_text("trying again").wait_for()
        answers = [person.submit(page) for person, page in zip(people, pages, strict=True)]
        answers += [people[0].give_back(pages[0]), people[0].open().answer]
        health = HttpTransport(url).get("healthz")
        command.wait_for("is unavailable")
        postgres_server.start()
        page.get_by_text("Your answers are stored").wait_for()

    assert [answer.status for answer in answers] == [503] * 6
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert health.status == 200
    while len(lines(command, AGAIN)) < 2:
        people[0].open("again")
    for person, opened in zip(people[1:], pages[1:], strict=True):
        assert person.submit(opened).outcome == "stored"
    assert people[0].give_back(pages[0]).status == 200
    with Database(postgres_server.url) as database, database.read() as tx:
        query = AgentTable.select(AgentTable.answers).where(AgentTable.submission_id.is_null(False))
        assert {"answer": "forty-two"} in [row.answers for row in tx.rows(query)]
        assert len(tx.rows(query)) == 4
    command.interrupt()
    command.wait()
    for words in ("is unavailable", AGAIN):
        assert sorted("server:" in line for line in lines(command, words)) == [False, True]
    assert "Traceback" not in command.output
