"""Signed tokens: what a worker may do is bound to the agent their arrival made."""

from __future__ import annotations

import hashlib

from itsdangerous import BadSignature, Signer

_ONBOARDING = "o"


class Tokens:
    """Sign and read the tokens of one run. They hold no time: an open page stays good."""

    def __init__(self, key: bytes, run: int) -> None:
        self._signer = Signer(
            key, salt=f"famulus.agent.{run}", key_derivation="hmac", digest_method=hashlib.sha256
        )

    def sign(self, agent: int, *, onboarding: bool = False) -> str:
        """Return the token of an agent."""
        return self._signer.sign(f"{agent}{_ONBOARDING if onboarding else ''}").decode()

    def read(self, token: str) -> tuple[int, bool] | None:
        """Return the agent of a token and whether it is at the onboarding; None for a token that
        nobody here has signed."""
        try:
            text = self._signer.unsign(token.encode()).decode()
            return int(text.removesuffix(_ONBOARDING)), text.endswith(_ONBOARDING)
        except (BadSignature, ValueError):
            return None
