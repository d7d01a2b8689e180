"""A difference between a platform and the database, as ``famulus doctor`` lists it."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

#: Visits and workers that one sentence names.
NAMED = 5

Words = Sequence[str | int]


@frozen(kw_only=True)
class Difference:
    """One difference, and what to do about it.

    ``command`` holds the arguments of the ``famulus`` command that helps, if there is one;
    ``advice`` is what else to do.
    """

    #: None for what concerns no run: a requester's account, or the ``subject``
    run: int | None
    what: str
    command: Words = ()
    advice: str = ""
    subject: str = "requesters"


def named(visits: Sequence[tuple[str, str]]) -> str:
    """Name the first few visits, each by its reference and its worker."""
    shown = [f"{reference} of {worker}" for reference, worker in visits[:NAMED]]
    return ", ".join([*shown, *(["and more"] if len(visits) > NAMED else [])])
