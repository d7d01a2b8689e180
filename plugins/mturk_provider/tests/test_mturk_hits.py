"""HITs: one per place, created exactly once, closed and deleted at the end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from attrs import evolve

from famulus import Approve, Arrival, Outcome, Reject, UnavailableError, UnlistedPlacesError
from famulus_mturk.calls import CallLostError, MTurkRefusedError
from famulus_mturk.fake import Fault, WorkerRefusedError
from famulus_mturk.fake.faults import Gate
from mturk_bench import Bench

DAY = 24 * 3600


def test_a_place_is_one_hit_of_the_runs_type(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 3)

    with bench.account.turn() as state:
        hits = list(state.hits.values())
    assert {hit.annotation for hit in hits} == {f"{bench.run.key}-{n}" for n in range(3)}
    assert {hit.max_assignments for hit in hits} == {1}
    assert len(bench.account.called("CreateHITType")) == 1
    assert hits[0].url == bench.run.url
    assert hits[0].expires_at == bench.run.closes_at


def test_type_has_the_properties_of_the_task(bench: Bench) -> None:
    bench.restart(frame_height=800, auto_approval_delay_in_seconds=3600)
    bench.provider.set_places(bench.run, 1)

    with bench.account.turn() as state:
        [hit] = state.hits.values()
    kind = hit.type
    assert (kind.title, kind.description) == ("Label a picture", "What is on it?")
    assert (str(kind.reward), kind.keywords) == ("0.30", "picture,label")
    assert (kind.duration, kind.auto_approval) == (timedelta(minutes=10), timedelta(hours=1))
    assert hit.frame_height == 800


def test_a_total_that_was_reached_creates_nothing(bench: Bench) -> None:
    for total in (3, 3, 1):
        bench.provider.set_places(bench.run, total)
    bench.restart()
    for total in (5, 2):
        bench.provider.set_places(bench.run, total)

    assert len(bench.account.called("CreateHITWithHITType")) == 5


def test_several_hits_are_created_at_a_time_and_none_is_begun_after_a_failure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Semaphore(0)

    class CountingGate(Gate):
        def wait(self) -> None:
            begun.release()
            super().wait()

    monkeypatch.setattr("famulus_mturk.fake.faults.Gate", CountingGate)
    bench.account.faults.plan(Fault.THROTTLE, "CreateHITWithHITType")
    with (
        ThreadPoolExecutor(1) as thread,
        bench.account.faults.holding("CreateHITWithHITType") as gate,
    ):
        opening = thread.submit(bench.provider.set_places, bench.run, 50)
        assert all(begun.acquire(timeout=30) for _ in range(3))
        gate.open()
        with pytest.raises(UnavailableError, match="slow down"):
            opening.result(30)

    assert len(bench.account.called("CreateHITWithHITType")) < 50
    assert not [each for each in threading.enumerate() if "mturk-hits" in each.name]


@pytest.mark.parametrize("fault", [Fault.LOSE_REPLY, Fault.FAIL_AFTER])
@pytest.mark.parametrize("later", [0, DAY - 1, DAY + 60, 30 * DAY])
def test_hit_with_a_lost_reply_is_found(bench: Bench, fault: Fault, later: int) -> None:
    bench.task["task_lifetime_in_seconds"] = 40 * DAY
    bench.changes["closes_at"] = bench.clock() + timedelta(days=40)
    bench.account.faults.plan(fault, "CreateHITWithHITType")
    with pytest.raises(CallLostError):
        bench.provider.set_places(bench.run, 2)
    bench.clock.advance(later)

    bench.restart()
    bench.provider.set_places(bench.run, 2)

    with bench.account.turn() as state:
        assert len(state.hits) == 2


def test_a_hit_is_found_after_the_tokens_time_among_more_than_a_page(bench: Bench) -> None:
    bench.changes["closes_at"] = bench.clock() + timedelta(days=40)
    bench.provider.set_places(bench.run, 101)
    bench.account.faults.plan(Fault.LOSE_REPLY, "CreateHITWithHITType")
    with pytest.raises(CallLostError):
        bench.provider.set_places(bench.run, 102)
    bench.clock.advance(DAY + 60)

    bench.restart()
    bench.provider.set_places(bench.run, 102)

    with bench.account.turn() as state:
        assert len(state.hits) == 102
    assert len(bench.account.called("ListHITs")) == 2


def test_call_that_arrives_twice_creates_one_hit(bench: Bench) -> None:
    bench.account.faults.plan(Fault.TWICE, "CreateHITWithHITType")

    bench.provider.set_places(bench.run, 1)

    with bench.account.turn() as state:
        assert len(state.hits) == 1


def test_throttling_is_not_a_refusal_and_loses_nothing(bench: Bench) -> None:
    bench.account.faults.plan(Fault.THROTTLE, times=3)
    for _ in range(3):
        with pytest.raises(UnavailableError, match="slow down"):
            bench.provider.set_places(bench.run, 1)

    bench.provider.set_places(bench.run, 1)

    with bench.account.turn() as state:
        assert len(state.hits) == 1


def test_hits_are_created_once_the_account_has_money(live_bench: Bench) -> None:
    bench = live_bench
    with bench.account.turn() as state:
        state.money.prepaid = bench.plan.task.task_reward or state.money.prepaid
    with pytest.raises(UnavailableError, match="add money"):
        bench.provider.set_places(bench.run, 2)
    with bench.account.turn() as state:
        state.money.prepaid *= 10

    bench.provider.set_places(bench.run, 2)

    with bench.account.turn() as state:
        assert len(state.hits) == 2


def test_preview_link_names_the_group(bench: Bench) -> None:
    before = bench.provider.entrances(bench.run)
    bench.provider.set_places(bench.run, 1)

    [entrance] = bench.provider.entrances(bench.run)

    assert before == ()
    assert entrance.startswith(f"{bench.account.worker_url}/mturk/preview?groupId=")
    assert bench.account.worker("A1").preview(bench.group).assignment_id.startswith("ASSIGN")


def test_the_preview_is_known_when_the_first_hit_was_found_again(bench: Bench) -> None:
    bench.account.faults.plan(Fault.LOSE_REPLY, "CreateHITWithHITType")
    with pytest.raises(CallLostError):
        bench.provider.set_places(bench.run, 1)

    bench.provider.set_places(bench.run, 1)

    assert bench.group


def test_closed_hit_cannot_be_accepted_but_submitted(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 2)
    shown, visit = bench.accept("A1")
    group = bench.group

    bench.provider.pause_places(bench.run)
    bench.provider.pause_places(bench.run)

    with pytest.raises(WorkerRefusedError):
        bench.account.worker("A2").accept(group)
    bench.account.worker("A1").submit(shown, {"visit": "1"})
    assert bench.sync(visit) == {"A1": "submitted"}


def test_closing_finds_a_hit_with_a_lost_id_and_creates_none(bench: Bench) -> None:
    bench.account.faults.plan(Fault.LOSE_REPLY, "CreateHITWithHITType")
    with pytest.raises(CallLostError):
        bench.provider.set_places(bench.run, 1)

    bench.restart()
    bench.provider.pause_places(bench.run)

    with bench.account.turn() as state:
        [hit] = state.hits.values()
        assert state.status(hit, state.now) == "Reviewable"


def test_closing_waits_for_a_hit_that_may_exist_unlisted(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 2)
    bench.account.faults.plan(Fault.LOSE_REPLY, "CreateHITWithHITType")
    with pytest.raises(CallLostError):
        bench.provider.set_places(bench.run, 3)
    bench.account.faults.lists_late = timedelta(minutes=5)
    with pytest.raises(UnavailableError, match="may have created 1 more"):
        bench.provider.pause_places(bench.run)
    with bench.account.turn() as state:
        assert [state.status(hit, state.now) for hit in state.hits.values()] == [
            "Reviewable",
            "Reviewable",
            "Assignable",
        ]
    bench.clock.advance(301)

    bench.provider.pause_places(bench.run)

    with bench.account.turn() as state:
        assert {state.status(hit, state.now) for hit in state.hits.values()} == {"Reviewable"}


def test_a_repeated_closing_leaves_the_hits_of_a_resumed_run(bench: Bench) -> None:
    bench.account.faults.plan(Fault.LOSE_REPLY, "CreateHITWithHITType")
    with pytest.raises(CallLostError):
        bench.provider.set_places(bench.run, 1)
    bench.account.faults.lists_late = timedelta(minutes=5)
    with pytest.raises(UnlistedPlacesError, match="may have created 1 more"):
        bench.provider.pause_places(bench.run)
    resumed = evolve(bench.run, gone_places=2)
    bench.provider.set_places(resumed, 4)
    bench.clock.advance(301)

    bench.provider.pause_places(resumed)

    with bench.account.turn() as state:
        found = {
            str(hit.annotation).rsplit("-", 1)[-1]: state.status(hit, state.now)
            for hit in state.hits.values()
        }
    assert found == {"0": "Reviewable", "2": "Assignable", "3": "Assignable"}


def test_closing_waits_for_the_last_attempt_that_may_have_created_a_hit(bench: Bench) -> None:
    for fault in (Fault.FAIL, Fault.LOSE_REPLY):
        bench.clock.advance(601)
        bench.account.faults.plan(fault, "CreateHITWithHITType")
        with pytest.raises(CallLostError):
            bench.provider.set_places(bench.run, 1)
    bench.account.faults.lists_late = timedelta(minutes=5)
    with pytest.raises(UnavailableError, match="may have created 1 more"):
        bench.provider.pause_places(bench.run)
    bench.clock.advance(301)

    bench.provider.pause_places(bench.run)

    assert assignable(bench) == 0


def test_closing_does_not_wait_for_an_attempt_that_certainly_failed(bench: Bench) -> None:
    for fault in (Fault.FAIL, Fault.THROTTLE):
        bench.clock.advance(601)
        bench.account.faults.plan(fault, "CreateHITWithHITType")
        with pytest.raises(CallLostError):
            bench.provider.set_places(bench.run, 1)

    bench.provider.pause_places(bench.run)


def test_closing_does_not_wait_forever_for_a_hit_that_was_not_created(bench: Bench) -> None:
    bench.account.faults.plan(Fault.FAIL, "CreateHITWithHITType")
    with pytest.raises(CallLostError):
        bench.provider.set_places(bench.run, 1)
    bench.clock.advance(601)

    bench.provider.pause_places(bench.run)


@pytest.mark.parametrize("refused", [True, False])
def test_closing_does_not_wait_for_a_hit_that_was_certainly_not_created(
    bench: Bench, refused: bool
) -> None:
    bench.provider.set_places(bench.run, 1)
    if refused:
        bench.changes["url"] = f"https://tasks.example.org/?a={'x' * 70_000}"
    else:
        bench.account.faults.plan(Fault.THROTTLE, "CreateHITWithHITType")
    with pytest.raises((CallLostError, MTurkRefusedError)):
        bench.provider.set_places(bench.run, 2)

    bench.provider.pause_places(bench.run)

    with bench.account.turn() as state:
        assert {state.status(hit, state.now) for hit in state.hits.values()} == {"Reviewable"}


def test_interrupted_closing_continues(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 3)
    bench.account.faults.plan(Fault.LOSE_REPLY, "UpdateExpirationForHIT")
    with pytest.raises(CallLostError):
        bench.provider.pause_places(bench.run)

    bench.restart()
    bench.provider.pause_places(bench.run)

    with bench.account.turn() as state:
        statuses = {state.status(hit, state.now) for hit in state.hits.values()}
    assert statuses == {"Reviewable"}


def test_places_opened_after_closing_are_new_hits(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 1)
    bench.provider.pause_places(bench.run)

    bench.changes["gone_places"] = 1
    bench.provider.set_places(bench.run, 2)

    assert bench.account.worker("A1").accept(bench.group).url


@pytest.mark.parametrize("hours", [1, 100])
def test_the_end_of_open_hits_moves_and_moves_again(bench: Bench, hours: int) -> None:
    bench.provider.set_places(bench.run, 2)
    bench.changes["closes_at"] = bench.clock() + timedelta(hours=hours)

    bench.provider.move_end(bench.run)
    bench.provider.move_end(bench.run)

    with bench.account.turn() as state:
        assert {hit.expires_at for hit in state.hits.values()} == {bench.run.closes_at}


def test_moving_the_end_leaves_closed_hits_closed(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 1)
    bench.provider.pause_places(bench.run)

    bench.provider.move_end(bench.run)

    with bench.account.turn() as state:
        [hit] = state.hits.values()
        assert state.status(hit, state.now) == "Reviewable"


def test_decided_hits_are_deleted_and_the_others_wait(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 3)
    bench.approved("A1")
    undecided = bench.submitted("A2")
    bench.provider.pause_places(bench.run)
    with pytest.raises(UnavailableError, match="1 of the run's HITs"):
        bench.provider.dispose(bench.run)
    bench.account.client().approve_assignment(AssignmentId=undecided.reference)

    bench.provider.dispose(bench.run)
    bench.provider.dispose(bench.run)

    with bench.account.turn() as state:
        assert all(hit.disposed for hit in state.hits.values())


def test_disposed_hit_needs_no_deletion(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 1)
    bench.approved("A1")
    bench.clock.advance(130 * DAY)

    bench.provider.dispose(bench.run)

    assert bench.account.calls[-1].outcome == "HITDoesNotExist"


def test_refusal_has_the_reason_of_mturk_without_its_time_stamp(bench: Bench) -> None:
    bench.task["task_title"] = "x" * 129

    with pytest.raises(MTurkRefusedError) as caught:
        bench.provider.set_places(bench.run, 1)

    assert "Title" in str(caught.value)
    assert not str(caught.value).endswith("s)")


def test_two_runs_of_equal_tasks_share_a_type_and_keep_their_hits(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 1)
    other = Bench(bench.account, bench.database, bench.clock, changes={"id": 8, "key": "other-8"})
    other.provider.set_places(other.run, 1)
    visit = bench.submitted("A1")

    assert other.group == bench.group
    assert other.sync() == {}
    assert bench.sync(visit) == {"A1": "submitted"}


def test_later_end_reopens_expired_hits(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 1)
    bench.clock.advance(2 * DAY)
    bench.sync()
    bench.changes["closes_at"] = bench.clock() + timedelta(hours=1)

    bench.provider.move_end(bench.run)

    visit = bench.submitted("A1")
    assert bench.sync(visit) == {"A1": "submitted"}


@pytest.fixture
def reopened(bench: Bench) -> Bench:
    """Two HITs that had expired are extended, and the reply to the first extension is lost."""
    bench.provider.set_places(bench.run, 2)
    bench.clock.advance(2 * DAY)
    bench.sync()
    bench.changes["closes_at"] = bench.clock() + timedelta(hours=1)
    bench.account.faults.plan(Fault.LOSE_REPLY, "UpdateExpirationForHIT")
    with pytest.raises(CallLostError):
        bench.provider.move_end(bench.run)
    return bench


def assignable(bench: Bench) -> int:
    with bench.account.turn() as state:
        return sum(state.status(hit, state.now) == "Assignable" for hit in state.hits.values())


def test_a_hit_whose_extension_was_not_confirmed_is_closed_with_the_rest(reopened: Bench) -> None:
    assert assignable(reopened) == reopened.provider.count_open_places(reopened.run) == 1

    reopened.provider.pause_places(reopened.run)

    assert assignable(reopened) == 0


def test_a_submission_to_a_hit_whose_extension_was_not_confirmed_is_reported(
    reopened: Bench,
) -> None:
    visit = reopened.submitted("A1")

    assert reopened.sync(visit) == {"A1": "submitted"}


@pytest.mark.parametrize("operation", ["ListReviewableHITs", "ListAssignmentsForHIT"])
def test_hits_that_are_extended_while_they_are_read_stay_open(bench: Bench, operation: str) -> None:
    bench.provider.set_places(bench.run, 2)
    bench.clock.advance(2 * DAY)
    bench.changes["closes_at"] = bench.clock() + timedelta(hours=1)
    with (
        ThreadPoolExecutor(1) as thread,
        bench.account.faults.holding(operation, after=True) as gate,
    ):
        synced = thread.submit(bench.sync)
        assert gate.reached.wait(30)
        bench.make().move_end(bench.run)
        gate.open()
        synced.result(30)
    visit = bench.submitted("A1")

    assert isinstance(bench.provider.arrive(visit.query), Arrival)
    assert bench.sync(visit) == {"A1": "submitted"}
    bench.provider.pause_places(bench.run)
    assert assignable(bench) == 0


def test_a_rejected_submission_stays_so_that_it_can_be_accepted_after_all(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 2)
    rejected, other = bench.submitted("A1"), bench.submitted("A2")
    bench.sync(rejected, other)
    bench.decide(rejected, Reject("The answers are random."))
    bench.decide(other, Approve())
    bench.provider.dispose(bench.run)

    assert bench.decide(rejected, Approve()) is Outcome.CONFIRMED
    bench.provider.dispose(bench.run)
    with bench.account.turn() as state:
        assert all(hit.disposed for hit in state.hits.values())
