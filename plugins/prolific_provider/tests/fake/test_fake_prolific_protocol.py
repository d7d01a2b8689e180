"""The fake over HTTP: tokens, pages, errors, and the faults that a test can switch on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from famulus.testing.movable_clock import MovableClock
from famulus_prolific.fake import FakeProlific, Fault
from famulus_prolific.fake.api import OPERATIONS
from famulus_prolific.fake.routes import ROUTES

HandIn = Callable[..., str]


def test_every_route_has_an_operation() -> None:
    assert OPERATIONS.keys() == ROUTES.keys()


def test_a_wrong_token_is_refused(client: Any) -> None:
    reply = client.http.get("users/me/", headers={"Authorization": "Token other"})

    assert reply.status_code == 401
    assert reply.json()["error"]["status"] == 401


def test_a_missing_slash_is_a_redirect(client: Any) -> None:
    reply = client.send("GET", "users/me")

    assert reply.status_code == 301
    assert reply.headers["Location"] == "/api/v1/users/me/"


@pytest.mark.parametrize("envelope", [True, False])
def test_errors_may_have_no_envelope(prolific: FakeProlific, client: Any, envelope: bool) -> None:
    prolific.facts.errors_in_envelope = envelope

    reply = client.send("GET", f"studies/{'0' * 24}/")

    assert reply.status_code == 404
    assert ("error" in reply.json()) is envelope


def test_pages_link_to_the_next_and_end_with_404(client: Any) -> None:
    studies = [client.create() for _ in range(3)]

    first = client.ask("GET", "studies/", page_size=2)
    second = client.http.get(first["_links"]["next"]["href"]).json()

    listed = [one["id"] for one in first["results"] + second["results"]]
    assert listed == studies[::-1]
    assert second["_links"]["next"]["href"] is None
    assert client.send("GET", "studies/", page=3, page_size=2).status_code == 404


@pytest.mark.parametrize("needed", [True, False])
def test_workspaces_may_be_listed_only_with_a_limit(
    prolific: FakeProlific, client: Any, needed: bool
) -> None:
    prolific.facts.workspaces_need_limit = needed

    assert client.send("GET", "workspaces/").is_error is needed
    [workspace] = client.ask("GET", "workspaces/", limit=10)["results"]
    assert client.ask("GET", f"workspaces/{workspace['id']}/balance/")["available_balance"] > 0


def test_a_feature_that_the_workspace_lacks_is_refused(prolific: FakeProlific, client: Any) -> None:
    prolific.state.features.clear()

    with pytest.raises(AssertionError, match="permission to access this feature"):
        client.create(is_external_study_url_secure=True)


def test_throttling_says_when_to_come_again(prolific: FakeProlific, client: Any) -> None:
    prolific.faults.retry_after = 7
    prolific.faults.plan(Fault.THROTTLE, "get-me")

    reply = client.send("GET", "users/me/")

    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "7")
    assert [call.outcome for call in prolific.called("get-me")] == ["429"]


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        (Fault.FAIL, 0),
        (Fault.FAIL_AFTER, 1),
        (Fault.LOSE_REQUEST, 0),
        (Fault.LOSE_REPLY, 1),
        (Fault.TRUNCATE, 1),
        (Fault.GARBLE, 1),
    ],
)
def test_a_fault_comes_before_or_after_the_effect(
    prolific: FakeProlific, client: Any, fault: Fault, made: int
) -> None:
    prolific.faults.plan(fault, "create-study")

    with pytest.raises((AssertionError, httpx.TransportError, ValueError)):
        client.create()

    assert len(prolific.state.studies) == made
    assert client.create()


def test_a_request_delivered_twice_has_its_effect_twice(
    prolific: FakeProlific, client: Any
) -> None:
    prolific.faults.plan(Fault.TWICE, "create-study")

    client.create()

    assert len(prolific.state.studies) == 2


def test_a_rate_is_a_limit(prolific: FakeProlific, client: Any) -> None:
    seconds = 0.0
    prolific.faults.limit_rate(1, 1.0, timer=lambda: seconds)
    client.ask("GET", "users/me/")
    limited = client.send("GET", "users/me/").status_code

    seconds = 1.0

    assert limited == 429
    assert client.ask("GET", "users/me/")


def test_young_submissions_are_missing_from_late_lists(
    prolific: FakeProlific, client: Any, hand_in: HandIn, clock: MovableClock
) -> None:
    prolific.faults.lists_late = timedelta(minutes=2)
    study = client.launch()
    hand_in(study, 1)

    at_once = client.ask("GET", "submissions/", study=study)["meta"]["count"]
    clock.advance(120)

    assert at_once == 0
    assert client.ask("GET", "submissions/", study=study)["meta"]["count"] == 1


def test_a_request_can_be_held(prolific: FakeProlific, client: Any) -> None:
    with prolific.faults.holding("create-study") as gate:
        thread = threading.Thread(target=client.create)
        thread.start()
        assert gate.reached.wait(10)
        while_held = len(prolific.state.studies)
    thread.join()

    assert (while_held, len(prolific.state.studies)) == (0, 1)
