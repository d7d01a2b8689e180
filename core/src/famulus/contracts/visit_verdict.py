"""The verdicts on a visit, as the platform gets them."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen


@frozen
class Verdict:
    """The base of all verdicts."""


@frozen
class Approve(Verdict):
    """The visit's whole reward is earned.

    That is ``task.task_reward``, once. What a visit of several units has earned beyond it is paid
    as a bonus.
    """


@frozen
class ApprovePartially(Verdict):
    """A part of the visit's reward is earned, within ``Capabilities.partial_approvals``."""

    #: what is earned, in the currency of the run: more than nothing, and less than the reward
    amount: Decimal


@frozen
class RequestReturn(Verdict):
    """The worker is asked to return the visit. Used if ``Capabilities.requests_return`` is set.

    It decides nothing: the visit stays submitted until the worker returns it, and another verdict
    may follow.
    """

    #: for the worker
    reason: str


@frozen
class Reject(Verdict):
    """Nothing is earned."""

    #: for the worker, one line for each unit that has a reason of its own
    reason: str
    #: a name out of ``Capabilities.rejection_categories``; empty if there are none
    category: str = ""
