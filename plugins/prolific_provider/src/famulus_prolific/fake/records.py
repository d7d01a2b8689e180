"""The records of the fake."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from attrs import Factory, define, frozen


class StudyStatus(StrEnum):
    """The status of a study, as the API writes it."""

    UNPUBLISHED = "UNPUBLISHED"
    SCHEDULED = "SCHEDULED"
    PUBLISHING = "PUBLISHING"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    AWAITING_REVIEW = "AWAITING REVIEW"
    COMPLETED = "COMPLETED"


class SubmissionStatus(StrEnum):
    """The status of a submission, as the API writes it."""

    RESERVED = "RESERVED"
    ACTIVE = "ACTIVE"
    AWAITING_REVIEW = "AWAITING REVIEW"
    APPROVED = "APPROVED"
    PARTIALLY_APPROVED = "PARTIALLY APPROVED"
    REJECTED = "REJECTED"
    SCREENED_OUT = "SCREENED OUT"
    RETURNED = "RETURNED"
    TIMED_OUT = "TIMED-OUT"


#: statuses of work that was handed in and not refused
HANDED_IN = frozenset(
    {
        SubmissionStatus.AWAITING_REVIEW,
        SubmissionStatus.APPROVED,
        SubmissionStatus.PARTIALLY_APPROVED,
    }
)
#: statuses in which a submission uses one of its study's places
IN_PLACE = HANDED_IN | {SubmissionStatus.RESERVED, SubmissionStatus.ACTIVE}
#: statuses in which a participant holds a place and has not handed in
AT_WORK = frozenset({SubmissionStatus.RESERVED, SubmissionStatus.ACTIVE})


class Actor(StrEnum):
    """Who may enter a completion code."""

    PARTICIPANT = "participant"
    RESEARCHER = "researcher"


@define(kw_only=True)
class Code:
    """A completion code of a study."""

    code: str
    code_type: str
    actions: list[dict[str, Any]]
    actor: Actor = Actor.PARTICIPANT

    def action(self, name: str) -> dict[str, Any] | None:
        """Return the action of that name, if the code has it."""
        return next((one for one in self.actions if one["action"] == name), None)

    def written(self) -> dict[str, Any]:
        """Return the code in the format of the API."""
        return {
            "code": self.code,
            "code_type": self.code_type,
            "actions": [dict(one) for one in self.actions],
            "actor": str(self.actor),
        }


@define(kw_only=True, eq=False)
class Study:
    """A study, with what was sent to create it in ``fields``."""

    id: str
    fields: dict[str, Any]
    codes: list[Code]
    places: int
    #: in cents of the account's currency
    reward: int
    created_at: datetime
    status: StudyStatus = StudyStatus.UNPUBLISHED
    published_at: datetime | None = None
    #: whether a researcher ended it
    stopped: bool = False
    #: whether it is a test study, which only test participants see and which costs nothing
    is_test: bool = False
    submissions: list[Submission] = Factory(list)

    @property
    def project(self) -> str:
        """The id of the project that the study belongs to."""
        return str(self.fields["project"])

    def code(self, text: str | None) -> Code | None:
        """Return the completion code that was entered, if the study has it."""
        return next((one for one in self.codes if one.code == text), None)


@frozen(kw_only=True)
class Rejection:
    """Why a submission was rejected."""

    category: str
    message: str


@define(kw_only=True, eq=False)
class Submission:
    """A submission of one participant to one study."""

    id: str
    study: Study
    participant_id: str
    reserved_at: datetime
    deadline: datetime
    status: SubmissionStatus = SubmissionStatus.RESERVED
    started_at: datetime | None = None
    completed_at: datetime | None = None
    entered_code: str | None = None
    rejection: Rejection | None = None
    return_requested: datetime | None = None
    auto_approved: bool = False
    #: amounts in cents, with the time from which they are shown
    bonuses: list[tuple[int, datetime]] = Factory(list)
    #: each status and the time since which it holds
    history: list[tuple[SubmissionStatus, datetime]] = Factory(list)


@define(kw_only=True, eq=False)
class ParticipantGroup:
    """A participant group, with the time at which each member was added."""

    id: str
    name: str
    workspace_id: str
    description: str = ""
    is_deleted: bool = False
    members: dict[str, datetime] = Factory(dict)


@define(kw_only=True, eq=False)
class BulkBonus:
    """Bonuses that were set up together."""

    id: str
    study: Study
    #: submissions and amounts in cents
    amounts: list[tuple[Submission, int]]
    #: times at which paying it was accepted
    paid_at: list[datetime] = Factory(list)


@frozen(kw_only=True)
class LedgerEntry:
    """One payment to a participant; amounts are in cents."""

    kind: str
    submission_id: str
    participant_id: str
    amount: int
    at: datetime
    #: the set of bonuses that it was paid with
    bulk_id: str | None = None


@frozen(kw_only=True)
class Message:
    """A message between the researcher and a participant."""

    id: str
    sender_id: str
    recipient_id: str
    body: str
    study_id: str | None
    at: datetime


@define(kw_only=True, eq=False)
class Subscription:
    """A subscription to one type of event."""

    id: str
    event_type: str
    target_url: str
    workspace_id: str
    #: what the handshake has to bring back
    handshake: str
    is_enabled: bool = True
    is_confirmed: bool = False
    #: when the failures began that no success has followed
    failing_since: datetime | None = None


@define(kw_only=True, eq=False)
class Event:
    """One event for one subscription."""

    id: str
    subscription: Subscription
    payload: Mapping[str, Any]
    at: datetime
    attempts: int = 0
    next_at: datetime | None = None
    status: str = "PENDING"


@frozen(kw_only=True)
class Call:
    """A request to the API: its operation, the ids in its path, its body, and its outcome."""

    operation: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    outcome: str
