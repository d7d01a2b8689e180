"""The state of one account, and the look-ups that all groups of operations share."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import Factory, define, frozen

from famulus_prolific.fake.errors import ApiError, missing
from famulus_prolific.fake.facts import Facts
from famulus_prolific.fake.faults import Faults
from famulus_prolific.fake.money import Money
from famulus_prolific.fake.records import (
    BulkBonus,
    Event,
    Message,
    ParticipantGroup,
    Study,
    Submission,
    Subscription,
)
from famulus_prolific.fake.timeline import Timeline

SECURE_URLS = "secure_urls"
TEST_PARTICIPANTS = "test_participants"
SCREEN_OUTS = "fixed_screen_out_payments"
PARTIAL_PAYMENTS = "dynamic_payments"
WEBHOOKS = "webhooks"

#: features that the platform only gives to some workspaces
FEATURES = frozenset({SECURE_URLS, TEST_PARTICIPANTS, SCREEN_OUTS, PARTIAL_PAYMENTS, WEBHOOKS})


@frozen(kw_only=True)
class Secret:
    """The secret with which a workspace's webhooks are signed."""

    id: str
    value: str
    workspace_id: str


@define(kw_only=True)
class Profile:
    """A participant: the answers that filters ask for, by the filter's id."""

    answers: dict[str, Any] = Factory(dict)
    is_test: bool = False


@define(kw_only=True)
class State:
    """The state of one account."""

    timeline: Timeline
    money: Money
    faults: Faults
    facts: Facts
    random: random.Random
    #: tokens that are accepted
    tokens: set[str] = Factory(set)
    #: features that the workspaces have
    features: set[str] = Factory(lambda: set(FEATURES))
    researcher_id: str = ""
    #: titles by id
    workspaces: dict[str, str] = Factory(dict)
    #: workspaces by the ids of their projects
    projects: dict[str, str] = Factory(dict)
    participants: dict[str, Profile] = Factory(dict)
    #: ids that belong to no participant: a group is not changed by a call that names one
    unknown: set[str] = Factory(set)
    studies: dict[str, Study] = Factory(dict)
    submissions: dict[str, Submission] = Factory(dict)
    groups: dict[str, ParticipantGroup] = Factory(dict)
    bulks: dict[str, BulkBonus] = Factory(dict)
    messages: list[Message] = Factory(list)
    secrets: dict[str, Secret] = Factory(dict)
    subscriptions: dict[str, Subscription] = Factory(dict)
    events: list[Event] = Factory(list)

    @property
    def now(self) -> datetime:
        """The time at which the current event happens."""
        return self.timeline.now

    def new_id(self) -> str:
        """Return an id like the platform's."""
        return f"{self.random.getrandbits(96):024x}"

    def study(self, study_id: str) -> Study:
        """Return a study that exists."""
        found = self.studies.get(study_id)
        if found is None:
            raise missing("Study", study_id)
        return found

    def submission(self, submission_id: str) -> Submission:
        """Return a submission that exists."""
        found = self.submissions.get(submission_id)
        if found is None:
            raise missing("Submission", submission_id)
        return found

    def workspace(self, workspace_id: str) -> str:
        """Return the id of a workspace that exists."""
        if workspace_id not in self.workspaces:
            raise missing("Workspace", workspace_id)
        return workspace_id

    def require(self, feature: str) -> None:
        """Refuse the request when the workspace does not have a feature."""
        if feature not in self.features:
            detail = "You do not have permission to access this feature."
            raise ApiError(self.facts.no_feature, detail)

    def wrong_state(self, detail: str) -> ApiError:
        """Return a refusal of a change that the current status does not allow."""
        return ApiError(self.facts.wrong_state, detail)

    def late(self, since: datetime) -> bool:
        """Return whether lists still lack an object that was created at this time."""
        return self.now - since < self.faults.lists_late

    def note(self, payload: Mapping[str, Any]) -> None:
        """Record an event for each subscription to its type."""
        for subscription in self.subscriptions.values():
            wanted = subscription.event_type == payload["event_type"]
            if wanted and subscription.is_enabled and subscription.is_confirmed:
                self.events.append(
                    Event(
                        id=self.new_id(),
                        subscription=subscription,
                        payload=payload,
                        at=self.now,
                        next_at=self.now,
                    )
                )
