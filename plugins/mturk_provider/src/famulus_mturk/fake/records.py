"""The records of the fake."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from attrs import Factory, define, field, frozen


class Stage(StrEnum):
    """The stage of one accepted assignment; the API only shows the last three."""

    ACCEPTED = "Accepted"
    RETURNED = "Returned"
    ABANDONED = "Abandoned"
    SUBMITTED = "Submitted"
    APPROVED = "Approved"
    REJECTED = "Rejected"


#: the stages in which an accept has an assignment that the API knows
VISIBLE = (Stage.SUBMITTED, Stage.APPROVED, Stage.REJECTED)


@frozen(kw_only=True)
class HitType:
    """The properties that the HITs of one group share."""

    id: str
    group_id: str
    title: str
    description: str
    keywords: str
    reward: Decimal
    auto_approval: timedelta
    duration: timedelta
    requirements: list[dict[str, Any]]

    def requires(self, type_id: str) -> bool:
        """Return whether these HITs require a qualification."""
        return any(one["QualificationTypeId"] == type_id for one in self.requirements)


@define(kw_only=True)
class Accept:
    """One accepted assignment. If it is returned, the next worker at its place gets the same id."""

    assignment_id: str
    hit: Hit = field(repr=False)
    worker_id: str
    accepted_at: datetime
    deadline: datetime
    stage: Stage = Stage.ACCEPTED
    #: returned or abandoned
    left_at: datetime | None = None
    submitted_at: datetime | None = None
    auto_approval_at: datetime | None = None
    approved_at: datetime | None = None
    rejected_at: datetime | None = None
    #: the document of answers, once submitted
    answer: str = ""
    feedback: str | None = None
    auto_approved: bool = False

    @property
    def decided_at(self) -> datetime | None:
        """When the assignment was first approved or rejected."""
        return self.rejected_at or self.approved_at


@define(kw_only=True)
class Hit:
    """One HIT; its status is computed from what happened to it."""

    number: int
    id: str
    type: HitType
    created_at: datetime
    expires_at: datetime
    max_assignments: int
    question: str
    #: where the worker's frame goes; None for a question that MTurk shows itself
    url: str | None
    frame_height: int
    annotation: str | None
    reviewing: bool = False
    disposed: bool = False
    #: disposed of by MTurk, which then knows nothing of it any more
    gone: bool = False
    accepts: list[Accept] = Factory(list)
    #: ids of places given back
    spare_ids: list[str] = Factory(list)
    #: who looks at it without having accepted, and until when that is taken to last
    previews: dict[str, datetime] = Factory(dict)
    last_activity: datetime = field(default=Factory(lambda self: self.created_at, takes_self=True))

    def current(self, assignment_id: str) -> Accept | None:
        """Return the latest accept under this id."""
        found = [accept for accept in self.accepts if accept.assignment_id == assignment_id]
        return found[-1] if found else None


class Owner(StrEnum):
    """The owner of a qualification type."""

    SELF = "self"
    OTHER = "another requester"
    SYSTEM = "the system"


@define(kw_only=True)
class QualificationType:
    """A qualification type and the workers who have it."""

    number: int
    id: str
    name: str
    description: str
    created_at: datetime
    owner: Owner = Owner.SELF
    active: bool = True
    keywords: str | None = None
    #: members that are only given back: tests, delays, automatic grants
    more: dict[str, Any] = Factory(dict)
    deleted_at: datetime | None = None
    grants: dict[str, GrantRecord] = Factory(dict)


@define(kw_only=True)
class GrantRecord:
    """A qualification that one worker has, or had."""

    number: int
    worker_id: str
    value: int
    granted_at: datetime
    revoked: bool = False


@frozen(kw_only=True)
class Bonus:
    """One bonus that was paid."""

    number: int
    worker_id: str
    assignment_id: str
    hit_id: str
    amount: Decimal
    reason: str
    granted_at: datetime


@frozen(kw_only=True)
class LedgerEntry:
    """Money that left the account: ``kind`` is reward or bonus."""

    kind: str
    worker_id: str
    assignment_id: str
    amount: Decimal
    fee: Decimal
    at: datetime


@frozen(kw_only=True)
class Event:
    """An event that MTurk would send a notification of, under MTurk's name for it."""

    name: str
    hit_id: str
    assignment_id: str | None
    worker_id: str | None
    at: datetime


@frozen(kw_only=True)
class Mail:
    """A message that reached a worker."""

    worker_id: str
    subject: str
    text: str
    at: datetime


@frozen(kw_only=True)
class Call:
    """One request and its reply."""

    account: str
    operation: str
    parameters: dict[str, Any]
    access_key: str
    at: datetime
    #: ``ok``, or the error's type or MTurk's code, or ``reply lost``
    outcome: str
