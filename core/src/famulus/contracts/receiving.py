"""What a platform sends to a run by itself, and what its provider makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen
from attrs.validators import instance_of

from famulus.contracts.views import Reply


@frozen(kw_only=True)
class PlatformRequest:
    """A request to ``POST /platform/<provider type>``. Anyone can send one, with any content."""

    #: exactly as it was sent, since signatures are computed from its bytes; it was received whole,
    #: and has at most :attr:`Gateway.most_platform_bytes`
    body: bytes = field(repr=False)
    #: by their names in lower case; values that came in several headers are joined by commas
    headers: Mapping[str, str] = field(repr=False)
    #: the parameters of the address
    query: Mapping[str, str] = field(factory=dict, repr=False)


@frozen(kw_only=True)
class Received:
    """A request that the platform has certainly sent: what may have changed there, and the reply.

    Only a hint: the next sync reads the changes, so a request may come twice, late, in any order,
    or about known changes. Visits and runs that are unknown here have no effect.
    """

    #: references of visits that may have changed, in any run of this provider
    references: Sequence[str] = ()
    #: numbers of runs of this provider in which something may have changed
    runs: Sequence[int] = ()
    reply: Reply = field(
        factory=lambda: Reply(status=200, body="", content_type="text/plain"),
        validator=instance_of(Reply),
    )


@frozen(kw_only=True)
class Unverified:
    """A request that the platform may not have sent, or sent too long ago. It has no effect.

    The reply has the status 403 and says nothing else.
    """

    #: why, for the log
    note: str
