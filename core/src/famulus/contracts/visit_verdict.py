"""The verdicts on a visit, as the platform gets them."""

from __future__ import annotations

from attrs import frozen


@frozen
class Verdict:
    """The base of all verdicts."""


@frozen
class Approve(Verdict):
    """The visit's whole reward is earned."""


@frozen
class Reject(Verdict):
    """Nothing is earned."""

    #: for the worker, one line for each unit that has a reason of its own
    reason: str
