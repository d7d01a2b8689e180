"""A platform that refills places by itself gets no worker too many."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famulus.model.database import Database
from famulus.model.states import RunStatus, UnitStatus, VisitStatus
from famulus.testing.inprocess import GatewayWorker
from famulus.testing.movable_clock import MovableClock
from interleaving import examples
from refilled_course import UNITS, Course

ACTIONS = (
    "work",
    "work",
    "stay",
    "leave",
    "hand_in",
    "hand_in_early",
    "answer",
    "give_back",
    "take_back",
    "accept",
    "reject",
    "reject",
    "reverse",
    "reject_there",
    "undo_there",
    "stop",
    "resume",
)


def test_recruitment_that_opens_again_offers_no_place_too_many(
    database: Database, clock: MovableClock
) -> None:
    @examples(database, sqlite=15, postgresql=4)
    @given(actions=st.lists(st.sampled_from(ACTIONS), min_size=4, max_size=14))
    def holds(actions: Sequence[str]) -> None:
        course = Course(database, clock)
        try:
            for name in ("work", *actions, "stop", "reject", "take_back"):
                course.act(name)
                course.check()
        finally:
            course.gateway.close()
            course.operator.close()

    holds()


def test_a_run_that_is_over_is_closed_again_after_a_return(
    database: Database, clock: MovableClock
) -> None:
    course = Course(database, clock)
    for name in ("work", "stop", "take_back"):
        course.act(name)

    assert course.study.visits["visit-0"] is VisitStatus.RETURNED
    assert (course.study.is_active, course.study.offered) == (False, 0)
    course.act("resume")
    assert course.study.offered == UNITS
    course.gateway.close()
    course.operator.close()


def test_platform_refills_the_place_of_a_rejected_visit_without_being_asked(
    database: Database, clock: MovableClock
) -> None:
    course = Course(database, clock)
    for name in ("work", "reject"):
        course.act(name)

    assert (course.study.total, course.study.offered) == (UNITS, UNITS)
    assert course.operator.progress(course.run).status is RunStatus.RUNNING
    course.gateway.close()
    course.operator.close()


@pytest.mark.parametrize(
    ("action", "status"), [("reject", VisitStatus.REJECTED), ("take_back", VisitStatus.RETURNED)]
)
def test_a_run_that_waits_for_workers_before_it_stops_is_closed_again(
    database: Database, clock: MovableClock, action: str, status: VisitStatus
) -> None:
    course = Course(database, clock)
    course.act("work")
    at_work = course.study.recruit()
    assert at_work is not None
    GatewayWorker(course.gateway, at_work[0]).arrive(at_work[1])
    course.operator.stop(course.run)
    course.operator.turn()
    assert not course.study.is_active

    course.act(action)

    assert course.study.visits["visit-0"] is status
    assert course.operator.progress(course.run).status is RunStatus.STOPPING
    assert course.study.offered == 0
    course.gateway.close()
    course.operator.close()


@pytest.mark.parametrize(
    ("status", "places"), [(VisitStatus.REJECTED, UNITS), (VisitStatus.APPROVED, UNITS + 1)]
)
def test_a_submission_without_work_keeps_its_place_until_it_is_decided(
    database: Database, clock: MovableClock, status: VisitStatus, places: int
) -> None:
    course = Course(database, clock)
    course.act("hand_in")
    assert course.study.total == UNITS

    course.study.visits["visit-0"] = status
    course.act("give_back")

    assert (course.study.total, course.study.offered) == (places, UNITS)
    course.gateway.close()
    course.operator.close()


@pytest.mark.parametrize("way", ["leave", "reject_there"])
@pytest.mark.parametrize("is_late", [False, True], ids=["before", "after"])
def test_answers_of_a_visit_whose_place_is_sold_again_take_no_unit_from_the_next_worker(
    database: Database, clock: MovableClock, way: str, is_late: bool
) -> None:
    """Whether the answers come before or after the end of the visit on the platform."""
    course = Course(database, clock)
    actions = (way, "answer") if is_late else ("answer", way)
    for name in ("stay" if way == "leave" else "hand_in", *actions, "wait"):
        course.act(name)
        course.check()

    assert (course.study.total, course.study.offered) == (UNITS, UNITS)
    assert len(course.units(UnitStatus.LAUNCHED)) == UNITS
    course.gateway.close()
    course.operator.close()


def test_a_worker_in_the_onboarding_has_the_place_of_a_unit(
    database: Database, clock: MovableClock
) -> None:
    course = Course(database, clock, onboarding="can label")
    found = course.study.recruit()
    assert found is not None
    worker = GatewayWorker(course.gateway, found[0])
    page = worker.arrive(found[1])

    course.act("wait")
    assert course.study.total == UNITS
    worker.submit(worker.submit(page, "right"))
    course.act("wait")

    assert len(course.units(UnitStatus.COMPLETED)) == 1
    assert (course.study.total, course.study.offered) == (UNITS, UNITS - 1)
    course.gateway.close()
    course.operator.close()
