"""Signed tokens: they bind what a worker may do to the attempt made at their arrival."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence

from itsdangerous import Signer

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
        self._token = _Signatures(keys, f"famulus.agent.{database}.{run}")
        self._ticket = _Signatures(keys, f"famulus.ticket.{database}.{run}")

    def sign(self, agent: int, *, onboarding: bool = False) -> str:
        """Return the token of an agent."""
        return self._token.sign(f"{agent}{_ONBOARDING if onboarding else ''}")

    def read(self, token: str) -> tuple[int, bool] | None:
        """Return the agent of a token and whether it is at the onboarding.

        None for a token that was not signed for this run.
        """
        text = self._token.read(token)
        if text is None:
            return None
        return int(text.removesuffix(_ONBOARDING)), text.endswith(_ONBOARDING)

    def sign_ticket(self, agent: int) -> str:
        """Return the ticket of an agent."""
        return self._ticket.sign(str(agent))

    def read_ticket(self, ticket: str) -> int | None:
        """Return the agent of a ticket; None for one that was not signed for this run."""
        text = self._ticket.read(ticket)
        return None if text is None else int(text)


class _Signatures:
    """Signed texts of one purpose, as itsdangerous makes them.

    Its ``Signer`` derives its key and constructs what computes an HMAC for each signature, which
    costs several times what the signature does (measured).
    """

    def __init__(self, keys: Sequence[bytes], salt: str) -> None:
        signers = (
            Signer(key, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
            for key in keys
        )
        self._keys = [signer.derive_key() for signer in signers]

    def sign(self, text: str) -> str:
        """Return a text with its signature."""
        signed = f"{_FORMAT}.{text}"
        return f"{signed}.{_signature(self._keys[0], signed.encode())}"

    def read(self, signed: str) -> str | None:
        """Return the text, or None where it was not signed for this purpose."""
        value, _, signature = signed.rpartition(".")
        version, _, text = value.partition(".")
        # Only ASCII can be compared, and only ASCII is ever signed.
        if version != _FORMAT or not signed.isascii():
            return None
        for key in self._keys:
            if hmac.compare_digest(_signature(key, value.encode()), signature):
                return text
        return None


def _signature(key: bytes, value: bytes) -> str:
    return urlsafe_b64encode(hmac.digest(key, value, "sha256")).rstrip(b"=").decode()
