"""Verdicts: sent in bulk, sent again, and what Prolific makes of those that come too late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from famulus import (
    Approve,
    Outcome,
    RefusedError,
    Reject,
    RequestReturn,
    UnavailableError,
    Verdict,
)
from famulus.testing.movable_clock import MovableClock
from famulus_prolific.fake import Fault, SubmissionStatus
from prolific_account import ProlificAccount

REASON = "The answers are the same for all questions, and were all given within two seconds. " * 2
REJECT = Reject(REASON, "LOW_EFFORT")
RETURN = RequestReturn("Did not finish the study.")


def rewards(account: ProlificAccount) -> list[tuple[str, int]]:
    with account.prolific.turn() as state:
        return [(each.submission_id, each.amount) for each in state.money.ledger]


@pytest.mark.parametrize("takes", [timedelta(0), timedelta(seconds=8)])
def test_approvals_are_sent_together_and_confirmed_once_they_are_made(
    account: ProlificAccount, clock: MovableClock, takes: timedelta
) -> None:
    account.prolific.facts.bulk_approval_takes = takes
    given = [(account.submission(number), Approve()) for number in range(1, 4)]

    first = account.decide(*given)
    clock.advance(10)
    second = account.decide(*given)

    if takes:
        assert all(isinstance(each, UnavailableError) for each in first)
    else:
        assert first == [Outcome.CONFIRMED] * 3
    assert second == [Outcome.CONFIRMED] * 3
    assert rewards(account) == [(submission.id, 100) for submission, _ in given]
    assert account.prolific.called("transition-submission") == []


@pytest.mark.parametrize("is_strict", [True, False])
def test_an_approval_that_is_impossible_keeps_no_other_from_being_made(
    account: ProlificAccount, is_strict: bool
) -> None:
    account.prolific.facts.bulk_approval_is_strict = is_strict
    returned, *others = (account.submission(number) for number in range(1, 4))
    account.prolific.participant(1).give_back(returned)

    refused, *made = account.decide(*((each, Approve()) for each in (returned, *others)))

    assert isinstance(refused, RefusedError)
    assert "the participant has returned it" in str(refused)
    assert made == [Outcome.CONFIRMED] * 2


@pytest.mark.parametrize("verdict", [Approve(), REJECT, RETURN])
@pytest.mark.parametrize("fault", [Fault.LOSE_REPLY, Fault.FAIL_AFTER, Fault.LOSE_REQUEST])
def test_a_verdict_is_sent_again_after_a_lost_reply(
    account: ProlificAccount, verdict: Verdict, fault: Fault
) -> None:
    submission = account.submission(1)
    operation = "request-submission-return" if verdict is RETURN else "transition-submission"
    account.prolific.faults.plan(fault, operation)
    with pytest.raises(UnavailableError):
        account.decide((submission, verdict))

    assert account.decide((submission, verdict)) == [Outcome.CONFIRMED]
    assert account.decide((submission, verdict)) == [Outcome.CONFIRMED]
    assert len(rewards(account)) == (verdict == Approve())


def test_a_verdict_waits_until_the_work_is_handed_in(account: ProlificAccount) -> None:
    submission, _ = account.prolific.participant(1).take(account.study.id)

    for verdict in (Approve(), REJECT, RETURN):
        (result,) = account.decide((submission, verdict))
        assert isinstance(result, UnavailableError), verdict
        assert result.retry_after is not None


def test_work_that_was_paid_is_not_rejected(account: ProlificAccount, clock: MovableClock) -> None:
    submission = account.submission(1)
    clock.advance(22 * 24 * 3600)

    (result,) = account.decide((submission, REJECT))

    assert isinstance(result, RefusedError)
    assert "it is approved and paid" in str(result)
    assert account.decide((submission, Approve())) == [Outcome.CONFIRMED]


def test_a_rejection_is_taken_back_by_an_approval(account: ProlificAccount) -> None:
    submission = account.submission(1)
    account.decide((submission, REJECT))

    assert account.decide((submission, Approve())) == [Outcome.CONFIRMED]
    assert rewards(account) == [(submission.id, 100)]


def test_a_rejection_has_its_reason_and_its_category(account: ProlificAccount) -> None:
    submission = account.submission(1)

    account.decide((submission, REJECT))

    assert submission.rejection is not None
    assert submission.rejection.category == "LOW_EFFORT"
    assert submission.rejection.message == REASON


def test_a_rejection_without_a_category_is_refused(account: ProlificAccount) -> None:
    submission = account.submission(1)

    (result,) = account.decide((submission, Reject(REASON)))

    assert isinstance(result, RefusedError)
    assert submission.status is SubmissionStatus.AWAITING_REVIEW


def test_a_limit_of_rejections_is_in_the_words_of_prolific(account: ProlificAccount) -> None:
    account.prolific.facts.most_rejections = 0

    (result,) = account.decide((account.submission(1), REJECT))

    assert isinstance(result, RefusedError)
    assert "limit of rejections" in str(result)


def test_a_return_is_requested_once(account: ProlificAccount) -> None:
    submission = account.submission(1)

    assert account.decide((submission, RETURN), (submission, RETURN)) == [Outcome.CONFIRMED] * 2

    (call,) = account.prolific.called("request-submission-return")
    assert call.body == {"request_return_reasons": ["Did not finish the study."]}


def test_a_return_that_has_happened_needs_no_request(account: ProlificAccount) -> None:
    submission = account.submission(1)
    account.prolific.participant(1).give_back(submission)

    assert account.decide((submission, RETURN)) == [Outcome.CONFIRMED]
