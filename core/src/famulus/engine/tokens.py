"""Signed tokens: they bind what a worker may do to the attempt made at their arrival."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from itsdangerous import BadSignature, Signer

#: Comes first in every signed text, so that later formats differ from this one.
_FORMAT = "1"
_ONBOARDING = "o"


class Tokens:
    """Sign and read the tokens of one run of one database.

    They do not expire: an open page stays valid.

    A *token* answers for the worker. A *ticket* only admits the body of a request; it may appear
    in addresses and access logs.

    :param keys: the first signs, all are accepted.
    :param database: the identity of the database, as several may share a key.
    """

    def __init__(self, keys: Sequence[bytes], database: str, run: int) -> None:
        def signer(purpose: str) -> Signer:
            salt = f"famulus.{purpose}.{database}.{run}"
            # Derived here, since a signer derives its keys again for each signature.
            derived = [_derived(key, salt) for key in keys]
            # itsdangerous signs with the last one.
            return Signer(
                [*reversed(derived)],
                salt=salt,
                key_derivation="none",
                digest_method=hashlib.sha256,
            )

        self._token = signer("agent")
        self._ticket = signer("ticket")

    def sign(self, agent: int, *, onboarding: bool = False) -> str:
        """Return the token of an agent."""
        return _sign(self._token, f"{agent}{_ONBOARDING if onboarding else ''}")

    def read(self, token: str) -> tuple[int, bool] | None:
        """Return the agent of a token and whether it is at the onboarding.

        None for a token that was not signed for this run.
        """
        text = _read(self._token, token)
        if text is None:
            return None
        return int(text.removesuffix(_ONBOARDING)), text.endswith(_ONBOARDING)

    def sign_ticket(self, agent: int) -> str:
        """Return the ticket of an agent."""
        return _sign(self._ticket, str(agent))

    def read_ticket(self, ticket: str) -> int | None:
        """Return the agent of a ticket; None for one that was not signed for this run."""
        text = _read(self._ticket, ticket)
        return None if text is None else int(text)


def _derived(key: bytes, salt: str) -> bytes:
    signer = Signer(key, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
    return signer.derive_key()


def _sign(signer: Signer, text: str) -> str:
    return signer.sign(f"{_FORMAT}.{text}").decode()


def _read(signer: Signer, signed: str) -> str | None:
    try:
        version, _, text = signer.unsign(signed.encode()).decode().partition(".")
    except (BadSignature, ValueError):
        return None
    return text if version == _FORMAT else None
