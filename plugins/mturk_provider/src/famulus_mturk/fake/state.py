"""The state of one account, and the rules that all groups of operations share."""

from __future__ import annotations

import random
import string
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import Factory, define, field, frozen

from famulus_mturk.fake.errors import missing
from famulus_mturk.fake.facts import Facts
from famulus_mturk.fake.faults import Faults
from famulus_mturk.fake.money import MASTERS, Money, fee
from famulus_mturk.fake.records import (
    Accept,
    Bonus,
    Event,
    Hit,
    HitType,
    Mail,
    QualificationType,
)
from famulus_mturk.fake.timeline import Timeline

#: how long the service remembers a UniqueRequestToken
TOKEN_LIFE = timedelta(hours=24)
#: how long a HIT stays unchanged until MTurk disposes of it
DISPOSAL = timedelta(days=120)
_ID_LETTERS = string.digits + string.ascii_uppercase


@frozen(kw_only=True)
class Counts:
    """The numbers of a HIT's places at one moment."""

    at_work: int
    looking: int
    submitted: int
    decided: int
    #: neither taken nor used up; some of them are being looked at
    free: int


@define(kw_only=True)
class State:
    """The state of one account."""

    name: str
    timeline: Timeline
    money: Money
    faults: Faults
    _random: random.Random
    facts: Facts = Factory(Facts)
    #: whether a place that was given back keeps its assignment id for the next worker
    reuse_assignment_ids: bool = True
    hits: dict[str, Hit] = Factory(dict)
    hit_types: dict[str, HitType] = Factory(dict)
    assignments: dict[str, Hit] = Factory(dict)
    qualification_types: dict[str, QualificationType] = Factory(dict)
    bonuses: list[Bonus] = Factory(list)
    #: reasons by worker
    blocks: dict[str, str] = Factory(dict)
    #: workers' ids that MTurk does not know
    unknown_workers: set[str] = Factory(set)
    events: list[Event] = Factory(list)
    mail: list[Mail] = Factory(list)
    _tokens: dict[tuple[str, str], tuple[datetime, str]] = Factory(dict)
    _number: int = field(default=0)

    @property
    def now(self) -> datetime:
        """The time at which the current event happens."""
        return self.timeline.now

    def new_id(self) -> str:
        """Return an id like MTurk's."""
        return "3" + "".join(self._random.choices(_ID_LETTERS, k=29))

    def next_number(self) -> int:
        """Return a number higher than all before."""
        self._number += 1
        return self._number

    def hit(self, hit_id: str) -> Hit:
        """Return a HIT that exists, disposed of or not."""
        hit = self.hits.get(hit_id)
        if hit is None or hit.gone:
            raise missing("Hit", hit_id)
        return hit

    def assignment(self, assignment_id: str) -> Accept:
        """Return a submitted assignment by its id; the API does not show other assignments."""
        hit = self.assignments.get(assignment_id)
        accept = hit.current(assignment_id) if hit is not None and not hit.gone else None
        if accept is None or accept.submitted_at is None:
            raise missing("Assignment", assignment_id)
        return accept

    def accepts_of(self, worker_id: str) -> list[Accept]:
        """Return everything that a worker ever accepted."""
        accepts = (accept for hit in self.hits.values() for accept in hit.accepts)
        return [accept for accept in accepts if accept.worker_id == worker_id]

    def known_token(self, purpose: str, token: str | None) -> str | None:
        """Return the result stored under this token within the last 24 hours."""
        made = self._tokens.get((purpose, token or ""))
        if made is None or self.now - made[0] >= TOKEN_LIFE:
            return None
        return made[1]

    def remember_token(self, purpose: str, token: str | None, made: str) -> None:
        """Store a result under a token."""
        if token:
            self._tokens[purpose, token] = (self.now, made)

    def note(self, name: str, hit: Hit, accept: Accept | None = None) -> None:
        """Record an event that MTurk would send a notification of."""
        self.events.append(
            Event(
                name=name,
                hit_id=hit.id,
                assignment_id=accept.assignment_id if accept else None,
                worker_id=accept.worker_id if accept else None,
                at=self.now,
            )
        )

    def send_mail(self, worker_id: str, subject: str, text: str) -> None:
        """Send a worker a message."""
        self.mail.append(Mail(worker_id=worker_id, subject=subject, text=text, at=self.now))

    def late(self, since: datetime) -> bool:
        """Return whether lists still lack an object that was created at this time."""
        return self.now - since < self.faults.lists_late

    def counts(self, hit: Hit, at: datetime) -> Counts:
        """Count a HIT's assignments as they were at a moment."""
        at_work = submitted = decided = 0
        for accept in hit.accepts:
            if accept.accepted_at > at:
                continue
            if accept.decided_at is not None and accept.decided_at <= at:
                decided += 1
            elif accept.submitted_at is not None and accept.submitted_at <= at:
                submitted += 1
            elif accept.left_at is None or accept.left_at > at:
                at_work += 1
        free = max(0, hit.max_assignments - at_work - submitted - decided)
        looking = min(free, sum(until > at for until in hit.previews.values()))
        return Counts(
            at_work=at_work, looking=looking, submitted=submitted, decided=decided, free=free
        )

    def status(self, hit: Hit, at: datetime) -> str:
        """Return a HIT's status at a moment; reading it does not change it."""
        if hit.disposed:
            return "Disposed"
        if hit.reviewing:
            return "Reviewing"
        counts = self.counts(hit, at)
        if counts.free and at < hit.expires_at:
            return "Assignable"
        return "Unassignable" if counts.at_work else "Reviewable"

    def place_fee(self, hit: Hit) -> Decimal:
        """Return MTurk's fee on the reward of one assignment of a HIT."""
        masters = any(hit.type.requires(type_id) for type_id in MASTERS)
        return fee(hit.type.reward, hit.max_assignments, masters=masters)

    def touch(self, hit: Hit) -> None:
        """Update the state of a HIT that follows from its assignments."""
        hit.last_activity = self.now
        self.timeline.at(self.now + DISPOSAL, lambda: self._dispose_forgotten(hit))
        counts = self.counts(hit, self.now)
        still_open = counts.free if self.now < hit.expires_at else 0
        unpaid = counts.at_work + counts.submitted + still_open
        owed = Decimal(0) if hit.disposed else unpaid * (hit.type.reward + self.place_fee(hit))
        self.money.hold(hit.id, owed)

    def _dispose_forgotten(self, hit: Hit) -> None:
        forgotten = self.now - hit.last_activity >= DISPOSAL
        if forgotten and not hit.gone and self.status(hit, self.now) != "Assignable":
            hit.disposed = hit.gone = True
            self.note("HITDisposed", hit)
