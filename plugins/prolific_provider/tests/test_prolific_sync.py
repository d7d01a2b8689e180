"""Reports on visits, from the list of a study's submissions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest

from famulus import RunView, VisitReport, VisitStatus
from famulus.testing.movable_clock import MovableClock
from famulus_prolific.records import StudyRecord
from famulus_prolific.sync import Sync
from prolific_account import CODE, RUN, ProlificAccount

REFUSED_CODE = "NOT-QUALIFIED"


@pytest.fixture
def sync(account: ProlificAccount) -> Sync:
    """The sync of a process."""
    record = StudyRecord(
        run_id=RUN,
        study_id=account.study.id,
        codes={"completed": CODE, "not_qualified": REFUSED_CODE},
        url="",
        is_paused=False,
        is_stopped=False,
        is_ended=False,
    )
    return Sync(
        api=account.api(),
        clock=account.database.clock,
        study_of=lambda run: record,
        note_without_work=lambda run, found: None,
        screen_out_reward=Decimal("0.20"),
    )


@pytest.fixture
def run() -> RunView:
    """The run, of which nothing but the number is read."""
    return cast(RunView, Run())


class Run:
    """A run's number."""

    id = RUN


def statuses(reports: Any) -> dict[str, VisitStatus]:
    return {each.reference: each.status for each in reports}


def test_what_was_handed_in_or_has_ended_is_reported(
    account: ProlificAccount, sync: Sync, run: RunView, clock: MovableClock
) -> None:
    approved, rejected, returned, waiting = (account.submission(number) for number in range(1, 5))
    late, _ = account.prolific.participant(5).take(account.study.id)
    api = account.api()
    api.post(f"submissions/{approved.id}/transition/", {"action": "APPROVE"})
    body = {"action": "REJECT", "message": "x" * 100, "rejection_category": "OTHER"}
    api.post(f"submissions/{rejected.id}/transition/", body)
    account.prolific.participant(3).give_back(returned)
    clock.advance(3 * 3600)
    account.prolific.participant(6).take(account.study.id)

    found = statuses(sync.reports(run))

    assert found == {
        approved.id: VisitStatus.APPROVED,
        rejected.id: VisitStatus.REJECTED,
        returned.id: VisitStatus.RETURNED,
        waiting.id: VisitStatus.SUBMITTED,
        late.id: VisitStatus.TIMED_OUT,
    }


def test_the_code_of_a_refusal_hands_in_no_work(
    account: ProlificAccount, sync: Sync, run: RunView
) -> None:
    refused, _ = account.prolific.participant(1).take(account.study.id)
    account.prolific.participant(1).complete(refused, REFUSED_CODE)
    without, _ = account.prolific.participant(2).take(account.study.id)
    account.prolific.participant(2).complete(without, None)

    assert statuses(sync.reports(run)) == {without.id: VisitStatus.SUBMITTED}


def test_the_list_is_read_again_once_the_numbers_have_changed_or_some_time_is_over(
    account: ProlificAccount, sync: Sync, run: RunView, clock: MovableClock
) -> None:
    first = account.submission(1)

    assert [*statuses(sync.reports(run))] == [first.id]
    assert [*sync.reports(run)] == []
    second = account.submission(2)
    assert set(statuses(sync.reports(run))) == {first.id, second.id}
    clock.advance(10 * 60)
    assert len([*sync.reports(run)]) == 2
    assert len(account.prolific.called("get-submissions")) == 3


def test_the_list_is_read_again_after_the_clock_was_set_back(
    account: ProlificAccount, sync: Sync, run: RunView, clock: MovableClock
) -> None:
    submission = account.submission(1)
    assert [*statuses(sync.reports(run))] == [submission.id]
    clock.advance(-24 * 3600)

    assert [*statuses(sync.reports(run))] == [submission.id]


def test_a_list_that_was_not_read_whole_is_read_again(
    account: ProlificAccount, sync: Sync, run: RunView
) -> None:
    account.submission(1)
    account.submission(2)
    next(sync.reports(run))

    assert len([*sync.reports(run)]) == 2


def test_more_submissions_than_a_page_has_are_all_reported(
    account: ProlificAccount, sync: Sync, run: RunView
) -> None:
    account.api().patch(f"studies/{account.study.id}/", {"total_available_places": 120})
    for number in range(1, 106):
        account.submission(number)

    assert len(statuses(sync.reports(run))) == 105


@pytest.mark.parametrize("day_first", [True, False])
@pytest.mark.parametrize("in_fractions", [True, False])
def test_uncertain_fields_of_lists_are_not_read(
    account: ProlificAccount, sync: Sync, run: RunView, day_first: bool, in_fractions: bool
) -> None:
    account.prolific.facts.list_dates_day_first = day_first
    account.prolific.facts.list_rewards_in_fractions = in_fractions
    submission = account.submission(1)

    assert [*sync.reports(run)] == [
        VisitReport(
            worker_name=submission.participant_id,
            reference=submission.id,
            status=VisitStatus.SUBMITTED,
        )
    ]


def test_looking_reports_the_visits_that_are_asked_about(
    account: ProlificAccount, sync: Sync, run: RunView
) -> None:
    first, second = account.submission(1), account.submission(2)
    asked = [account.visit(second)]

    assert statuses(sync.look(run, asked)) == {second.id: VisitStatus.SUBMITTED}
    assert set(statuses(sync.reports(run))) == {first.id, second.id}
