"""An audit after a run: what the run has left behind, and what should not have happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from famulus_prolific.fake.changes import open_places
from famulus_prolific.fake.records import AT_WORK, StudyStatus, Submission, SubmissionStatus
from famulus_prolific.fake.state import State

_LIVE = frozenset(
    {StudyStatus.SCHEDULED, StudyStatus.PUBLISHING, StudyStatus.ACTIVE, StudyStatus.PAUSED}
)


def audit(state: State) -> list[str]:
    """Return a sentence for each thing that is wrong after a run; empty if the audit is clean.

    Equal bonuses may be intended, so only sets that were paid more than once are listed. A test has
    to compare the bonuses that it expects with ``state.money.ledger`` itself.
    """
    return [
        *_open_ends(state),
        *(sentence for one in state.submissions.values() for sentence in _about(one)),
        *_published_twice(state),
        *_paid_twice(state),
    ]


def _open_ends(state: State) -> Iterator[str]:
    for study in state.studies.values():
        if study.status in _LIVE:
            what = "test study" if study.is_test else "study"
            yield f"{what} {study.id} is {study.status} with {open_places(study)} open places"
    for subscription in state.subscriptions.values():
        yield f"the subscription {subscription.id} to {subscription.event_type} is left"


def _published_twice(state: State) -> Iterator[str]:
    """Yield a sentence for each completion code that several published studies share."""
    published = [study for study in state.studies.values() if study.published_at is not None]
    codes = Counter(code.code for study in published for code in study.codes)
    for code, times in codes.items():
        if times > 1:
            yield f"{times} studies with the code {code} were published"


def _about(submission: Submission) -> Iterator[str]:
    name = f"submission {submission.id} of {submission.participant_id}"
    if submission.status in AT_WORK:
        yield f"{name} is still {submission.status}"
    if submission.status is SubmissionStatus.AWAITING_REVIEW:
        yield f"{name} was handed in and is not decided"
    if submission.auto_approved:
        yield f"{name} approved itself, because it was not reviewed in time"
    if submission.study.code(submission.entered_code) is None and submission.completed_at:
        yield f"{name} was handed in with the code {submission.entered_code!r}"


def _paid_twice(state: State) -> Iterator[str]:
    for bulk in state.bulks.values():
        if len(bulk.paid_at) > 1:
            yield f"the bonuses {bulk.id} were paid {len(bulk.paid_at)} times"
    rewards = Counter(one.submission_id for one in state.money.ledger if one.bulk_id is None)
    for submission_id, times in rewards.items():
        if times > 1:
            yield f"submission {submission_id} was rewarded {times} times"
