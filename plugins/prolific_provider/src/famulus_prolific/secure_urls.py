"""Secure URLs: the token with which Prolific signs the address of an arrival."""

from __future__ import annotations

import contextlib
import threading
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from attrs import define, field

from famulus import FamulusError, UnavailableError
from famulus_prolific.arrivals import SESSION, STUDY, WORKER, Arrived

if TYPE_CHECKING:
    from famulus import Clock
    from famulus_prolific.api import ProlificApi

_KEY_SET = "/.well-known/study/jwks.json"
_ISSUER = "prolific.com"
_ALGORITHM = "RS256"
#: Keys are read again after a day, and for a key that is not known, at most this often.
_KEPT = timedelta(days=1)
_UNKNOWN_KEY = timedelta(seconds=30)
_AFTER_FAILURE = timedelta(seconds=5)
#: Seconds that clocks may differ by.
_LEEWAY = 30


class Signature(StrEnum):
    """Whether a token is the signature of its arrival."""

    #: Prolific has sent this participant here, just now
    VALID = "valid"
    #: Prolific has sent this participant here earlier, so that this may be a reload
    EXPIRED = "expired"
    #: Prolific has not signed this arrival
    FORGED = "forged"


@define(eq=False, kw_only=True)
class SecureUrls:
    """Verifies tokens by the keys that Prolific publishes. Threads share it."""

    api: ProlificApi
    clock: Clock
    _keys: dict[str, Any] = field(factory=dict, init=False)
    #: the last attempt to read them, and why it failed; empty if it did not
    _tried_at: datetime | None = field(default=None, init=False)
    _failure: str = field(default="", init=False)
    _mutex: threading.Lock = field(factory=threading.Lock, init=False)

    def verify(self, arrived: Arrived, url: str, workspace: str | None) -> Signature:
        """Return whether the token of an arrival is valid, expired or forged.

        :param url: the address that the study leads to.
        :param workspace: the id of the study's workspace; None if it is not known.
        :raises famulus.UnavailableError: when the keys cannot be read now, and when the token names
            a key that may have been published since they were read.
        """
        import jwt

        try:
            name = jwt.get_unverified_header(arrived.token).get("kid")
            key = self._key(name) if name else None
            if key is None:
                return Signature.FORGED
            claims = jwt.decode(
                arrived.token,
                key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                # Times are compared with the run's clock, the audience below.
                options={
                    "require": ["exp", "iat", "iss", "aud", "sub"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "verify_aud": False,
                },
            )
            is_theirs = _is_for(claims, arrived, url, workspace)
            expires = float(claims["exp"]) + _LEEWAY
        except (jwt.InvalidTokenError, TypeError, ValueError, AttributeError):
            return Signature.FORGED
        if not is_theirs:
            return Signature.FORGED
        now = self.clock().timestamp()
        return Signature.VALID if now <= expires else Signature.EXPIRED

    def _key(self, name: str) -> Any:
        """Return the key with this name; None if a reading that it has caused does not have it.

        :raises famulus.UnavailableError: when the keys cannot be read, or were read by another
            arrival so recently that they are not read again for this one.
        """
        with self._mutex:
            is_read = self._is_due(_KEPT if name in self._keys else _UNKNOWN_KEY)
            if is_read:
                self._tried_at = self.clock()
                try:
                    self._keys, self._failure = _read_keys(self.api), ""
                except FamulusError as error:
                    self._failure = str(error)
            found = self._keys.get(name)
            # A key that was known yesterday is better than no work for anyone.
            if found is None and self._failure:
                raise UnavailableError(f"Prolific's keys cannot be read: {self._failure}")
            if found is None and not is_read:
                seconds = f"{_UNKNOWN_KEY.total_seconds():g} seconds"
                raise UnavailableError(
                    f"the key {name!r} is not among Prolific's keys, which were read less than "
                    f"{seconds} ago: if it is new, the next arrival after that finds it"
                )
            return found

    def _is_due(self, after: timedelta) -> bool:
        """Return whether the keys are old enough to be read again.

        Arrivals wait while keys are read, so failed attempts are repeated only after a while.
        """
        if self._tried_at is None:
            return True
        return abs(self.clock() - self._tried_at) >= (_AFTER_FAILURE if self._failure else after)


def _read_keys(api: ProlificApi) -> dict[str, Any]:
    import jwt

    found = {}
    for each in (api.follow(_KEY_SET) or {}).get("keys", ()):
        if each.get("kty") == "RSA" and each.get("kid"):
            # A key that cannot be read must not make the other keys unusable.
            with contextlib.suppress(jwt.PyJWTError, ValueError):
                found[str(each["kid"])] = jwt.PyJWK(each, algorithm=_ALGORITHM).key
    return found


def _is_for(claims: dict[str, Any], arrived: Arrived, url: str, workspace: str | None) -> bool:
    """Return whether a token is about this arrival, at this address."""
    named = claims.get("prolific") or {}
    wanted = {WORKER: arrived.worker, STUDY: arrived.study, SESSION: arrived.session}
    if workspace is not None:
        wanted["workspace_id"] = workspace
    is_same = all(named.get(name) == value for name, value in wanted.items())
    audience = claims["aud"]
    given = audience if isinstance(audience, list) else [audience]
    return is_same and claims["sub"] == arrived.session and any(_leads_to(a, url) for a in given)


def _leads_to(audience: object, url: str) -> bool:
    """Return whether a token's audience names the site of an address.

    The documentation is inconsistent: it shows a whole address in one place, and only the domain in
    another.
    """
    wanted, given = urlsplit(url), urlsplit(str(audience))
    if not given.scheme:
        return str(audience) in (wanted.hostname, wanted.netloc)
    return (given.scheme, given.netloc) == (wanted.scheme, wanted.netloc)
