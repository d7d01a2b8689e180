"""Arrivals: the parameters that Prolific puts into the address of a participant."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import frozen

from famulus import Arrival, Preview, Refusal, RefusalReason
from famulus_prolific.catalogue import _

WORKER, STUDY, SESSION = "PROLIFIC_PID", "STUDY_ID", "SESSION_ID"
TOKEN = "prolific_token"
#: Prolific's own are 24 hexadecimal digits.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@frozen(kw_only=True)
class Arrived:
    """An arrival with the ids of a submission; Prolific has not confirmed them."""

    worker: str
    study: str
    session: str
    #: what Prolific has signed; empty if it has not
    token: str = ""

    @property
    def arrival(self) -> Arrival:
        """The arrival in the form of core's contract; it has no place, since places have no ids."""
        return Arrival(worker_name=self.worker, reference=self.session)


def not_ours(detail: str) -> Refusal:
    """Return the refusal of an address that leads to no work here."""
    return Refusal(reason=RefusalReason.UNKNOWN_LINK, detail=detail)


def read_arrival(query: Mapping[str, str]) -> Arrived | Preview | Refusal:
    """Return the arrival that parameters stand for, without a call to Prolific.

    A requester who looks at the study comes without these parameters, or with placeholders.
    """
    worker, study, session = (query.get(name, "").strip() for name in (WORKER, STUDY, SESSION))
    if not (worker or session) or "{{" in worker:
        return Preview()
    if not all(map(_ID.fullmatch, (worker, study, session))):
        return not_ours(_("Open the study from its page on Prolific."))
    return Arrived(worker=worker, study=study, session=session, token=query.get(TOKEN, "").strip())
