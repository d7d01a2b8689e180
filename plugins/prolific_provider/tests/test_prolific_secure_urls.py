"""Tokens of secure URLs, by keys that are published and change."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from famulus import UnavailableError
from famulus.testing import MovableClock
from famulus_prolific.api import ProlificApi
from famulus_prolific.arrivals import Arrived
from famulus_prolific.secure_urls import SecureUrls, Signature

URL = "https://tasks.example.org/run/"


@cache
def key(name: str) -> RSAPrivateKey:
    """Return the private key of a name, since making one is slow."""
    return generate_private_key(65537, 2048)


class Site:
    """Publishes keys, and counts how often they are read."""

    def __init__(self, clock: MovableClock) -> None:
        self.clock = clock
        self.names = ["first"]
        self.is_away = False
        self.reads = 0
        self.broken: list[dict[str, str]] = []
        api = ProlificApi("a-token", transport=httpx.MockTransport(self._answer), clock=clock)
        self.urls = SecureUrls(api=api, clock=clock)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/.well-known/study/jwks.json"
        self.reads += 1
        if self.is_away:
            return httpx.Response(503)
        public = [RSAAlgorithm.to_jwk(key(each).public_key(), as_dict=True) for each in self.names]
        named = [{**each, "kid": name} for each, name in zip(public, self.names, strict=True)]
        return httpx.Response(200, json={"keys": [*self.broken, *named]})

    def token(self, *, signed: str = "first", kid: str = "", **changes: Any) -> str:
        """Return a token that is valid but for what is changed."""
        now = self.clock()
        claims = {
            "iss": "prolific.com",
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=2)).timestamp()),
            "aud": URL + "?PROLIFIC_PID={{%PROLIFIC_PID%}}",
            "sub": "session",
            "prolific": {
                "PROLIFIC_PID": "worker",
                "STUDY_ID": "study",
                "SESSION_ID": "session",
                "workspace_id": "workspace",
            },
            **changes,
        }
        given = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(given, key(signed), algorithm="RS256", headers={"kid": kid or signed})

    def verify(self, token: str, **changes: str) -> Signature:
        arrived = {"worker": "worker", "study": "study", "session": "session", **changes}
        return self.urls.verify(Arrived(token=token, **arrived), URL, "workspace")


@pytest.fixture
def site(clock: MovableClock) -> Site:
    return Site(clock)


@pytest.mark.parametrize(
    "audience", [URL, URL + "?a=b", "https://tasks.example.org", "tasks.example.org", ["x", URL]]
)
def test_audience_is_the_address_the_origin_or_the_domain(site: Site, audience: object) -> None:
    assert site.verify(site.token(aud=audience)) is Signature.VALID


def test_an_expired_token_is_not_a_forged_one(site: Site, clock: MovableClock) -> None:
    token = site.token()
    assert site.verify(token) is Signature.VALID

    clock.advance(5 * 60)

    assert site.verify(token) is Signature.EXPIRED


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "prolific.example"},
        {"aud": "https://elsewhere.example/run/"},
        {"aud": "http://tasks.example.org/run/"},
        {"sub": "another"},
        {"exp": None},
        {"exp": "soon"},
        {"prolific": None},
        {"prolific": []},
        {"prolific": {"PROLIFIC_PID": "worker", "STUDY_ID": "study", "SESSION_ID": "session"}},
        {"signed": "second", "kid": "first"},
        {"signed": "second"},
    ],
    ids=str,
)
def test_a_forged_or_foreign_token_is_refused(site: Site, changes: Mapping[str, Any]) -> None:
    assert site.verify(site.token(**changes)) is Signature.FORGED


@pytest.mark.parametrize("name", ["worker", "study", "session"])
def test_the_token_of_another_arrival_is_refused(site: Site, name: str) -> None:
    assert site.verify(site.token(), **{name: "another"}) is Signature.FORGED


def test_a_token_of_another_algorithm_is_refused(site: Site) -> None:
    claims, headers = {"sub": "session"}, {"kid": "first"}
    for token in (
        jwt.encode(claims, "", algorithm="none", headers=headers),
        jwt.encode(claims, "s" * 64, algorithm="HS256", headers=headers),
        "a.b.c",
        "",
    ):
        assert site.verify(token) is Signature.FORGED


def test_a_new_key_is_read_when_it_is_first_needed(site: Site, clock: MovableClock) -> None:
    site.verify(site.token())
    site.names = ["second"]
    clock.advance(60)

    assert site.verify(site.token(signed="second")) is Signature.VALID
    clock.advance(30)
    assert site.verify(site.token(signed="first")) is Signature.FORGED
    assert site.reads == 3


def test_unknown_keys_cost_few_calls(site: Site) -> None:
    for _ in range(5):
        with suppress(UnavailableError):
            site.verify(site.token(signed="second"))

    assert site.reads == 1


@pytest.mark.parametrize("cause", ["a known key", "an unknown key"])
def test_a_key_that_may_have_been_published_since_the_last_reading_is_not_called_forged(
    site: Site, clock: MovableClock, cause: str
) -> None:
    site.verify(site.token(signed="first" if cause == "a known key" else "third"))
    site.names = ["second", "first"]
    token = site.token(signed="second")

    for _ in range(3):
        clock.advance(9)
        with pytest.raises(UnavailableError, match="'second' is not among Prolific's keys"):
            site.verify(token)
    assert site.reads == 1

    clock.advance(3)
    assert site.verify(token) is Signature.VALID
    assert site.reads == 2


@pytest.mark.parametrize("name", ["first", "second"])
def test_few_arrivals_wait_for_prolific_while_it_is_away(
    site: Site, clock: MovableClock, name: str
) -> None:
    site.verify(site.token())
    site.is_away = True
    clock.advance(2 * 24 * 3600)

    for _ in range(5):
        with suppress(UnavailableError):
            site.verify(site.token(signed=name))
    assert site.reads == 2

    site.is_away, site.names = False, ["first", "second"]
    clock.advance(5)
    assert site.verify(site.token(signed="second")) is Signature.VALID


def test_a_key_that_cannot_be_read_keeps_out_no_other(site: Site, clock: MovableClock) -> None:
    site.broken = [{"kty": "RSA", "kid": "broken", "n": "?"}]

    assert site.verify(site.token()) is Signature.VALID
    clock.advance(30)
    assert site.verify(site.token(kid="broken")) is Signature.FORGED


def test_a_known_key_works_while_prolific_is_away(site: Site, clock: MovableClock) -> None:
    site.verify(site.token())
    site.is_away = True
    clock.advance(2 * 24 * 3600)

    assert site.verify(site.token()) is Signature.VALID
    with pytest.raises(UnavailableError):
        site.verify(site.token(signed="second"))
