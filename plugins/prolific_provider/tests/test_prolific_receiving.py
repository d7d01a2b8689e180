"""Requests that Prolific sends: signed, forged, repeated, reordered, and about others' studies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

import pytest
from attrs import define, evolve, field

from famulus import PlatformRequest, Received, UnavailableError, Unverified
from famulus.testing.movable_clock import MovableClock
from famulus_prolific.receiving import Receiver

SECRET = "the secret of the workspace"
DAY = 24 * 3600


@define
class Platform:
    """What a receiver asks."""

    secret: str | None = SECRET
    is_down: bool = False
    asked: int = 0
    runs: Mapping[str, int] = field(factory=lambda: {"a-study": 7})

    def read(self) -> str | None:
        self.asked += 1
        if self.is_down:
            raise UnavailableError("Prolific cannot be reached")
        return self.secret


@pytest.fixture
def platform() -> Platform:
    """The platform."""
    return Platform()


@pytest.fixture
def receiver(platform: Platform, clock: MovableClock) -> Receiver:
    """The receiver of a serving process."""
    return Receiver(
        clock=clock,
        secret=platform.read,
        runs_of=lambda studies: {
            each: platform.runs[each] for each in studies if each in platform.runs
        },
    )


def request(
    clock: MovableClock,
    event: str = "submission.status.change",
    resource: str = "a-submission",
    secret: str = SECRET,
) -> PlatformRequest:
    body = json.dumps({"event_type": event, "resource_id": resource, "status": "APPROVED"}).encode()
    at = str(int(clock().timestamp()))
    digest = hmac.new(secret.encode(), at.encode() + body, hashlib.sha256).digest()
    headers = {
        "x-prolific-request-timestamp": at,
        "x-prolific-request-signature": base64.b64encode(digest).decode(),
        "x-event-id": "an-event",
    }
    return PlatformRequest(body=body, headers=headers)


@pytest.mark.parametrize(
    ("event", "resource", "expected"),
    [
        ("submission.status.change", "a-submission", Received(references=("a-submission",))),
        ("study.status.change", "a-study", Received(runs=(7,))),
        ("study.status.change", "of another program", Received()),
        ("something.new", "a-thing", Received()),
    ],
)
def test_a_request_names_what_it_is_about(
    receiver: Receiver, clock: MovableClock, event: str, resource: str, expected: Received
) -> None:
    found = [receiver.receive(request(clock, event, resource)) for _ in range(2)]

    assert found == [expected] * 2


def test_requests_are_taken_in_any_order(receiver: Receiver, clock: MovableClock) -> None:
    older = request(clock)
    clock.advance(DAY)
    newer = request(clock, "study.status.change", "a-study")

    assert receiver.receive(newer) == Received(runs=(7,))
    assert receiver.receive(older) == Received(references=("a-submission",))


def test_forged_requests_are_not_verified(receiver: Receiver, clock: MovableClock) -> None:
    good = request(clock)
    forged = [
        evolve(good, body=good.body.replace(b"APPROVED", b"REJECTED")),
        evolve(good, body=good.body + b" "),
        evolve(good, headers={}),
        evolve(good, headers={**good.headers, "x-prolific-request-timestamp": "1"}),
        evolve(good, headers={**good.headers, "x-prolific-request-signature": "\udcff"}),
        request(clock, secret="another secret"),
    ]

    assert all(isinstance(receiver.receive(each), Unverified) for each in forged)
    assert isinstance(receiver.receive(good), Received)


@pytest.mark.parametrize("seconds", [27 * 3600, -3600])
def test_a_request_of_another_time_is_not_verified(
    receiver: Receiver, clock: MovableClock, seconds: int
) -> None:
    found = request(clock)
    if seconds > 0:
        clock.advance(seconds)
    else:
        later = MovableClock()
        later.advance(-seconds)
        found = request(later)

    assert isinstance(receiver.receive(found), Unverified)


def test_forged_requests_make_few_calls(
    receiver: Receiver, platform: Platform, clock: MovableClock
) -> None:
    for _ in range(20):
        receiver.receive(request(clock, secret="guessed"))
        clock.advance(1)

    assert platform.asked == 1
    assert isinstance(receiver.receive(request(clock)), Received)


def test_a_secret_that_was_replaced_elsewhere_is_read_again(
    receiver: Receiver, platform: Platform, clock: MovableClock
) -> None:
    receiver.receive(request(clock))
    platform.secret = "a new one"
    clock.advance(61)

    assert isinstance(receiver.receive(request(clock, secret="a new one")), Received)


def test_a_secret_is_read_again_after_the_clock_was_set_back(
    receiver: Receiver, platform: Platform, clock: MovableClock
) -> None:
    receiver.receive(request(clock))
    platform.secret = "a new one"
    clock.advance(-DAY)

    assert isinstance(receiver.receive(request(clock, secret="a new one")), Received)


@pytest.mark.parametrize(("seconds", "is_taken"), [(600, True), (601, False)])
def test_the_clock_that_signs_may_be_ten_minutes_ahead(
    receiver: Receiver, clock: MovableClock, seconds: int, is_taken: bool
) -> None:
    signed = request(clock)
    clock.advance(-seconds)

    assert isinstance(receiver.receive(signed), Received) is is_taken


def test_prolific_is_asked_to_come_again_while_the_secret_cannot_be_read(
    receiver: Receiver, platform: Platform, clock: MovableClock
) -> None:
    platform.is_down = True
    with pytest.raises(UnavailableError):
        receiver.receive(request(clock))

    platform.is_down = False
    clock.advance(61)

    assert isinstance(receiver.receive(request(clock)), Received)


def test_what_is_signed_and_cannot_be_read_is_about_nothing(
    receiver: Receiver, clock: MovableClock
) -> None:
    at = str(int(clock().timestamp()))
    digest = hmac.new(SECRET.encode(), at.encode() + b"[]", hashlib.sha256).digest()
    headers = {
        "x-prolific-request-timestamp": at,
        "x-prolific-request-signature": base64.b64encode(digest).decode(),
    }

    assert receiver.receive(PlatformRequest(body=b"[]", headers=headers)) == Received()
