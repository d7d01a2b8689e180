"""Webhooks of the fake: the handshake, signatures, retries, and switching off."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import pytest

from famulus.testing.movable_clock import MovableClock
from famulus_prolific.fake import FakeProlific
from famulus_prolific.fake.listening import Handler, Listener

HandIn = Callable[..., str]
DAY = 24 * 3600


class Target(Listener):
    """Keeps what it is sent, and answers with ``status``."""

    def __init__(self) -> None:
        super().__init__(_TargetHandler)
        self.status = HTTPStatus.OK
        self.received: list[tuple[dict[str, str], bytes]] = []

    @property
    def statuses(self) -> list[str]:
        return [json.loads(body).get("status", "") for _, body in self.received]


class _TargetHandler(Handler):
    server: Target

    def answer(self) -> None:
        self.server.received.append((dict(self.headers), self.body()))
        self.send(self.server.status, "text/plain", b"")


@pytest.fixture
def target() -> Iterator[Target]:
    listening = Target()
    with listening.serving():
        yield listening


@pytest.fixture
def secret(prolific: FakeProlific, client: Any) -> str:
    [workspace] = prolific.state.workspaces
    return str(client.ask("POST", "hooks/secrets/", {"workspace_id": workspace})["value"])


def subscribe(
    prolific: FakeProlific, client: Any, target: str, event: str = "submission.status.change"
) -> str:
    """Subscribe and confirm; return the subscription's id."""
    [workspace] = prolific.state.workspaces
    body = {"event_type": event, "target_url": target, "workspace_id": workspace}
    reply = client.send("POST", "hooks/subscriptions/", body)
    assert reply.is_success, reply.text
    made = reply.json()
    found = str((made["results"][0] if "results" in made else made)["id"])
    confirmation = {"secret": reply.headers["X-Hook-Secret"]}
    client.ask("POST", f"hooks/subscriptions/{found}/", confirmation)
    return found


@pytest.mark.parametrize("in_list", [False, True])
def test_a_subscription_is_used_once_it_is_confirmed(
    prolific: FakeProlific, client: Any, target: Target, secret: str, in_list: bool
) -> None:
    prolific.facts.new_subscription_in_list = in_list
    [workspace] = prolific.state.workspaces
    body = {"event_type": "study.status.change", "target_url": target.origin}
    client.send("POST", "hooks/subscriptions/", {**body, "workspace_id": workspace})
    client.launch()
    prolific.deliveries.deliver()
    unconfirmed = len(target.received)

    subscribe(prolific, client, target.origin, "study.status.change")
    client.launch()

    assert (unconfirmed, prolific.deliveries.deliver()) == (0, 1)
    assert target.statuses == ["ACTIVE"]


def test_an_event_is_signed_and_names_the_participant(
    prolific: FakeProlific, client: Any, target: Target, secret: str
) -> None:
    subscribe(prolific, client, target.origin)
    submission = prolific.participant(1).reserve(client.launch())

    prolific.deliveries.deliver()

    [(headers, body)] = target.received
    signed = headers["X-Prolific-Request-Timestamp"].encode() + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    assert headers["X-Prolific-Request-Signature"] == base64.b64encode(expected).decode()
    assert headers["X-Event-ID"]
    assert json.loads(body) == {
        "event_type": "submission.status.change",
        "resource_id": submission.id,
        "participant_id": f"{1:024x}",
        "status": "RESERVED",
    }


def test_events_can_come_twice_and_in_another_order(
    prolific: FakeProlific, client: Any, target: Target, secret: str
) -> None:
    subscribe(prolific, client, target.origin)
    prolific.participant(1).take(client.launch())
    prolific.deliveries.copies, prolific.deliveries.newest_first = 2, True

    prolific.deliveries.deliver()

    assert target.statuses == ["ACTIVE", "ACTIVE", "RESERVED", "RESERVED"]
    assert len({headers["X-Event-ID"] for headers, _ in target.received}) == 2


def test_an_event_that_fails_is_sent_eleven_times_more_within_a_day(
    prolific: FakeProlific, client: Any, target: Target, secret: str, clock: MovableClock
) -> None:
    found = subscribe(prolific, client, target.origin)
    target.status = HTTPStatus.SERVICE_UNAVAILABLE
    prolific.participant(1).reserve(client.launch())

    for number in range(13):
        prolific.deliveries.deliver()
        clock.advance(50 * 2**number)

    [event] = client.ask("GET", f"hooks/subscriptions/{found}/events/")["results"]
    assert len(target.received) == 12
    assert event["status"] == "FAILED"


def test_failures_only_for_five_days_switch_a_subscription_off(
    prolific: FakeProlific, client: Any, target: Target, secret: str, clock: MovableClock
) -> None:
    found = subscribe(prolific, client, target.origin)
    target.status = HTTPStatus.SERVICE_UNAVAILABLE
    prolific.participant(1).reserve(client.launch())

    for _ in range(6):
        prolific.deliveries.deliver()
        clock.advance(DAY)
    off = client.ask("GET", f"hooks/subscriptions/{found}/")["is_enabled"]
    client.ask("PATCH", f"hooks/subscriptions/{found}/", {"is_enabled": True})

    assert off is False
    assert any(found in one for one in prolific.audit())
    client.ask("DELETE", f"hooks/subscriptions/{found}/")
    assert not any(found in one for one in prolific.audit())


def test_a_new_secret_replaces_the_old_one(
    prolific: FakeProlific, client: Any, secret: str
) -> None:
    [workspace] = prolific.state.workspaces
    made = client.ask("POST", "hooks/secrets/", {"workspace_id": workspace})

    listed = client.ask("GET", "hooks/secrets/", workspace_id=workspace)["results"]

    assert [one["value"] for one in listed] == [made["value"]]
    assert made["value"] != secret


def test_a_target_may_have_to_be_https(
    prolific: FakeProlific, client: Any, target: Target, secret: str
) -> None:
    prolific.facts.https_targets_only = True

    with pytest.raises(AssertionError, match="https address"):
        subscribe(prolific, client, target.origin)


def test_events_are_sent_by_themselves_once_started(
    prolific: FakeProlific, client: Any, target: Target, secret: str
) -> None:
    subscribe(prolific, client, target.origin, "study.status.change")
    prolific.deliveries.start()

    client.launch()

    assert prolific.deliveries.arrived.wait(30)
    assert target.statuses == ["ACTIVE"]


def test_events_can_be_carried_without_a_network(
    prolific: FakeProlific, client: Any, secret: str, clock: MovableClock
) -> None:
    carried: list[str] = []

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        carried.append(url)
        if len(carried) == 1:
            raise ConnectionError("no route")
        return HTTPStatus.OK

    prolific.deliveries.post = post
    subscribe(prolific, client, "https://tasks.example/platform/prolific")
    prolific.participant(1).reserve(client.launch())
    assert prolific.deliveries.deliver() == 0
    clock.advance(60)

    assert prolific.deliveries.deliver() == 1
    assert carried == ["https://tasks.example/platform/prolific"] * 2
