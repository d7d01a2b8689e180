"""Addresses of links, which cannot be made up: a random name and its signature.

The signing key is kept beside the database. So a link can be shown again without being stored, and
a copy of the database alone does not reveal links.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from functools import cached_property
from urllib.parse import urlencode

from famulus import Database

#: The parameter that a link has, and the one that numbers a worker's visits.
LINK, VISIT = "link", "visit"

_NAME = 16
_SIGNATURE = 32
_TOKEN = re.compile(f"[0-9a-f]{{{_NAME + _SIGNATURE}}}")


def new_name() -> str:
    """Return the name of a new link."""
    return secrets.token_hex(_NAME // 2)


class LinkSigner:
    """Signs and reads the links of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sign(self, name: str) -> str:
        """Return the token of a link, which is its parameter."""
        return name + self._signature(self._keys[0], name)

    def address(self, run_url: str, name: str) -> str:
        """Return the address of a link."""
        return f"{run_url}?{urlencode({LINK: self.sign(name)})}"

    def read(self, token: str) -> str | None:
        """Return the name in a token; None if it was not signed here."""
        if _TOKEN.fullmatch(token) is None:
            return None
        name, signature = token[:_NAME], token[_NAME:]
        for key in self._keys:
            if hmac.compare_digest(self._signature(key, name), signature):
                return name
        return None

    @cached_property
    def _keys(self) -> Sequence[bytes]:
        return self._database.signing_keys

    def _signature(self, key: bytes, name: str) -> str:
        text = f"famulus.links.{self._database.identity}.{name}".encode()
        return hmac.new(key, text, hashlib.sha256).hexdigest()[:_SIGNATURE]


def name_in(text: str) -> str | None:
    """Return the name of the link whose address, or token, is in a text; None if there is none.

    The link's signature is not checked.
    """
    found = _TOKEN.search(text)
    return None if found is None else found[0][:_NAME]
