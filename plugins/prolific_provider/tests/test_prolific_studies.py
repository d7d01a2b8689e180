"""The study of a run, from its draft to its end."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from famulus import (
    Arrival,
    Outcome,
    RefusedError,
    Reject,
    RequestReturn,
    UnavailableError,
    VisitOutcome,
    VisitVerdict,
    VisitView,
)
from famulus.testing import MovableClock
from famulus_prolific.fake import Fault, StudyStatus, Submission
from prolific_bench import RUN_URL, Bench, parameters

LOST = [Fault.LOSE_REQUEST, Fault.LOSE_REPLY, Fault.TRUNCATE, Fault.GARBLE, Fault.FAIL_AFTER]


def submitted(bench: Bench, number: int) -> Submission:
    """Have a participant work and hand in."""
    person = bench.prolific.participant(number)
    submission, _ = person.take(bench.study.id)
    person.complete(submission, code(bench, VisitOutcome.COMPLETED))
    return submission


def code(bench: Bench, outcome: VisitOutcome) -> str:
    visit = VisitView(id=1, run_id=1, worker_name="worker", reference="session")
    found = bench.provider.completion(visit, outcome)
    return str(getattr(found, "url", "")).rpartition("=")[2]


def test_a_study_is_published_with_what_the_task_says(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 3)

    fields, study = bench.study.fields, bench.study
    assert bench.status == StudyStatus.ACTIVE
    assert study.places == 3
    assert study.reward == 150
    assert fields["name"] == "Label a picture"
    assert fields["estimated_completion_time"] == 10
    assert fields["maximum_allowed_time"] == 30
    assert fields["metadata"] == "key-1"
    assert fields["submissions_config"] == {"max_submissions_per_participant": 1}
    assert fields["external_study_url"] == (
        f"{RUN_URL}?PROLIFIC_PID={{{{%PROLIFIC_PID%}}}}&STUDY_ID={{{{%STUDY_ID%}}}}"
        "&SESSION_ID={{%SESSION_ID%}}"
    )


def test_places_grow_and_never_shrink(bench: Bench) -> None:
    for total in (2, 5, 5, 3):
        bench.provider.set_places(bench.run, total)

    assert bench.study.places == 5
    assert [call.outcome for call in bench.prolific.called("update-study")] == ["200"]
    assert bench.provider.count_open_places(bench.run) == 5


def test_each_run_has_a_study_of_its_own(bench: Bench) -> None:
    for number in (1, 2):
        bench.provider.set_places(bench.other_run(number), 1)

    assert [study.fields["metadata"] for study in bench.studies] == ["key-1", "key-2"]


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("operation", ["create-study", "transition-study", "get-study"])
def test_a_lost_reply_makes_no_second_study(bench: Bench, fault: Fault, operation: str) -> None:
    bench.prolific.faults.plan(fault, operation)
    with pytest.raises(UnavailableError):
        bench.provider.set_places(bench.run, 2)

    bench.restart()
    bench.provider.set_places(bench.run, 2)

    assert bench.status == StudyStatus.ACTIVE
    assert bench.study.places == 2


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_reply_raises_places_once(bench: Bench, fault: Fault) -> None:
    bench.provider.set_places(bench.run, 2)
    bench.prolific.faults.plan(fault, "update-study")
    with pytest.raises(UnavailableError):
        bench.provider.set_places(bench.run, 3)

    bench.restart()
    bench.provider.set_places(bench.run, 3)

    assert bench.study.places == 3


def test_a_draft_that_was_created_unseen_is_never_published(
    bench: Bench, clock: MovableClock
) -> None:
    bench.prolific.faults.lists_late = timedelta(hours=1)
    bench.prolific.faults.plan(Fault.LOSE_REPLY, "create-study")
    with pytest.raises(UnavailableError):
        bench.provider.set_places(bench.run, 2)
    bench.provider.set_places(bench.run, 2)

    statuses = [study.status for study in bench.studies]
    assert sorted(statuses) == [StudyStatus.ACTIVE, StudyStatus.UNPUBLISHED]

    clock.advance(2 * 3600)
    bench.provider.end_places(bench.run)
    bench.provider.dispose(bench.run)
    assert bench.status == StudyStatus.COMPLETED


def test_a_study_that_cannot_be_paid_is_refused_and_published_later(bench: Bench) -> None:
    bench.prolific.state.money.balance = Decimal(0)
    with pytest.raises(RefusedError, match="enough funds"):
        bench.provider.set_places(bench.run, 2)

    bench.prolific.state.money.balance = Decimal(100_000)
    bench.provider.set_places(bench.run, 2)

    assert bench.status == StudyStatus.ACTIVE


def test_paused_places_come_back_with_more(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 2)

    bench.provider.pause_places(bench.run)
    assert bench.status == StudyStatus.PAUSED
    assert bench.provider.count_open_places(bench.run) == 0

    bench.provider.set_places(bench.run, 3)
    assert bench.status == StudyStatus.ACTIVE
    assert bench.provider.count_open_places(bench.run) == 3


def test_a_run_without_a_study_has_nothing_to_close(bench: Bench) -> None:
    for close in (bench.provider.pause_places, bench.provider.end_places, bench.provider.dispose):
        close(bench.run)

    assert bench.provider.count_open_places(bench.run) == 0
    assert bench.prolific.calls == []


@pytest.mark.parametrize("takes", [timedelta(0), timedelta(minutes=1)])
def test_a_study_that_is_still_being_published_is_closed_later(
    bench: Bench, clock: MovableClock, takes: timedelta
) -> None:
    bench.prolific.facts.publishing_takes = takes
    bench.provider.set_places(bench.run, 2)
    if takes:
        for close in (bench.provider.pause_places, bench.provider.end_places):
            with pytest.raises(UnavailableError):
                close(bench.run)
    clock.advance(120)

    bench.provider.end_places(bench.run)

    assert bench.status == StudyStatus.COMPLETED


@pytest.mark.parametrize("repeats_refused", [True, False])
def test_transitions_by_two_processes_are_one(bench: Bench, repeats_refused: bool) -> None:
    bench.prolific.facts.repeats_refused = repeats_refused
    bench.prolific.faults.plan(Fault.TWICE, "transition-study", times=4)

    bench.provider.set_places(bench.run, 2)
    bench.provider.pause_places(bench.run)
    bench.provider.set_places(bench.run, 2)
    bench.provider.end_places(bench.run)

    assert bench.status == StudyStatus.COMPLETED


@pytest.mark.parametrize("wakes", [True, False])
def test_what_is_rejected_after_the_end_is_closed_again(bench: Bench, wakes: bool) -> None:
    bench.prolific.facts.rejection_wakes_stopped = wakes
    bench.provider.set_places(bench.run, 1)
    submission = submitted(bench, 1)
    bench.provider.end_places(bench.run)
    bench.prolific.participant(1).give_back(submission)

    bench.provider.end_places(bench.run)

    assert bench.status == StudyStatus.COMPLETED
    assert bench.provider.count_open_places(bench.run) == 0


def test_more_places_wake_a_study_whose_places_are_used(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 1)
    submitted(bench, 1)
    assert bench.status == StudyStatus.AWAITING_REVIEW
    assert bench.provider.count_open_places(bench.run) == 0

    bench.provider.set_places(bench.run, 2)

    assert bench.status == StudyStatus.ACTIVE
    assert bench.provider.count_open_places(bench.run) == 1


def test_workers_leave_with_the_code_of_their_outcome(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 8)
    for number, outcome in enumerate(VisitOutcome, start=1):
        person = bench.prolific.participant(number)
        submission, _ = person.take(bench.study.id)
        person.complete(submission, code(bench, outcome))

        asked_to_return = submission.return_requested is not None
        assert asked_to_return is (outcome is not VisitOutcome.COMPLETED)


def screen_out(bench: Bench, number: int) -> None:
    person = bench.prolific.participant(number)
    submission, _ = person.take(bench.study.id)
    person.complete(submission, code(bench, VisitOutcome.SCREENED_OUT))


def slots(bench: Bench) -> int:
    actions = [one.action("FIXED_SCREEN_OUT_PAYMENT") for one in bench.study.codes]
    (action,) = [each for each in actions if each is not None]
    return int(action["slots"])


@pytest.fixture
def screening(bench: Bench) -> Bench:
    """A study with money for one screen-out, which is used up, so that it has paused."""
    bench.restart(screen_out_reward=Decimal("0.20"), screen_out_slots=1)
    bench.provider.set_places(bench.run, 3)
    screen_out(bench, 1)
    assert [entry.amount for entry in bench.prolific.state.money.ledger] == [20]
    assert bench.status == StudyStatus.PAUSED
    return bench


def test_a_study_that_paused_itself_gets_more_slots(screening: Bench) -> None:
    for _ in range(2):
        screening.provider.set_places(screening.run, 3)

    assert screening.status == StudyStatus.ACTIVE
    assert slots(screening) == 2


def test_it_gets_them_without_being_asked(screening: Bench) -> None:
    for _ in range(2):
        screening.provider._parts.studies.add_slots(screening.run)

    assert screening.status == StudyStatus.ACTIVE
    assert slots(screening) == 2


@pytest.mark.parametrize("operation", ["update-study", "transition-study"])
@pytest.mark.parametrize("fault", [Fault.LOSE_REQUEST, Fault.LOSE_REPLY])
def test_it_is_started_where_that_was_interrupted(
    screening: Bench, operation: str, fault: Fault
) -> None:
    screening.prolific.faults.plan(fault, operation)
    with pytest.raises(UnavailableError):
        screening.provider._parts.studies.add_slots(screening.run)
    screening.restart()

    for _ in range(2):
        screening.provider._parts.studies.add_slots(screening.run)

    assert screening.status == StudyStatus.ACTIVE
    assert slots(screening) == 2
    screening.provider._parts.api.post(
        f"studies/{screening.study.id}/transition/", {"action": "PAUSE"}
    )
    screening.provider._parts.studies.add_slots(screening.run)
    assert screening.status == StudyStatus.PAUSED


@pytest.mark.parametrize("by_run", [True, False])
def test_a_study_that_was_paused_stays_paused(bench: Bench, by_run: bool) -> None:
    bench.restart(screen_out_reward=Decimal("0.20"), screen_out_slots=2)
    bench.provider.set_places(bench.run, 3)
    screen_out(bench, 1)
    if by_run:
        bench.provider.pause_places(bench.run)
    else:
        path = f"studies/{bench.study.id}/transition/"
        bench.provider._parts.api.post(path, {"action": "PAUSE"})

    bench.provider._parts.studies.add_slots(bench.run)

    assert bench.status == StudyStatus.PAUSED
    assert slots(bench) == 2


def test_a_study_is_paused_when_the_time_of_the_run_is_over(
    bench: Bench, clock: MovableClock
) -> None:
    bench.provider.set_places(bench.run, 2)
    run = bench.run
    list(bench.provider.sync(run, (), None))
    assert bench.status == StudyStatus.ACTIVE

    clock.advance(2 * 24 * 3600)
    for _ in range(2):
        list(bench.provider.sync(run, (), None))
    assert bench.status == StudyStatus.PAUSED

    bench.provider.move_end(run)
    assert bench.status == StudyStatus.PAUSED
    bench.provider.move_end(bench.run)
    assert bench.status == StudyStatus.ACTIVE


def test_a_run_that_is_stopped_is_not_started_by_more_time(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 2)
    bench.provider.pause_places(bench.run)

    bench.provider.move_end(bench.run)

    assert bench.status == StudyStatus.PAUSED


def test_a_run_that_has_moved_does_not_send_participants_to_its_old_address(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 2)
    bench.provider.pause_places(bench.run)
    moved = evolve(bench.run, url="https://elsewhere.example.org/")

    with pytest.raises(RefusedError, match=f"leads to {RUN_URL}"):
        bench.provider.set_places(moved, 2)
    assert bench.status == StudyStatus.PAUSED


def test_a_draft_leads_to_where_the_run_has_moved(bench: Bench) -> None:
    bench.prolific.state.money.balance = Decimal(0)
    with pytest.raises(RefusedError):
        bench.provider.set_places(bench.run, 2)
    bench.prolific.state.money.balance = Decimal(100_000)

    bench.provider.set_places(evolve(bench.run, url="https://elsewhere.example.org/"), 2)

    assert bench.status == StudyStatus.ACTIVE
    assert bench.study.fields["external_study_url"].startswith("https://elsewhere.example.org/?")


def test_a_draft_that_was_never_published_is_deleted_at_the_end(bench: Bench) -> None:
    bench.prolific.state.money.balance = Decimal(0)
    with pytest.raises(RefusedError):
        bench.provider.set_places(bench.run, 2)

    bench.provider.end_places(bench.run)
    bench.provider.dispose(bench.run)

    assert bench.studies == []
    assert bench.provider.count_open_places(bench.run) == 0


@pytest.mark.parametrize("fault", [None, Fault.LOSE_REPLY])
def test_a_test_study_costs_nothing_and_is_for_test_participants(
    bench: Bench, fault: Fault | None
) -> None:
    bench.restart(prolific_test=True)
    if fault is not None:
        bench.prolific.faults.plan(fault, "create-test-study")
        with pytest.raises(UnavailableError):
            bench.provider.set_places(bench.run, 1)
    for total in (1, 2):
        bench.provider.set_places(bench.run, total)

    assert {study.is_test for study in bench.studies} == {True}
    assert bench.prolific.participant(1).studies() == []
    made = bench.provider._parts.api.post("researchers/participants/", {"email": "a@example.org"})
    tester = bench.prolific.participant(made["participant_id"])
    record = bench.provider._parts.records.find(1)
    assert record is not None
    assert record.study_id is not None
    submission, url = tester.take(record.study_id)
    assert isinstance(bench.arrive(parameters(url)), Arrival)
    tester.complete(submission, code(bench, VisitOutcome.COMPLETED))
    assert bench.prolific.state.money.holds == {}


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("keep_names", [False, True])
def test_a_lost_reply_makes_no_second_test_study(
    bench: Bench, fault: Fault, keep_names: bool
) -> None:
    bench.prolific.facts.test_studies_keep_names = keep_names
    bench.restart(prolific_test=True)
    bench.provider.set_places(bench.other_run(2), 1)
    bench.prolific.faults.plan(fault, "create-test-study")
    with pytest.raises(UnavailableError):
        bench.provider.set_places(bench.run, 1)

    bench.restart()
    bench.provider.set_places(bench.run, 2)

    assert [(one.is_test, one.places, one.status) for one in bench.studies] == [
        (True, 1, StudyStatus.ACTIVE),
        (True, 2, StudyStatus.ACTIVE),
    ]
    assert len([one for one in bench.prolific.audit() if "test study" in one]) == 2
    for run in (bench.run, bench.other_run(2)):
        bench.provider.end_places(run)
    assert bench.prolific.audit() == []


@pytest.mark.parametrize("close", ["pause_places", "end_places"])
def test_a_test_study_that_was_published_unseen_is_stopped_at_the_end(
    bench: Bench, clock: MovableClock, close: str
) -> None:
    bench.restart(prolific_test=True)
    bench.prolific.faults.lists_late = timedelta(hours=1)
    bench.prolific.faults.plan(Fault.LOSE_REPLY, "create-test-study", times=2)
    for _ in range(2):
        with pytest.raises(UnavailableError):
            bench.provider.set_places(bench.run, 2)
    assert len([one for one in bench.studies if one.is_test]) == 2
    assert any("2 studies" in one for one in bench.prolific.audit())
    clock.advance(7200)

    getattr(bench.provider, close)(bench.run)
    bench.provider.dispose(bench.run)

    assert {one.status for one in bench.studies} == {StudyStatus.COMPLETED}


@pytest.mark.parametrize("close", ["pause_places", "end_places"])
def test_a_study_is_closed_also_where_its_test_studies_cannot_be_listed(
    bench: Bench, clock: MovableClock, close: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The one that is left over is stopped by the next sync."""
    bench.restart(prolific_test=True)
    bench.prolific.faults.lists_late = timedelta(hours=1)
    bench.prolific.faults.plan(Fault.LOSE_REPLY, "create-test-study")
    with pytest.raises(UnavailableError):
        bench.provider.set_places(bench.run, 2)
    bench.provider.set_places(bench.run, 2)
    clock.advance(7200)
    bench.prolific.faults.plan(Fault.FAIL, "get-studies", times=10)

    getattr(bench.provider, close)(bench.run)
    record = bench.provider._parts.records.find(1)
    assert record is not None
    closed = [one.status for one in bench.studies if one.id == record.study_id]
    bench.prolific.faults.clear()
    list(bench.provider.sync(bench.run, [], None))

    assert closed == [StudyStatus.PAUSED if close == "pause_places" else StudyStatus.COMPLETED]
    assert "run 1: another test study of it may be open on Prolific" in caplog.text
    assert StudyStatus.ACTIVE not in {one.status for one in bench.studies}


