"""A run on Prolific by the commands alone: launch, work, review, bonus, and what is left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from famulus.testing import HttpTransport, ScriptedWorker
from famulus.testing.command import famulus_command
from famulus.testing.waiting import wait_until
from famulus_prolific.fake import FakeProlific, StudyStatus, SubmissionStatus
from famulus_prolific.tokens import VARIABLE
from free_ports import free_port
from prolific_bench import parameters

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).resolve().parents[2] / "sdk_examples/simple_static_task"
TASK = "prolific-run"


@pytest.fixture
def prolific(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProlific]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    # A scripted worker is fast: to be topped up, they need an absurd wage.
    with FakeProlific(balance=Decimal(10**7)) as running:
        monkeypatch.setenv(VARIABLE, running.token)
        yield running


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "famulus.db"


@pytest.fixture
def port() -> int:
    return free_port()


def famulus(database: Path, *words: str) -> str:
    with famulus_command(*words, database=database) as command:
        assert command.wait(60) == 0, command.output
        return command.output


def work(prolific: FakeProlific, number: int, port: int) -> tuple[str, str]:
    """Have a participant work and hand in; return their id and that of the submission."""
    person = prolific.participant(number)
    submission, url = person.take(person.studies()[0].id)
    worker = ScriptedWorker(
        HttpTransport(f"http://127.0.0.1:{port}/"), person.id, query=lambda *_: parameters(url)
    )
    page = worker.open(submission.id)
    assert page.has_form, page.answer.text
    answer = worker.submit(page)
    found = re.search(rf"{prolific.site_url}/submissions/complete\?cc=(\w+)", answer.text)
    assert found is not None, answer.text
    person.complete(submission, found[1])
    return person.id, submission.id


def test_a_run_is_launched_worked_on_reviewed_and_paid(
    prolific: FakeProlific, database: Path, port: int
) -> None:
    settings = ("name=lab", f"api_url={prolific.api_url}", "keep_token_in=file")
    registered = famulus(database, "register", "prolific", *settings)
    assert "workspace" in registered
    assert prolific.token not in registered
    assert prolific.token.encode() not in database.read_bytes()
    words = (
        "launch",
        str(EXAMPLE / "conf/example.yaml"),
        "provider=prolific",
        f"provider.site_url={prolific.site_url}",
        "architect.public_url=https://tasks.example.org/",
        f"architect.port={port}",
        "blueprint.units_per_assignment=1",
        f"task.task_name={TASK}",
        "task.task_reward=0.30",
        "task.estimated_minutes=2",
    )
    with famulus_command(*words, database=database) as asked:
        assert asked.wait(60) == 2
    assert "confirm it with --yes" in asked.output
    assert prolific.called("create-study") == []

    with famulus_command(*words, "--yes", database=database) as command:
        command.wait_for("Ctrl-C stops it")
        with prolific.turn() as state:
            (study,) = state.studies.values()
            assert study.places == 2
            assert len(state.subscriptions) == 2
        people = [work(prolific, number, port) for number in (1, 2)]
        # Prolific's own announcement would go to the public address.
        famulus(database, "sync", "1")
        assert command.wait(60) == 0, command.output
    assert len(prolific.called("get-submission")) == 2

    famulus(database, "review", TASK, "--accept-all")
    wait_until(
        lambda: {SubmissionStatus.APPROVED} == {one.status for one in study.submissions},
        "the approvals",
    )
    assert sorted(entry.participant_id for entry in prolific.state.money.ledger) == sorted(
        person for person, _ in people
    )
    assert study.status is StudyStatus.COMPLETED
    prolific.facts.bonuses_take = prolific.facts.paying_takes = timedelta(0)
    for _ in range(2):
        famulus(database, "bonus", "1", "0.25", "--reason", "Well done.")
    topped_up = famulus(database, "topup", "1", "--hourly", "1000000", "--yes")
    assert {len(bulk.paid_at) for bulk in prolific.state.bulks.values()} == {1}, topped_up
    assert sum(entry.amount == 25 for entry in prolific.state.money.ledger) == 1
    listed = famulus(database, "payments", TASK)
    assert len(prolific.state.money.ledger) == 5
    # One row for each, and one for their sum.
    assert listed.count("confirmed") == 6
    assert "No problems found" in famulus(database, "doctor")
    assert prolific.audit() == []
