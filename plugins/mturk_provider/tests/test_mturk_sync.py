"""Reports on visits: as soon as the data of MTurk is reliable, with few calls."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from famulus import UnavailableError
from famulus_mturk.fake import FakeMTurk, Fault
from mturk_bench import Bench, parameters

DAY = 24 * 3600
#: Longer than MTurk's numbers may be behind, and than the time between two looks at a HIT.
A_WHILE = 130


def calls_of(bench: Bench) -> list[str]:
    return [call.operation for call in bench.account.calls]


@pytest.fixture
def opened(bench: Bench) -> Bench:
    """Five places are open."""
    bench.provider.set_places(bench.run, 5)
    return bench


def test_nothing_is_reported_of_an_open_visit(opened: Bench) -> None:
    _, visit = opened.accept("A1")
    opened.clock.advance(A_WHILE)

    assert opened.sync(visit) == {}


def test_submission_is_reported_and_then_costs_no_more_calls(opened: Bench) -> None:
    visit = opened.submitted("A1")

    first = opened.sync(visit)
    before = len(calls_of(opened))
    for _ in range(3):
        opened.sync(visit)

    assert first == {"A1": "submitted"}
    assert calls_of(opened)[before:] == ["ListReviewableHITs"] * 3


def test_a_visit_whose_answers_never_reached_mturk_is_not_reported_as_submitted(
    opened: Bench,
) -> None:
    _, visit = opened.accept("A1")
    reported = opened.sync(visit)
    opened.clock.advance(601)

    assert reported == {}
    assert opened.sync(visit) == {"A1": "returned"}


def test_lost_report_is_made_again(opened: Bench) -> None:
    visit = opened.submitted("A1")
    reports = iter(opened.provider.sync(opened.run, [visit], None))
    next(reports)

    opened.restart()

    assert opened.sync(visit) == {"A1": "submitted"}


def test_return_is_reported_once_the_data_of_mturk_is_recent(opened: Bench) -> None:
    shown, visit = opened.accept("A1")
    opened.account.worker("A1").give_back(shown)

    early = opened.sync(visit)
    opened.clock.advance(A_WHILE)

    assert early == {}
    assert opened.sync(visit) == {"A1": "returned"}


def test_outdated_data_ends_no_visit(opened: Bench) -> None:
    opened.account.faults.counts_stale = timedelta(seconds=90)
    opened.clock.advance(3600)
    _, visit = opened.accept("A1")

    assert opened.sync(visit) == {}
    opened.clock.advance(A_WHILE)
    assert opened.sync(visit) == {}


def test_abandoned_hit_counts_as_returned(opened: Bench) -> None:
    _, visit = opened.accept("A1")
    opened.clock.advance(601)

    assert opened.sync(visit) == {"A1": "returned"}


def test_one_assignment_id_of_two_workers_is_two_visits(opened: Bench) -> None:
    shown, first = opened.accept("A1")
    opened.account.worker("A1").give_back(shown)
    _, second = opened.accept("A2")
    assert first.reference == second.reference

    at_work = opened.sync(first, second)
    opened.account.worker("A2").submit(shown, {"visit": "2"})

    assert at_work == {"A1": "returned"}
    assert opened.sync(first, second) == {"A1": "returned", "A2": "submitted"}


def test_return_before_the_submission_of_another_worker_is_distinguished(
    opened: Bench,
) -> None:
    shown, first = opened.accept("A1")
    opened.account.worker("A1").give_back(shown)
    _, second = opened.accept("A2")
    opened.account.worker("A2").submit(shown, {"visit": "2"})
    opened.sync(second)

    assert opened.sync(first) == {"A1": "returned"}


def test_second_visit_of_a_worker_is_reported_by_their_last_action(
    opened: Bench,
) -> None:
    shown, _ = opened.accept("A1")
    opened.account.worker("A1").give_back(shown)
    again, visit = opened.accept("A1")
    opened.account.worker("A1").submit(again, {"visit": "2"})

    assert again.assignment_id == shown.assignment_id
    assert opened.sync(visit) == {"A1": "submitted"}


def test_submission_without_an_arrival_is_reported(opened: Bench) -> None:
    worker = opened.account.worker("A1")
    worker.submit(worker.accept(opened.group), {"made": "up"})

    assert opened.sync() == {"A1": "submitted"}


def test_a_visit_that_names_no_hit_of_the_run_is_not_at_work(opened: Bench) -> None:
    shown, real = opened.accept("A1")
    forged = {**parameters(shown), "hitId": "3SOMEBODYELSES", "workerId": "A2"}
    ghost = opened.visit("A2", forged)
    done = opened.visit("A3", forged, done_at=opened.clock())

    assert opened.sync(real, ghost, done) == {"A2": "returned"}


def test_visit_stays_open_while_its_hit_may_have_no_id_yet(
    bench: Bench,
) -> None:
    bench.account.faults.plan(Fault.LOSE_REPLY, "CreateHITWithHITType")
    with pytest.raises(UnavailableError):
        bench.provider.set_places(bench.run, 1)
    [group] = bench.account.worker("A1").groups()
    query = parameters(bench.account.worker("A1").accept(group.id))

    assert bench.sync(bench.visit("A1", query)) == {}


@pytest.mark.parametrize("is_reload", [False, True])
def test_last_arrival_has_the_hit(opened: Bench, is_reload: bool) -> None:
    shown, first = opened.accept("A1")
    opened.account.worker("A1").give_back(shown)
    opened.clock.advance(5)
    again, second = opened.accept("A2")
    opened.account.worker("A2").give_back(again)
    opened.clock.advance(5)
    shown, third = opened.accept("A1")
    if is_reload:
        third = evolve(first, last_arrived_at=opened.clock())
    visits = (third, second) if is_reload else (first, second, third)
    opened.clock.advance(A_WHILE)

    found = list(opened.provider.sync(opened.run, visits, None))

    assert ("A2", "returned") in [(each.worker_name, each.status) for each in found]
    assert len(found) == len(visits) - 1
    opened.account.worker("A1").submit(shown, {"visit": "1"})
    assert opened.sync(third)["A1"] == "submitted"


def test_visit_with_the_hit_of_another_worker_does_not_submit_for_them(opened: Bench) -> None:
    shown, first = opened.accept("A1")
    forged = opened.visit("A2", {**parameters(shown), "workerId": "A2"})
    opened.account.worker("A1").submit(shown, {"visit": "1"})

    assert opened.sync(first, forged) == {"A1": "submitted", "A2": "returned"}


def test_hit_that_expired_without_a_submission_expires_its_visit(opened: Bench) -> None:
    shown, visit = opened.accept("A1")
    opened.provider.pause_places(opened.run)
    opened.account.worker("A1").give_back(shown)

    first = opened.sync(visit)

    assert first == {"A1": "expired"}
    assert opened.sync(visit) == {"A1": "expired"}


def test_a_submission_that_is_not_listed_yet_is_waited_for(opened: Bench) -> None:
    visit = opened.submitted("A1")
    opened.account.faults.lists_late = timedelta(minutes=5)

    early = opened.sync(visit)
    opened.clock.advance(301)

    assert early == {}
    assert opened.sync(visit) == {"A1": "submitted"}


def test_open_visit_can_submit_after_the_run_has_closed(opened: Bench) -> None:
    shown, visit = opened.accept("A1")
    opened.provider.pause_places(opened.run)
    opened.clock.advance(A_WHILE)

    at_work = opened.sync(visit)
    opened.account.worker("A1").submit(shown, {"visit": "1"})

    assert at_work == {}
    assert opened.sync(visit) == {"A1": "submitted"}


def test_automatic_approval_is_read_once_it_is_due(opened: Bench) -> None:
    visit = opened.submitted("A1")
    opened.sync(visit)
    opened.clock.advance(7 * DAY - 60)
    before = opened.sync(visit)
    opened.clock.advance(60)

    assert before == {}
    assert opened.sync(visit) == {"A1": "approved"}


def test_decision_made_on_mturk_is_reported(opened: Bench) -> None:
    visit = opened.approved("A1")

    assert opened.sync(visit) == {"A1": "approved"}


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("ListReviewableHITs", Fault.THROTTLE),
        ("ListReviewableHITs", Fault.FAIL),
        ("ListAssignmentsForHIT", Fault.LOSE_REPLY),
        ("UpdateHITReviewStatus", Fault.FAIL_AFTER),
        ("UpdateHITReviewStatus", Fault.LOSE_REPLY),
    ],
)
def test_failing_mturk_changes_no_status_and_loses_nothing(
    opened: Bench, operation: str, fault: Fault
) -> None:
    visit = opened.submitted("A1")
    opened.account.faults.plan(fault, operation)
    with pytest.raises(UnavailableError):
        opened.sync(visit)

    again = opened.sync(visit)

    assert again in ({"A1": "submitted"}, {})
    assert again or operation == "UpdateHITReviewStatus"


def test_throttled_look_reports_nothing(opened: Bench) -> None:
    _, visit = opened.accept("A1")
    opened.account.faults.plan(Fault.THROTTLE, "GetHIT")

    with pytest.raises(UnavailableError):
        opened.sync(visit)


def test_calls_are_in_proportion_to_changed_and_open_visits(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 150)
    done = [bench.submitted(f"A{n}") for n in range(120)]
    bench.sync(*done)
    at_work = [bench.accept(f"AB{n}")[1] for n in range(4)]
    new = [bench.submitted(f"AC{n}") for n in range(3)]
    before = len(calls_of(bench))

    bench.sync(*done, *at_work, *new)
    bench.clock.advance(15)
    bench.sync(*done, *at_work, *new)

    calls = calls_of(bench)[before:]
    assert len(calls) == 2 + 2 * len(new) + len(at_work)


def test_backlog_of_more_than_a_page_is_read_completely(bench: Bench) -> None:
    bench.provider.set_places(bench.run, 103)
    visits = [bench.submitted(f"A{n}") for n in range(103)]

    reported = bench.sync(*visits)

    assert len(reported) == 103


def test_sandbox_never_calls_the_live_site(opened: Bench, mturk: FakeMTurk) -> None:
    visit = opened.submitted("A1")
    opened.sync(visit)
    opened.grant("A1", "good", 1)
    opened.provider.pause_places(opened.run)

    assert mturk.live.calls == []


def test_deleted_hit_ends_open_visits_and_leaves_stored_answers_to_a_person(
    opened: Bench,
) -> None:
    _, visit = opened.accept("A1")
    done = evolve(visit, worker_name="A2", done_at=opened.clock())
    opened.provider.pause_places(opened.run)
    opened.clock.advance(200 * DAY)

    assert opened.sync(visit, done) == {"A1": "returned"}