def test_a_workspace_without_test_studies_refuses_one(bench: Bench) -> None:
    bench.prolific.state.features.discard("test_participants")
    bench.restart(prolific_test=True)

    with pytest.raises(RefusedError, match=r"permission.*famulus prolific test-participant"):
        bench.provider.set_places(bench.run, 1)
    assert [study.status for study in bench.studies] == [StudyStatus.UNPUBLISHED]


@pytest.mark.parametrize("is_over", [False, True])
@pytest.mark.parametrize("by", ["sync", "rejection", "request for a return"])
def test_a_study_that_offers_places_after_the_run_was_stopped_is_closed_again(
    bench: Bench, by: str, is_over: bool
) -> None:
    bench.prolific.facts.rejection_wakes_stopped = True
    bench.provider.set_places(bench.run, 2)
    first, second = submitted(bench, 1), submitted(bench, 2)
    if is_over:
        bench.provider.end_places(bench.run)
    else:
        bench.provider.pause_places(bench.run)
    if by != "rejection":
        bench.prolific.participant(1).give_back(first)
        assert bench.status == StudyStatus.ACTIVE

    if by == "sync":
        list(bench.provider.sync(bench.run, [], None))
    else:
        is_rejected = by == "rejection"
        submission = first if is_rejected else second
        visit = VisitView(
            id=1, run_id=1, worker_name=submission.participant_id, reference=submission.id
        )
        given = Reject("x" * 100, "LOW_EFFORT") if is_rejected else RequestReturn("Please do.")
        verdict = VisitVerdict(key="1", visit=visit, verdict=given)
        assert [result for _, result in bench.provider.decide([verdict])] == [Outcome.CONFIRMED]

    assert bench.status == (StudyStatus.COMPLETED if is_over else StudyStatus.PAUSED)
