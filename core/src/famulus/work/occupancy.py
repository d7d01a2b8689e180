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
from typing import Any

import peewee
from attrs import evolve

from famulus.contracts.pages import Refusal, RefusalReason
from famulus.contracts.provider import Arrival
from famulus.model.fields import to_micros
from famulus.model.statements import Kind, Param, Statement
from famulus.model.states import OPEN_AGENTS, OPEN_VISITS, AgentStatus, VisitStatus
from famulus.model.tables import Agent, Visit, literals
from famulus.model.transaction import Transaction
from famulus.work.arrival import Known, Rules
from famulus.work.giving import make_visit
from famulus.work.release import Attempted, end_visit, take_back

#: A place passes on so often before the platform or a deadline has to end a visit: those who had
#: it can still send late answers, and one accepted place must not serve any number of workers.
MOST_HANDOVERS = 4
_CAUSE = "place passed on"

_HOLDER = Statement(
    lambda _: Visit.select(Visit.id, Visit.worker, Visit.reference, Visit.done_at, Visit.handovers)
    .where(
        Visit.run == Param("run"),
        Visit.place == Param("place"),
        # Said so, the index of taken places is used.
        Visit.place != peewee.SQL("''"),
        Visit.status << literals(*OPEN_VISITS),
    )
)
_NEWEST_AGENT = Statement(
    lambda _: Agent.select(Agent.id, Agent.status, Agent.unit, Agent.submission_id)
    .where(Agent.visit == Param("visit"))
    .order_by(Agent.id.desc())
    .limit(1)
)
_ARRIVED_AGAIN = Statement(
    lambda _: Visit.update({Visit.last_arrived_at: Param("at")}).where(
        Visit.id == Param("visit"), Visit.place != peewee.SQL("''")
    )
)


def hold_place(tx: Transaction, run: int, place: str) -> None:
    """Let no other transaction decide about a place until the commit; called once the worker is
    held, and before the arrival is recognised. On SQLite there is only one that writes."""
    if place and tx.kind is Kind.POSTGRESQL:
        digest = hashlib.blake2b(f"place {run} {place}".encode(), digest_size=8).digest()
        tx.sql("SELECT pg_advisory_xact_lock(%s)", (int.from_bytes(digest, "big", signed=True),))


def note_arrival(tx: Transaction, arrival: Arrival, known: Known) -> None:
    """Note when somebody has come back to a visit that has a place: whoever came last is the one
    that the platform has given it to."""
    visit = known.visit or getattr(known.found, "visit", None)
    if arrival.place and visit is not None:
        tx.run(_ARRIVED_AGAIN, visit=visit, at=to_micros(tx.now))


def claim_place(
    tx: Transaction, rules: Rules, arrival: Arrival, known: Known, query: Mapping[str, str]
) -> Known:
    """Return what is known of an arrival once its place is free for a new visit; with a refusal
    where another visit has the place, and with the new visit where it has passed on. The place has
    to be held."""
    if not arrival.place or known.visit is not None or known.found is not None:
        return known
    holder = tx.one(_HOLDER, run=rules.run, place=arrival.place)
    if holder is None:
        return known
    visit, worker, reference, done_at, handovers = holder
    agent = tx.one(_NEWEST_AGENT, visit=visit)
    status = None if agent is None else AgentStatus(agent[1])
    is_done = done_at is not None or (agent is not None and agent[3] is not None)
    is_at_work = status in OPEN_AGENTS
    handovers = 0 if status is AgentStatus.TIMEOUT else handovers + 1
    if (
        is_done
        or handovers > MOST_HANDOVERS
        or (is_at_work and reference != arrival.reference)
    ):
        note = f"place {arrival.place} belongs to visit {visit}"
        return evolve(known, found=Refusal(reason=RefusalReason.PLACE_TAKEN, note=note))
    if is_at_work:
        _take_back(tx, rules.run, visit, worker, agent)
    end_visit(tx, rules.run, visit, VisitStatus.RETURNED, _CAUSE)
    # A unit may be found in another transaction: the place must not be without a visit till then.
    assert known.worker is not None
    made = make_visit(
        tx, run=rules.run, worker=known.worker, reference=arrival.reference,
        accept=arrival.accept, query=query, place=arrival.place,
        handovers=handovers, cause="arrival",
    )
    return evolve(known, visit=made)


def _take_back(tx: Transaction, run: int, visit: int, worker: int, agent: Any) -> None:
    attempt = Attempted(
        agent=agent[0], worker=worker, visit=visit, unit=agent[2], status=AgentStatus(agent[1])
    )
    take_back(
        tx, [attempt], run=run, new=AgentStatus.RETURNED, cause=_CAUSE, visit_becomes=None
    )
