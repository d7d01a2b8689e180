"""Completion codes that are entered, and the actions that they trigger."""

from __future__ import annotations

from typing import Any

from famulus_prolific.fake.changes import SCREEN_OUT, Changes
from famulus_prolific.fake.codes import (
    ADD_TO_GROUP,
    APPROVE,
    PART,
    REMOVE_FROM_GROUP,
    REQUEST_RETURN,
)
from famulus_prolific.fake.errors import bad_request
from famulus_prolific.fake.payouts import Payouts
from famulus_prolific.fake.records import Actor, Code, Submission, SubmissionStatus
from famulus_prolific.fake.state import State
from famulus_prolific.fake.timings import AUTO_APPROVAL


class Completions:
    """Hands in submissions. The caller holds the lock."""

    def __init__(self, state: State, changes: Changes, payouts: Payouts) -> None:
        self._state = state
        self._changes = changes
        self._payouts = payouts

    def by_participant(self, submission: Submission, text: str | None) -> None:
        """Hand in a submission with a participant's entry, even a wrong code or none."""
        code = submission.study.code(text)
        if code is not None and code.actor is Actor.RESEARCHER:
            code = None
        self._hand_in(submission, text, code, None)

    def by_researcher(self, submission: Submission, text: str, data: Any) -> None:
        """Hand in a submission with a code that only researchers may enter.

        :raises ApiError: when the study has no such code, or the data for it are missing.
        """
        code = submission.study.code(text)
        if code is None or code.actor is not Actor.RESEARCHER:
            raise bad_request({"completion_code": [f"'{text}' is not a researcher's code."]})
        self._hand_in(submission, text, code, _percentage(data) if code.action(PART) else None)

    def _hand_in(
        self, submission: Submission, text: str | None, code: Code | None, percentage: float | None
    ) -> None:
        submission.entered_code = text
        submission.completed_at = self._state.now
        actions = {} if code is None else {one["action"]: one for one in code.actions}
        self._change_groups(submission, actions)
        if REQUEST_RETURN in actions:
            submission.return_requested = self._state.now
        returns = REQUEST_RETURN in actions and self._state.facts.return_codes_return
        if returns:
            self._changes.submission(submission, SubmissionStatus.RETURNED)
        elif SCREEN_OUT in actions:
            self._payouts.screen_out(submission, actions[SCREEN_OUT])
        elif percentage is not None:
            self._payouts.pay_part(submission, percentage)
        elif APPROVE in actions:
            self._payouts.approve(submission)
        else:
            self._changes.submission(submission, SubmissionStatus.AWAITING_REVIEW)
        self.await_review(submission)

    def await_review(self, submission: Submission) -> None:
        """Schedule the automatic approval of a submission, unless it is reviewed in time."""
        since = self._state.now
        self._state.timeline.at(since + AUTO_APPROVAL, lambda: self._approve_unreviewed(submission))

    def _approve_unreviewed(self, submission: Submission) -> None:
        if submission.status is not SubmissionStatus.AWAITING_REVIEW:
            return
        if self._state.now - submission.history[-1][1] >= AUTO_APPROVAL:
            submission.auto_approved = True
            self._payouts.approve(submission)

    def _change_groups(self, submission: Submission, actions: dict[str, dict[str, Any]]) -> None:
        groups, who = self._state.groups, submission.participant_id
        if ADD_TO_GROUP in actions:
            group = groups[actions[ADD_TO_GROUP]["participant_group"]]
            group.members.setdefault(who, self._state.now)
        if REMOVE_FROM_GROUP in actions:
            groups[actions[REMOVE_FROM_GROUP]["participant_group"]].members.pop(who, None)


def _percentage(data: Any) -> float:
    percentage = data.get("percentage_of_reward") if isinstance(data, dict) else None
    if isinstance(percentage, bool) or not isinstance(percentage, int | float):
        raise bad_request({"completion_code_data": ["percentage_of_reward is required."]})
    if not 8 <= percentage <= 99:
        raise bad_request({"completion_code_data": ["percentage_of_reward has to be 8 to 99."]})
    return float(percentage)
