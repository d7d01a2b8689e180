"""The participants' site of the fake, and the secure addresses that it sends them to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt import PyJWKSet
from jwt.algorithms import RSAAlgorithm

from famulus.testing.movable_clock import MovableClock
from famulus_prolific.fake import COMPLETION, FakeProlific, Fault

SOMEONE = f"{1:024x}"


@pytest.fixture
def browser(prolific: FakeProlific) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=prolific.site_url) as opened:
        opened.post("/sign-in", data={"participant_id": SOMEONE})
        yield opened


def begin(browser: httpx.Client, study: str) -> tuple[str, str]:
    """Return a submission's path and the address that it is worked on at."""
    submission = browser.post(f"/studies/{study}/reserve").headers["Location"]
    return submission, browser.post(f"{submission}/start").headers["Location"]


def test_a_browser_goes_to_the_task_and_comes_back_with_a_code(
    client: Any, browser: httpx.Client
) -> None:
    study = client.launch()
    listed = browser.get("/").text

    submission, address = begin(browser, study)
    done = browser.get("/submissions/complete", params={"cc": "DONE"})

    assert "Label pictures" in listed
    query = parse_qs(urlsplit(address).query)
    assert query["PROLIFIC_PID"] == [SOMEONE]
    assert submission.endswith(query["SESSION_ID"][0])
    assert "AWAITING REVIEW" in done.text
    assert browser.get("/submissions/complete", params={"cc": "DONE"}).is_success
    assert browser.get("/submissions/complete", params={"cc": "OTHER"}).status_code == 400


def test_a_browser_returns_a_submission(
    prolific: FakeProlific, client: Any, browser: httpx.Client
) -> None:
    submission, _ = begin(browser, client.launch())

    browser.post(f"{submission}/return")

    assert "RETURNED" in browser.get(submission).text


def test_one_browser_can_be_several_participants(client: Any, browser: httpx.Client) -> None:
    study = client.launch()
    begin(browser, study)
    assert 'action="/sign-in"' in browser.get("/sign-in").text

    browser.post("/sign-in", data={"participant_id": f"{2:024x}"})

    assert f"{2:024x}" in browser.get("/").text
    assert browser.post(f"/studies/{study}/reserve").status_code == 303


@pytest.mark.parametrize(
    ("fault", "status"), [(Fault.FAIL, "ACTIVE"), (Fault.FAIL_AFTER, "AWAITING REVIEW")]
)
def test_entering_a_code_can_fail(
    prolific: FakeProlific, client: Any, browser: httpx.Client, fault: Fault, status: str
) -> None:
    submission, _ = begin(browser, client.launch())
    prolific.faults.plan(fault, COMPLETION)

    reply = browser.get("/submissions/complete", params={"cc": "DONE"})

    assert reply.status_code == 503
    assert status in browser.get(submission).text


def test_nothing_is_done_for_a_browser_that_is_not_signed_in(
    prolific: FakeProlific, client: Any
) -> None:
    study = client.launch()

    assert httpx.post(f"{prolific.site_url}/studies/{study}/reserve").status_code == 400
    assert "Prolific ID" in httpx.get(prolific.site_url).text


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        ("origin", "https://tasks.example"),
        ("domain", "tasks.example"),
    ],
)
def test_a_secure_address_is_signed_by_a_published_key(
    prolific: FakeProlific, client: Any, clock: MovableClock, audience: str, expected: str
) -> None:
    prolific.facts.audience = audience
    _, address = prolific.participant(1).take(client.launch(is_external_study_url_secure=True))
    [token] = parse_qs(urlsplit(address).query)["prolific_token"]
    url = f"{prolific.api_url}/.well-known/study/jwks.json"

    keys = PyJWKSet.from_dict(httpx.get(url).json())

    key = keys[jwt.get_unverified_header(token)["kid"]]
    options: Any = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(
        token, key, algorithms=["RS256"], audience=expected, issuer="prolific.com", options=options
    )
    assert claims["exp"] - claims["iat"] == 120
    assert claims["prolific"]["PROLIFIC_PID"] == SOMEONE
    assert claims["prolific"]["SESSION_ID"] == claims["sub"]
    assert claims["prolific"]["workspace_id"] in prolific.state.workspaces


def test_keys_that_are_given_are_used_before_others_are_made(clock: MovableClock) -> None:
    key = generate_private_key(65_537, 2048)
    prolific = FakeProlific(clock, private_keys=[key])

    (given,) = prolific.signing.key_set()["keys"]
    prolific.signing.rotate(withdraw=True)
    (made,) = prolific.signing.key_set()["keys"]

    known = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    assert given["n"] == known["n"] != made["n"]


def test_keys_rotate(prolific: FakeProlific) -> None:
    def known() -> set[str]:
        return {one["kid"] for one in prolific.signing.key_set()["keys"]}

    first = known()
    prolific.signing.rotate()
    both = known()
    prolific.signing.rotate(withdraw=True)

    assert first < both
    assert not first & known()
