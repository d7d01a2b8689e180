"""Who comes: the parameters that MTurk appends to the address in its frame."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from attrs import frozen

from famulus import Arrival, Preview, Refusal, RefusalReason
from famulus_mturk.sites import is_among

#: What MTurk gives instead of an assignment id before somebody has accepted.
NOT_ACCEPTED = "ASSIGNMENT_ID_NOT_AVAILABLE"

_ID = re.compile(r"[A-Z0-9]{1,64}")
_WORKER_ID = re.compile(r"A[A-Z0-9]{1,63}")


@frozen(kw_only=True)
class Accepted:
    """A worker who says they have accepted a HIT."""

    assignment: str
    hit: str
    worker: str

    @property
    def arrival(self) -> Arrival:
        """The arrival as core has it. A HIT has one assignment, so it is one visit at a time; MTurk
        gives the assignment's id to the next worker after a return, and again to the same one.
        """
        return Arrival(worker_name=self.worker, reference=self.assignment, place=self.hit)


def read_arrival(query: Mapping[str, str], origins: Sequence[str]) -> Accepted | Preview | Refusal:
    """Say who comes with these parameters, without asking MTurk.

    :param origins: where submissions may go. An address that names another one is forged: the
        worker's submission would go to a stranger.
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
            reason=RefusalReason.UNKNOWN_LINK, detail="Open the task from its page on MTurk."
        )
    return accepted
