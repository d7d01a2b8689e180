"""Arrivals: the parameters that MTurk appends to the address in its frame."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from attrs import frozen

from famulus import Arrival, Preview, Refusal, RefusalReason
from famulus_mturk.catalogue import _
from famulus_mturk.sites import is_among

#: MTurk's assignment id in a preview, before the HIT is accepted.
NOT_ACCEPTED = "ASSIGNMENT_ID_NOT_AVAILABLE"

_ID = re.compile(r"[A-Z0-9]{1,64}")
_WORKER_ID = re.compile(r"A[A-Z0-9]{1,63}")


@frozen(kw_only=True)
class Accepted:
    """An arrival with the ids of an accepted HIT; MTurk has not confirmed them."""

    assignment: str
    hit: str
    worker: str

    @property
    def arrival(self) -> Arrival:
        """The arrival in the form of core's contract.

        A HIT has one assignment, so it is a place for one visit at a time. After a return, MTurk
        gives the id of the assignment to the next worker who accepts, who may be the same worker.
        """
        return Arrival(worker_name=self.worker, reference=self.assignment, place=self.hit)


def read_arrival(query: Mapping[str, str], origins: Sequence[str]) -> Accepted | Preview | Refusal:
    """Return the arrival that parameters stand for, without a call to MTurk.

    :param origins: the origins that submissions may go to. Parameters with any other origin are
        forged: the worker's submission would go to a third party.
    """
    assignment = query.get("assignmentId", "").strip()
    if not assignment or assignment == NOT_ACCEPTED:
        return Preview()
    accepted = Accepted(
        assignment=assignment,
        hit=query.get("hitId", "").strip(),
        worker=query.get("workerId", "").strip(),
    )
    is_whole = (
        _ID.fullmatch(accepted.assignment)
        and _ID.fullmatch(accepted.hit)
        and _WORKER_ID.fullmatch(accepted.worker)
        and is_among(query.get("turkSubmitTo", "").strip(), origins)
    )
    if not is_whole:
        return Refusal(
            reason=RefusalReason.UNKNOWN_LINK, detail=_("Open the task from its page on MTurk.")
        )
    return accepted
