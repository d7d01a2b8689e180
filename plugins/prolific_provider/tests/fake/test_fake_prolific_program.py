"""The program ``python -m famulus_prolific.fake`` and its console."""

from __future__ import annotations

import queue
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus

import httpx
import pytest

from fake_program import running_fake
from famulus import PlatformRequest, Received, system_clock
from famulus_prolific.fake import TOKEN
from famulus_prolific.fake.listening import Handler, Listener
from famulus_prolific.receiving import Receiver

COMMAND = [sys.executable, "-m", "famulus_prolific.fake"]
STUDY = {
    "name": "Label pictures",
    "description": "What is on it?",
    "external_study_url": "https://tasks.example/",
    "prolific_id_option": "url_parameters",
    "total_available_places": 1,
    "estimated_completion_time": 5,
    "reward": 100,
    "completion_codes": [
        {"code": "DONE", "code_type": "COMPLETED", "actions": [{"action": "MANUALLY_REVIEW"}]}
    ],
}
pytestmark = pytest.mark.slow


@pytest.fixture
def running() -> Iterator[int]:
    """The first port of a fake that runs by itself."""
    with running_fake(COMMAND, ports=3) as first:
        yield first


def test_the_program_serves_the_api_the_site_and_a_console(running: int) -> None:
    api = f"http://127.0.0.1:{running}/api/v1/users/me/"
    console = f"http://127.0.0.1:{running + 2}"
    headers = {"Authorization": f"Token {TOKEN}"}
    before = httpx.get(console).json()

    after = httpx.post(f"{console}/advance", params={"seconds": 86_400}).json()
    httpx.post(f"{console}/fault", params={"kind": "THROTTLE", "operation": "get-me"})

    assert httpx.get(api, headers=headers).status_code == 429
    assert httpx.get(api, headers=headers).json()["available_balance"] == 1250
    assert httpx.get(f"http://127.0.0.1:{running + 1}").is_success
    assert before["now"][:10] < after["now"][:10]
    assert httpx.get(console).json()["calls"] == {"get-me: 429": 1, "get-me: 200": 1}
    assert httpx.post(f"{console}/fault", params={"kind": "NONE"}).status_code == 400


class Target(Listener):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(_TargetHandler)
        self.received: queue.Queue[PlatformRequest] = queue.Queue()


class _TargetHandler(Handler):
    server: Target

    def answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.put(PlatformRequest(headers=headers, body=self.body()))
        self.send(HTTPStatus.OK, "text/plain", b"")


@pytest.mark.parametrize("days", [0, 30])
def test_announcements_are_accepted_after_the_clock_of_the_fake_was_moved(
    running: int, days: int
) -> None:
    headers = {"Authorization": f"Token {TOKEN}"}
    base_url = f"http://127.0.0.1:{running}/api/v1/"
    target = Target()
    with target.serving(), httpx.Client(base_url=base_url, headers=headers) as api:
        workspace = api.get("workspaces/", params={"limit": 10}).json()["results"][0]["id"]
        secret = api.post("hooks/secrets/", json={"workspace_id": workspace}).json()["value"]
        body = {"event_type": "study.status.change", "target_url": target.origin}
        made = api.post("hooks/subscriptions/", json={**body, "workspace_id": workspace})
        handshake = {"secret": made.headers["X-Hook-Secret"]}
        api.post(f"hooks/subscriptions/{made.json()['id']}/", json=handshake)
        console = f"http://127.0.0.1:{running + 2}"
        httpx.post(f"{console}/advance", params={"seconds": days * 24 * 3600})
        study = api.post("studies/", json=STUDY).json()["id"]
        api.post(f"studies/{study}/transition/", json={"action": "PUBLISH"})
        request = target.received.get(timeout=30)
    receiver = Receiver(
        clock=system_clock, secret=lambda: secret, runs_of=lambda studies: dict.fromkeys(studies, 7)
    )

    assert receiver.receive(request) == Received(runs=(7,))


def test_ports_that_are_taken_end_the_program_with_a_sentence(running: int) -> None:
    done = subprocess.run(
        [*COMMAND, "--port", str(running)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr == (
        f"cannot listen on the ports {running} to {running + 2}: Address already in use\n"
    )
