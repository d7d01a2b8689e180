"""One place of a platform is one visit: who has it, and when somebody else may have it.

A platform's addresses are not signed, and it does not say who is at work. So a place stays with
the visit that has it until the platform, its deadline or its worker ends that visit. One exception
keeps workers from waiting in vain: a platform that takes a place back from somebody may give it to
the next worker under the same reference, which nobody else knows.

Everything here happens inside a transaction and calls no third-party code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import peewee
from attrs import evolve, frozen

from famulus.contracts.provider import Arrival
from famulus.contracts.views import Refusal, RefusalReason
from famulus.engine.arrival import Known, Rules
from famulus.engine.giving import make_visit
from famulus.engine.release import Attempted, end_visit, take_back
from famulus.model.fields import to_micros
from famulus.model.statements import Kind, Param, Statement
from famulus.model.states import OPEN_AGENTS, OPEN_VISITS, AgentStatus, VisitStatus
from famulus.model.tables import Agent, Visit, literals
from famulus.model.transaction import Transaction

#: A place passes on so often before the platform or a deadline has to end a visit: those who had
#: it can still send late answers, and one accepted place must not serve any number of workers.
MOST_HANDOVERS = 4
_CAUSE = "place passed on"

_HOLDER = Statement(
    Visit.select(Visit.id, Visit.worker, Visit.reference, Visit.done_at, Visit.handovers).where(
        Visit.run == Param("run"),
        Visit.place == Param("place"),
        # Said so, the index of taken places is used.
        Visit.place != peewee.SQL("''"),
        Visit.status << literals(*OPEN_VISITS),
    )
)
_NEWEST_AGENT = Statement(
    Agent.select(Agent.id, Agent.status, Agent.unit, Agent.submission_id)
    .where(Agent.visit == Param("visit"))
    .order_by(Agent.id.desc())
    .limit(1)
)
_ARRIVED_AGAIN = Statement(
    Visit.update({Visit.last_arrived_at: Param("at")}).where(
        Visit.id == Param("visit"), Visit.place != peewee.SQL("''")
    )
)


def lock_place(tx: Transaction, run: int, place: str) -> None:
    """Let no other transaction decide about a place until the commit; called once the worker is
    held, and before the arrival is recognised. On SQLite there is only one that writes.
    """
    if place and tx.kind is Kind.POSTGRESQL:
        digest = hashlib.blake2b(f"place {run} {place}".encode(), digest_size=8).digest()
        tx.sql("SELECT pg_advisory_xact_lock(%s)", (int.from_bytes(digest, "big", signed=True),))


def note_arrival(tx: Transaction, arrival: Arrival, known: Known) -> None:
    """Note when somebody has come back to a visit that has a place: whoever came last is the one
    that the platform has given it to.
    """
    visit = known.visit or getattr(known.found, "visit", None)
    if arrival.place and visit is not None:
        tx.run(_ARRIVED_AGAIN, visit=visit, at=to_micros(tx.now))


def refuse_stranger(tx: Transaction, rules: Rules, arrival: Arrival) -> Refusal | None:
    """Refuse somebody who is not known here yet and names a place that another visit has, or return
    None. Nothing is written of them: anybody can make up workers.
    """
    holder = _read_holder(tx, rules.run, arrival.place) if arrival.place else None
    if holder is None or holder.may_pass_to(arrival):
        return None
    return Refusal(reason=RefusalReason.PLACE_TAKEN)


def claim_place(
    tx: Transaction, rules: Rules, arrival: Arrival, known: Known, query: Mapping[str, str]
) -> Known:
    """Return what is known of an arrival once its place is free for a new visit; with a refusal
    where another visit has the place, and with the new visit where it has passed on. The place has
    to be held.
    """
    if not arrival.place or known.visit is not None or known.found is not None:
        return known
    holder = _read_holder(tx, rules.run, arrival.place)
    if holder is None:
        return known
    if not holder.may_pass_to(arrival):
        note = f"place {arrival.place} belongs to visit {holder.visit}"
        return evolve(known, found=Refusal(reason=RefusalReason.PLACE_TAKEN, note=note))
    if holder.attempt is not None:
        take_back(
            tx,
            [holder.attempt],
            run=rules.run,
            new=AgentStatus.RETURNED,
            cause=_CAUSE,
            visit_becomes=None,
        )
    end_visit(tx, rules.run, holder.visit, VisitStatus.RETURNED, _CAUSE)
    # A unit may be found in another transaction: the place must not be without a visit till then.
    assert known.worker is not None
    made = make_visit(
        tx,
        run=rules.run,
        worker=known.worker,
        reference=arrival.reference,
        accept=arrival.accept,
        query=query,
        place=arrival.place,
        handovers=holder.handovers,
        cause="arrival",
    )
    return evolve(known, visit=made)


@frozen(kw_only=True)
class _Holder:
    """The visit that has a place."""

    visit: int
    reference: str
    #: its work is stored here
    is_done: bool
    #: what its worker is at work on, if they are
    attempt: Attempted | None
    #: how often the place has passed on, were it to do so again
    handovers: int

    def may_pass_to(self, arrival: Arrival) -> bool:
        """Return whether another visit may have the place."""
        if self.is_done or self.handovers > MOST_HANDOVERS:
            return False
        return self.attempt is None or self.reference == arrival.reference


def _read_holder(tx: Transaction, run: int, place: str) -> _Holder | None:
    row = tx.one(_HOLDER, run=run, place=place)
    if row is None:
        return None
    visit, worker, reference, done_at, handovers = row
    agent, status, unit, submission = tx.one(_NEWEST_AGENT, visit=visit) or (None,) * 4
    attempt = None
    if status in OPEN_AGENTS:
        attempt = Attempted(
            agent=agent, worker=worker, visit=visit, unit=unit, status=AgentStatus(status)
        )
    return _Holder(
        visit=visit,
        reference=reference,
        is_done=done_at is not None or submission is not None,
        attempt=attempt,
        # A deadline has ended what came before.
        handovers=0 if status == AgentStatus.TIMEOUT else handovers + 1,
    )
