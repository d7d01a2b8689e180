"""The decisions that pay a participant or refuse to."""

from __future__ import annotations

from typing import Any

from famulus_prolific.fake.changes import Changes, open_slots
from famulus_prolific.fake.records import (
    LedgerEntry,
    Rejection,
    StudyStatus,
    Submission,
    SubmissionStatus,
)
from famulus_prolific.fake.state import State


class Payouts:
    """Approves, pays in part, screens out and rejects. The caller holds the lock."""

    def __init__(self, state: State, changes: Changes) -> None:
        self._state = state
        self._changes = changes

    def approve(self, submission: Submission) -> None:
        """Pay the whole reward."""
        self._pay(submission, "reward", submission.study.reward)
        self._changes.submission(submission, SubmissionStatus.APPROVED)

    def pay_part(self, submission: Submission, percentage: float) -> None:
        """Pay a part of the reward."""
        amount = int(submission.study.reward * percentage / 100)
        self._pay(submission, "partial reward", amount)
        self._changes.submission(submission, SubmissionStatus.PARTIALLY_APPROVED)

    def screen_out(self, submission: Submission, action: dict[str, Any]) -> None:
        """Pay the fixed amount for a screen-out; the study pauses once all slots are used."""
        study = submission.study
        if open_slots(study) or self._state.facts.screen_outs_beyond_slots_paid:
            self._pay(submission, "screen-out", int(action["fixed_screen_out_reward"]))
            self._changes.submission(submission, SubmissionStatus.SCREENED_OUT)
        else:
            self._changes.submission(submission, SubmissionStatus.AWAITING_REVIEW)
        if not open_slots(study) and study.status is StudyStatus.ACTIVE:
            self._changes.study(study, StudyStatus.PAUSED)

    def reject(self, submission: Submission, rejection: Rejection) -> None:
        """Refuse to pay."""
        submission.rejection = rejection
        self._changes.submission(submission, SubmissionStatus.REJECTED)

    def _pay(self, submission: Submission, kind: str, amount: int) -> None:
        if not submission.study.is_test:
            self._state.money.pay(
                LedgerEntry(
                    kind=kind,
                    submission_id=submission.id,
                    participant_id=submission.participant_id,
                    amount=amount,
                    at=self._state.now,
                )
            )
