"""The keys of secure URLs: tokens, the published set, and rotation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt
from attrs import frozen
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from famulus_prolific.fake.records import Submission
from famulus_prolific.fake.state import State
from famulus_prolific.fake.timings import TOKEN_LIFE

_BITS = 2048


@frozen
class _Key:
    id: str
    private: RSAPrivateKey


class Signing:
    """Signs the addresses of secure studies. The caller holds the lock."""

    def __init__(self, state: State, private_keys: Iterable[RSAPrivateKey] = ()) -> None:
        self._state = state
        #: keys to use before others are made
        self._given = iter(private_keys)
        #: newest first; made when first needed, because making one is slow
        self._keys: list[_Key] = []

    def rotate(self, *, withdraw: bool = False) -> None:
        """Sign with a new key from now on.

        :param withdraw: whether the older keys are removed from the published set.
        """
        self._keys.insert(0, self._make())
        if withdraw:
            del self._keys[1:]

    def key_set(self) -> dict[str, Any]:
        """Return the published set of keys."""
        return {"keys": [_public(one) for one in self._known()]}

    def token(
        self, external_url: str, submission: Submission, parameters: Mapping[str, str]
    ) -> str:
        """Return the token of one address.

        :param parameters: the parameters of the query, and the workspace.
        """
        now, key = self._state.now, self._known()[0]
        claims = {
            "iss": "prolific.com",
            "iat": int(now.timestamp()),
            "exp": int((now + TOKEN_LIFE).timestamp()),
            "aud": self._audience(external_url),
            "sub": submission.id,
            "prolific": dict(parameters),
        }
        return jwt.encode(claims, key.private, algorithm="RS256", headers={"kid": key.id})

    def _audience(self, external_url: str) -> str:
        parts = urlsplit(external_url)
        origin = f"{parts.scheme}://{parts.netloc}"
        shapes = {"address": external_url, "origin": origin, "domain": parts.hostname or ""}
        return shapes[self._state.facts.audience]

    def _known(self) -> list[_Key]:
        if not self._keys:
            self._keys.append(self._make())
        return self._keys

    def _make(self) -> _Key:
        private = next(self._given, None) or generate_private_key(65_537, _BITS)
        return _Key(self._state.new_id(), private)


def _public(key: _Key) -> dict[str, Any]:
    known = RSAAlgorithm.to_jwk(key.private.public_key(), as_dict=True)
    return {**known, "kid": key.id, "alg": "RS256", "use": "sig"}
