"""Signed tokens: each limits what its bearer may do to the attempt made at a worker's arrival."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from itsdangerous import Signer

#: Comes first in every signed text. The first format names an attempt by its number alone: that of
#: tickets, and of the tokens of attempts without a nonce.
_NUMBER, _NUMBER_AND_NONCE = "1", "2"
_ONBOARDING = "o"
_JSON = json.JSONEncoder(separators=(",", ":"))


class SignedArrival(NamedTuple):
    """The data from which an attempt's arrival is made again if a power failure undoes it."""

    unit: int
    #: in microseconds since 1970
    started_at: int
    worker_name: str
    reference: str
    accept: str
    #: of the URL that the worker came with
    query: Mapping[str, str]


class SignedAttempt(NamedTuple):
    """The attempt that a token was signed for."""

    agent: int
    #: None for an attempt that has none
    nonce: int | None
    onboarding: bool = False
    #: None if the arrival is on the disk: at the onboarding
    arrival: SignedArrival | None = None


class Tokens:
    """Sign and read the tokens of one run of one database.

    Tokens do not expire, so an open page stays valid. After a power failure that undid an arrival,
    another attempt may get the same number; the nonce distinguishes the two.

    A *token* allows acting for the worker. A *ticket* only admits the body of a request, so it may
    appear in addresses and access logs.

    :param keys: the first key signs, and signatures by all are accepted.
    :param database: the identity of the database, as several may share a key.
    """

    def __init__(self, keys: Sequence[bytes], database: str, run: int) -> None:
        self._token = _Signatures(keys, f"famulus.agent.{database}.{run}")
        self._ticket = _Signatures(keys, f"famulus.ticket.{database}.{run}")

    def sign(self, attempt: SignedAttempt) -> str:
        """Return the token of an attempt."""
        agent, nonce, onboarding, arrival = attempt
        number = f"{agent}{_ONBOARDING}" if onboarding else str(agent)
        if nonce is None:
            return self._token.sign(f"{_NUMBER}.{number}")
        facts = "" if arrival is None else _encoded(_JSON.encode(arrival).encode())
        return self._token.sign(f"{_NUMBER_AND_NONCE}.{number}.{nonce}.{facts}")

    def read(self, token: str) -> SignedAttempt | None:
        """Return the attempt of a token.

        Return None for a token that was not signed for this run, or by a later version in another
        format.
        """
        version, *parts = (self._token.read(token) or "").split(".")
        if version == _NUMBER and len(parts) == 1:
            agent, onboarding = _attempt(parts[0])
            return SignedAttempt(agent, None, onboarding)
        if version == _NUMBER_AND_NONCE and len(parts) == 3:
            number, nonce, facts = parts
            agent, onboarding = _attempt(number)
            return SignedAttempt(agent, int(nonce), onboarding, _arrival(facts) if facts else None)
        return None

    def sign_ticket(self, agent: int) -> str:
        """Return the ticket of an agent."""
        return self._ticket.sign(f"{_NUMBER}.{agent}")

    def read_ticket(self, ticket: str) -> int | None:
        """Return the agent of a ticket.

        Return None for a ticket that was not signed for this run, or by a later version in another
        format.
        """
        version, *parts = (self._ticket.read(ticket) or "").split(".")
        return int(parts[0]) if version == _NUMBER and len(parts) == 1 else None


class _Signatures:
    """Signs and reads texts for one purpose, in the format of itsdangerous.

    The ``Signer`` of itsdangerous derives its key and builds an HMAC object for each signature,
    which costs several times as much as the signature (measured). Here each key's HMAC object is
    built once, and copied for each signature.
    """

    def __init__(self, keys: Sequence[bytes], salt: str) -> None:
        signers = (
            Signer(key, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
            for key in keys
        )
        self._keys = [hmac.new(signer.derive_key(), digestmod="sha256") for signer in signers]

    def sign(self, text: str) -> str:
        """Return a text with its signature."""
        return f"{text}.{_signature(self._keys[0], text.encode())}"

    def read(self, signed: str) -> str | None:
        """Return the text, or None if it was not signed for this purpose."""
        text, _, signature = signed.rpartition(".")
        # Only ASCII can be compared, and only ASCII is ever signed.
        if not signed.isascii():
            return None
        for key in self._keys:
            if hmac.compare_digest(_signature(key, text.encode()), signature):
                return text
        return None


def _signature(key: hmac.HMAC, value: bytes) -> str:
    code = key.copy()
    code.update(value)
    return _encoded(code.digest())


def _encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _attempt(number: str) -> tuple[int, bool]:
    """Return the number of an attempt, and whether it is at the onboarding."""
    return int(number.removesuffix(_ONBOARDING)), number.endswith(_ONBOARDING)


def _arrival(facts: str) -> SignedArrival:
    return SignedArrival(*json.loads(urlsafe_b64decode(facts + "=" * (-len(facts) % 4)).decode()))
