"""Switches for facts that MTurk's documentation leaves open; tests try each position."""

from __future__ import annotations

from attrs import define

from famulus_mturk.fake.errors import PREFIX, ApiError


@define(kw_only=True)
class Facts:
    """Assumptions about undocumented behaviour of the service."""

    #: error codes as requesters report them, ``HITAlreadyExists``, or as AWS's documentation
    #: spells them, ``HitAlreadyExists``
    codes_as_reported: bool = True
    #: whether errors carry MTurk's own code; otherwise they have only a message
    codes_given: bool = True
    #: what "has already been created" names: the ``hit``, the ``request``, as the page on request
    #: tokens promises, or ``nothing``
    duplicate_names: str = "hit"
    #: the code of keys that have expired
    expired_code: str = "ExpiredTokenException"
    #: whether blocking twice, and unblocking a worker who is not blocked, are errors
    blocks_are_strict: bool = False
    #: whether lists show a text with other white space than it was sent with
    texts_are_folded: bool = False

    def code_of(self, error: ApiError) -> str:
        """Return the code with which an error is sent."""
        if not self.codes_given:
            return ""
        name = error.code.removeprefix(PREFIX)
        if not self.codes_as_reported and name.startswith("HIT"):
            name = f"Hit{name[3:]}"
        return f"{PREFIX}{name}" if error.code else ""
