"""The limits of a link."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Limits:
    """The limits of a link; None stands for no limit."""

    #: the most visits of a person; for an open link, the most people
    uses: int | None = None
    #: in seconds since 1970
    expires_at: int | None = None
