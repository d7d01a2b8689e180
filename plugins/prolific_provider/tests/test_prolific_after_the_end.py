"""A study that a rejection or a return wakes after the end of its run is stopped again."""

from __future__ import annotations

from typing import Any

import pytest

from famulus import Database, Plugins, list_payments
from famulus.data.scope import find_scope
from famulus.model.states import Decision
from famulus.operate.doctor import read_differences
from famulus.operate.manual_sync import sync_now
from famulus.review.choices import Choice
from famulus.review.review_session import ReviewSession
from famulus.testing import MovableClock
from famulus_prolific.fake import FakeProlific, StudyStatus, Submission
from famulus_prolific.records import StudyRecords
from prolific_run import have_done, launch, prolific_plugins


@pytest.fixture
def plugins() -> Plugins:
    """The kit's plugins, and the provider."""
    return prolific_plugins()


@pytest.fixture
def run(prolific: FakeProlific, database: Database, operator: Any) -> int:
    """A run with three units that is served."""
    prolific.facts.rejection_wakes_stopped = True
    return launch(prolific, database, operator).run_id


@pytest.fixture
def submission(prolific: FakeProlific, operator: Any, run: int) -> Submission:
    """Work of that run, which is finished then."""
    submission = have_done(prolific, operator.gateway(run), operator, 1)
    operator.finish(run)
    assert submission.study.status == StudyStatus.COMPLETED
    return submission


def decide(database: Database, plugins: Plugins, choice: Choice) -> None:
    session = ReviewSession(database=database, plugins=plugins, scope=find_scope(database, "rows"))
    group = session.next_group()
    assert group is not None
    unit = session.next_unit(group.worker.id)
    assert unit is not None
    session.decide(unit, choice)
    session.apply()


def differences(database: Database, plugins: Plugins) -> list[str]:
    return [each.what for each in read_differences(database, plugins) if "study" in each.what]


def test_a_rejection_after_the_end_leaves_nothing_active(
    database: Database, plugins: Plugins, submission: Submission
) -> None:
    choice = Choice(decision=Decision.REJECTED, note="x" * 100, category="LOW_EFFORT")

    decide(database, plugins, choice)

    assert str(submission.status) == "REJECTED"
    assert submission.study.status == StudyStatus.COMPLETED
    assert differences(database, plugins) == []


@pytest.mark.parametrize("by", ["sync", "decision"])
def test_a_return_after_the_end_is_listed_and_leaves_nothing_active(
    prolific: FakeProlific,
    database: Database,
    plugins: Plugins,
    operator: Any,
    run: int,
    by: str,
) -> None:
    first = have_done(prolific, operator.gateway(run), operator, 1)
    have_done(prolific, operator.gateway(run), operator, 2)
    operator.finish(run)
    prolific.participant(1).give_back(first)
    woken = first.study.status
    assert woken == StudyStatus.ACTIVE
    (found,) = differences(database, plugins)
    assert "is active on Prolific, and the run is finished" in found

    if by == "sync":
        sync_now(database, plugins, run)
    else:
        choice = Choice(decision=Decision.RETURN_REQUESTED, note="Please return it.")
        decide(database, plugins, choice)

    assert first.study.status == StudyStatus.COMPLETED
    assert differences(database, plugins) == []


def test_visits_without_work_that_approved_themselves_after_the_end_are_listed_until_a_sync(
    prolific: FakeProlific,
    database: Database,
    plugins: Plugins,
    operator: Any,
    run: int,
    clock: MovableClock,
) -> None:
    record = StudyRecords(database=database).find(run)
    assert record is not None
    assert record.study_id is not None
    submission, _ = prolific.participant(1).take(record.study_id)
    prolific.participant(1).complete(submission, record.codes["no_work_left"])
    operator.finish(run)
    clock.advance(22 * 24 * 3600)

    listed = [each.what for each in read_differences(database, plugins)]
    sync_now(database, plugins, run)

    assert str(submission.status) == "APPROVED"
    assert listed == [
        "paid on the platform, but not in the ledger: visits "
        f"{submission.id} of {submission.participant_id}"
    ]
    assert [each.amount for each in list_payments(database)] == [1]
    assert read_differences(database, plugins) == []
