"""A fake Prolific, a client of its API, and the study that most tests start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from famulus.testing.movable_clock import MovableClock
from famulus_prolific.fake import FakeProlific

URL = "https://tasks.example/?PROLIFIC_PID={{%PROLIFIC_PID%}}&SESSION_ID={{%SESSION_ID%}}"
DONE = {"code": "DONE", "code_type": "COMPLETED", "actions": [{"action": "MANUALLY_REVIEW"}]}


class Client:
    """Sends requests and reads the JSON of the replies."""

    def __init__(self, base_url: str, token: str) -> None:
        headers = {"Authorization": f"Token {token}"}
        self.http = httpx.Client(base_url=f"{base_url}/api/v1/", headers=headers)

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        return self.http.request(method, path, json=body, params=query)

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Return the JSON of a reply that is a success."""
        reply = self.send(method, path, body, **query)
        assert reply.is_success, reply.text
        return reply.json() if reply.content else None

    def create(self, **changes: Any) -> str:
        """Create a draft: 1 pound for five minutes, two places."""
        members = {
            "name": "Label pictures",
            "description": "What is on it?",
            "external_study_url": URL,
            "prolific_id_option": "url_parameters",
            "total_available_places": 2,
            "estimated_completion_time": 5,
            "reward": 100,
            "completion_codes": [DONE],
        }
        return str(self.ask("POST", "studies/", members | changes)["id"])

    def move(self, study_id: str, action: str) -> str:
        """Return the status of a study after a transition."""
        body = {"action": action}
        return str(self.ask("POST", f"studies/{study_id}/transition/", body)["status"])

    def launch(self, **changes: Any) -> str:
        study_id = self.create(**changes)
        self.move(study_id, "PUBLISH")
        return study_id

    def status(self, study_id: str) -> str:
        return str(self.ask("GET", f"studies/{study_id}/")["status"])

    def decide(self, submission_id: str, action: str, **more: Any) -> httpx.Response:
        body = {"action": action, **more}
        return self.send("POST", f"submissions/{submission_id}/transition/", body)


@pytest.fixture
def prolific(clock: MovableClock) -> Iterator[FakeProlific]:
    with FakeProlific(clock) as running:
        yield running


@pytest.fixture
def client(prolific: FakeProlific) -> Iterator[Client]:
    client = Client(prolific.api_url, prolific.token)
    yield client
    client.http.close()


@pytest.fixture
def hand_in(prolific: FakeProlific) -> Callable[..., str]:
    """A function with which a participant hands in; it returns the submission's id."""

    def take_and_complete(study_id: str, number: int, code: str | None = "DONE") -> str:
        person = prolific.participant(number)
        submission, _ = person.take(study_id)
        person.complete(submission, code)
        return submission.id

    return take_and_complete
