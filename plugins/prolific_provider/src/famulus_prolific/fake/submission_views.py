"""Submissions as the API shows them: fields have different names in lists and in details."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from famulus_prolific.fake.iso import iso
from famulus_prolific.fake.records import AT_WORK, Submission
from famulus_prolific.fake.state import State


def submission_row(state: State, submission: Submission) -> dict[str, Any]:
    """Return a submission as a row of a list."""
    day_first = state.facts.list_dates_day_first
    started, completed = submission.started_at, submission.completed_at
    taken = (completed - started).total_seconds() if started and completed else None
    fraction = 100 if state.facts.list_rewards_in_fractions else 1
    return {
        "id": submission.id,
        "participant_id": submission.participant_id,
        "started_at": _day(started) if day_first else iso(started),
        "completed_at": _day(completed) if day_first else iso(completed),
        "is_complete": submission.status not in AT_WORK,
        "time_taken": taken,
        "reward": submission.study.reward * fraction,
        "status": str(submission.status),
        "study_code": submission.entered_code,
        "star_awarded": False,
        "bonus_payments": _bonuses(state, submission),
        "strata": {},
    }


def submission_detail(state: State, submission: Submission) -> dict[str, Any]:
    """Return a submission with all of its fields."""
    return {
        "id": submission.id,
        "status": str(submission.status),
        "study_id": submission.study.id,
        "participant": submission.participant_id,
        "started_at": iso(submission.started_at),
        "completed_at": iso(submission.completed_at),
        "entered_code": submission.entered_code,
        "bonus_payments": _bonuses(state, submission),
        "return_requested": iso(submission.return_requested),
    }


def _bonuses(state: State, submission: Submission) -> list[int]:
    """Return the amounts of the bonuses that are shown already, without ids or times."""
    return [amount for amount, since in submission.bonuses if since <= state.now]


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%d/%m/%Y")
