"""Each difference between MTurk and the local rows is reported by one sentence."""

from __future__ import annotations

import pytest

from famulus import UnavailableError, VisitStatus, VisitView
from famulus_mturk.fake import Fault
from mturk_bench import Bench, parameters

DAY = 24 * 3600


@pytest.fixture
def opened(bench: Bench) -> Bench:
    """Three places are open."""
    bench.provider.set_places(bench.run, 3)
    return bench


def differences_of(bench: Bench, *visits: VisitView) -> list[str]:
    return list(bench.provider.differences(bench.run, visits))


def test_no_difference_is_reported_without_one(opened: Bench) -> None:
    visit = opened.submitted("A1")
    opened.sync(visit)

    assert differences_of(opened, visit) == []


def test_hit_without_a_row_is_named(bench: Bench) -> None:
    bench.account.faults.plan(Fault.LOSE_REPLY, "CreateHITWithHITType")
    with pytest.raises(UnavailableError):
        bench.provider.set_places(bench.run, 1)

    [sentence] = differences_of(bench)

    assert "is on MTurk but not recorded here; expire it on MTurk" in sentence


def test_closed_hit_that_was_opened_again_is_named(opened: Bench) -> None:
    opened.provider.pause_places(opened.run)
    with opened.account.turn() as state:
        hit = next(iter(state.hits))
    opened.account.client().update_expiration_for_hit(HITId=hit, ExpireAt=opened.run.closes_at)

    [sentence] = differences_of(opened)

    assert hit in sentence
    assert "can still be accepted" in sentence


def test_manual_decision_is_named(opened: Bench) -> None:
    visit = opened.submitted("A1")
    opened.sync(visit)
    opened.account.client().approve_assignment(AssignmentId=visit.reference)

    [sentence] = differences_of(opened, visit)

    assert "A1 is approved on MTurk, but not decided here" in sentence


def test_disposed_hit_is_named(opened: Bench) -> None:
    visit = opened.submitted("A1")
    opened.sync(visit)
    opened.clock.advance(200 * DAY)

    sentences = differences_of(opened, visit)

    assert any("is not on MTurk any more" in each for each in sentences)
    assert any("reward cannot be paid there" in each for each in sentences)


def test_hits_that_can_be_accepted_are_counted_until_they_are_closed(opened: Bench) -> None:
    assert opened.provider.count_open_places(opened.run) == 3
    opened.accept("A1")
    assert opened.provider.count_open_places(opened.run) == 2

    opened.provider.pause_places(opened.run)
    assert opened.provider.count_open_places(opened.run) == 0


def test_look_reports_a_return_and_stores_nothing(opened: Bench) -> None:
    shown, visit = opened.accept("A1")
    opened.clock.advance(200)
    assert list(opened.provider.look(opened.run, [visit])) == []

    opened.account.worker("A1").give_back(shown)
    for _ in range(2):
        (report,) = opened.provider.look(opened.run, [visit])
        assert report.status is VisitStatus.RETURNED


def test_look_reports_a_visit_that_names_no_hit_of_the_run(opened: Bench) -> None:
    shown, visit = opened.accept("A1")
    forged = opened.visit("A2", {**parameters(shown), "hitId": "3SOMEBODYELSES"})

    found = list(opened.provider.look(opened.run, [visit, forged]))

    assert [(each.worker_name, each.status) for each in found] == [("A2", VisitStatus.RETURNED)]
