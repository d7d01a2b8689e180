"""Prolific sends what has changed over HTTP to a run that is served, and is asked in any case."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from famulus import (
    Database,
    NotPassed,
    Operator,
    PlatformRequest,
    VisitStatus,
    register_requester,
)
from famulus.model.tables import VisitTable
from famulus.testing import HttpTransport, ScriptedWorker
from famulus.testing.waiting import wait_until
from famulus_prolific.fake import (
    FakeProlific,
    Participant,
    Study,
    StudyStatus,
    Submission,
    SubmissionStatus,
)
from famulus_prolific.provider import ProlificProvider
from famulus_prolific.tokens import VARIABLE
from famulus_static_html import SharedStaticTaskState
from free_ports import free_port
from prolific_bench import parameters
from prolific_launch import EXAMPLE

pytestmark = pytest.mark.slow

ACCEPTED, RETURNED = VisitStatus.ACCEPTED, VisitStatus.RETURNED
NEVER = timedelta(days=1).total_seconds()


@define(eq=False)
class Served:
    """A run that is served over HTTP, and Prolific."""

    prolific: FakeProlific
    operator: Operator
    url: str

    def arrive(self, number: int) -> tuple[Participant, Submission]:
        """Have a participant take a place and open the run."""
        person = self.prolific.participant(number)
        submission, url = person.take(person.studies()[0].id)
        page = HttpTransport(self.url).open(parameters(url))
        assert page.form is not None, page.text
        return person, submission

    @property
    def study(self) -> Study:
        """The only study."""
        with self.prolific.turn() as state:
            (study,) = state.studies.values()
        return study

    def status(self, submission: Submission) -> VisitStatus:
        """Return the status of a submission's visit here."""
        with self.operator.database.read() as tx:
            row = tx.row(VisitTable.select().where(VisitTable.reference == submission.id))
        assert row is not None
        return VisitStatus(row.status)


@pytest.fixture
def prolific(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProlific]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with FakeProlific() as running:
        monkeypatch.setenv(VARIABLE, running.token)
        yield running


@pytest.fixture
def sync_seconds() -> float:
    """How often Prolific is asked although it has announced nothing."""
    return NEVER


@pytest.fixture
def served(
    prolific: FakeProlific, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sync_seconds: float
) -> Iterator[Served]:
    """A run whose onboarding screens everyone out whose practice rating is "passable"."""
    monkeypatch.setattr(ProlificProvider, "sync_seconds", sync_seconds)
    settings: dict[str, Any] = {"api_url": prolific.api_url, "keep_token_in": "file"}
    with Database(tmp_path / "famulus.db") as database, Operator(database) as operator:
        register_requester(database, "prolific", "lab", **settings)
        launched = operator.launch(
            EXAMPLE / "conf/onboarding.yaml",
            overrides=[
                "provider=prolific",
                f"provider.site_url={prolific.site_url}",
                "provider.screen_out_reward=0.10",
                "provider.screen_out_slots=1",
                f"architect.port={free_port()}",
                "task.estimated_minutes=2",
            ],
            shared_state=SharedStaticTaskState(validate_onboarding=judge),
        )
        found = Served(prolific, operator, launched.url)
        wait_until(lambda: len(prolific.state.subscriptions) == 2, "the subscriptions")
        synced = operator._runs[launched.run_id].periodic_sync
        wait_until(lambda: synced.answered_at is not None, "the first sync")
        yield found


def judge(onboarding: Mapping[str, Any]) -> NotPassed:
    return NotPassed("We look for other readers.", screened_out=True)


@pytest.mark.parametrize(("copies", "newest_first"), [(1, False), (3, True)])
def test_what_is_announced_is_read_at_once_however_often_and_in_which_order(
    served: Served, copies: int, newest_first: bool
) -> None:
    (anna, hers), (_, his) = served.arrive(1), served.arrive(2)
    deliveries = served.prolific.deliveries
    deliveries.copies, deliveries.newest_first = copies, newest_first
    anna.give_back(hers)

    sent = deliveries.deliver()

    assert sent == len(served.prolific.state.events) > 3
    wait_until(lambda: served.status(hers) is RETURNED, "the return")
    assert served.status(his) is ACCEPTED
    with served.prolific.turn() as state:
        assert {one.is_confirmed for one in state.subscriptions.values()} == {True}


def test_a_study_that_pauses_when_its_screen_outs_are_used_up_is_started_again(
    served: Served,
) -> None:
    person = served.prolific.participant(1)
    submission, url = person.take(served.study.id)
    worker = ScriptedWorker(HttpTransport(served.url), person.id, query=lambda *_: parameters(url))
    refused = worker.open(submission.id).answer.text
    person.complete(submission, refused.partition("complete?cc=")[2][:12])
    assert submission.status is SubmissionStatus.SCREENED_OUT
    assert served.study.status is StudyStatus.PAUSED

    served.prolific.deliveries.deliver()

    wait_until(lambda: served.study.status is StudyStatus.ACTIVE, "the start")


@pytest.mark.parametrize("sync_seconds", [0.2])
def test_what_is_not_announced_is_noticed_all_the_same(served: Served) -> None:
    (anna, hers), (_, his) = served.arrive(1), served.arrive(2)

    anna.give_back(hers)

    wait_until(lambda: served.status(hers) is RETURNED, "the return")
    assert served.status(his) is ACCEPTED
    assert {one.attempts for one in served.prolific.state.events} == {0}


def test_a_request_that_prolific_has_not_signed_is_refused(served: Served) -> None:
    anna, hers = served.arrive(1)
    anna.give_back(hers)
    body = json.dumps({"event_type": "submission.status.change", "resource_id": hers.id})
    headers = {
        "X-Prolific-Request-Timestamp": f"{time.time():.0f}",
        "X-Prolific-Request-Signature": "Zm9yZ2Vk",
    }
    request = PlatformRequest(query={}, headers=headers, body=body.encode())

    assert HttpTransport(served.url).announce("prolific", request).status == 403
    assert served.status(hers) is ACCEPTED


def test_nothing_is_sent_to_a_run_that_has_ended(served: Served) -> None:
    served.operator.stop(1, now=True)

    assert served.prolific.state.subscriptions == {}
    assert served.study.status is StudyStatus.PAUSED
    assert served.prolific.deliveries.deliver() == 0
