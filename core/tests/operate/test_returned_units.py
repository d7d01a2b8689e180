"""A worker who comes for a unit whose return is not known here finds it nevertheless."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from famulus.engine import returned_units
from famulus.errors import RefusedError, UnavailableError
from famulus.model.database import Database
from famulus.model.states import VisitStatus
from famulus.operate.doctor import read_differences
from famulus.operate.manual_sync import sync_now
from famulus.testing.inprocess import GatewayWorker, Seen
from famulus.testing.movable_clock import MovableClock
from refilled_course import DURATION, UNITS, Course

_V = VisitStatus


@pytest.fixture
def course(database: Database, clock: MovableClock) -> Iterator[Course]:
    """A run whose units are all with workers: one has submitted, the others work."""
    course = Course(database, clock)
    for name in ("work", *["stay"] * (UNITS - 1)):
        course.act(name)
    yield course
    course.gateway.close()
    course.operator.close()


def end(course: Course, *numbers: int, status: VisitStatus = _V.RETURNED) -> None:
    """End visits on the platform, which sells their places again."""
    for number in numbers:
        course.study.visits[f"visit-{number}"] = status
    course.study.is_active = True


def come(course: Course) -> Seen:
    """Let a new worker take a place and open the page."""
    found = course.study.recruit()
    assert found is not None
    return GatewayWorker(course.gateway, found[0]).arrive(found[1])


def come_as(course: Course, name: str) -> Seen:
    """Open the page with an address that was made up."""
    return GatewayWorker(course.gateway, name).arrive(name)


def raise_unless(done: bool) -> None:
    assert done


def raises(error: BaseException) -> Callable[[], None]:
    def call() -> None:
        raise error

    return call


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (0, _V.RETURNED),
        (0, _V.REJECTED),
        (1, _V.RETURNED),
        (1, _V.TIMED_OUT),
        (1, _V.REJECTED),
        (1, _V.SCREENED_OUT),
    ],
    ids=[
        "returned submission",
        "rejected there",
        "returned task",
        "timed out",
        "rejected there without answers here",
        "screened out there",
    ],
)
def test_worker_gets_the_unit_of_a_visit_that_has_ended_since_the_last_sync(
    course: Course, number: int, status: VisitStatus
) -> None:
    end(course, number, status=status)

    assert come(course).has_form

    course.act("wait")
    assert (course.study.looks, course.study.offered) == (1, 0)
    course.check()


def test_worker_gets_the_unit_of_a_return_when_all_units_are_done(
    database: Database, clock: MovableClock
) -> None:
    course = Course(database, clock)
    pages = [come(course) for _ in range(UNITS)]
    for number, page in enumerate(pages):
        GatewayWorker(course.gateway, f"worker-{number}").submit(page)
    assert come_as(course, "a stranger").refusal == "run_complete"
    clock.advance(60)
    end(course, 0)

    assert come(course).has_form
    course.gateway.close()
    course.operator.close()


def test_worker_for_whom_there_is_nothing_is_looked_for_once_a_minute(
    course: Course, clock: MovableClock
) -> None:
    worker = GatewayWorker(course.gateway, "a stranger")

    for _ in range(3):
        assert worker.arrive("another visit").status == 403
    assert course.study.looks == 1

    clock.advance(60)
    assert worker.arrive("another visit").status == 403
    assert course.study.looks == 2
    end(course, 1)
    clock.advance(60)
    assert worker.arrive("another visit").has_form


def test_platform_is_asked_ten_times_a_minute_at_most(course: Course, clock: MovableClock) -> None:
    seen = [come_as(course, f"stranger-{number}").status for number in range(6)]

    assert (seen, course.study.looks) == ([403] * 4 + [503] * 2, 4)
    for second in range(6, 60):
        clock.advance(1)
        come_as(course, f"stranger-{second}")
    assert course.study.looks == 9
    clock.advance(-3600)
    assert come_as(course, "stranger").status == 403, "the clock was set back"


def test_strangers_who_use_up_the_looks_keep_no_worker_from_a_unit(
    course: Course, clock: MovableClock
) -> None:
    """Where arrivals are not verified, anyone can have the platform asked."""
    for number in range(4):
        come_as(course, f"stranger-{number}")
    end(course, 1, 2)
    found = course.study.recruit()
    assert found is not None
    worker = GatewayWorker(course.gateway, found[0])
    assert worker.arrive(found[1]).status == 503

    clock.advance(10)
    come_as(course, "a stranger")
    looks = course.study.looks

    assert worker.arrive(found[1]).has_form
    assert course.study.looks == looks, "that of the stranger was for all who came before"


def test_worker_does_not_wait_for_a_platform_that_takes_long(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of a large study has many pages."""
    monkeypatch.setattr(returned_units, "_PATIENCE", 0.1)
    end(course, 1)
    found, may_end, has_ended = course.study.recruit(), Event(), Event()
    assert found is not None
    worker = GatewayWorker(course.gateway, found[0])
    course.study.before_look = lambda: raise_unless(may_end.wait(60))
    course.study.after_look = has_ended.set

    assert [worker.arrive(found[1]).status for _ in range(2)] == [503, 503]
    may_end.set()
    assert has_ended.wait(60)
    monkeypatch.undo()

    assert worker.arrive(found[1]).has_form
    assert course.study.looks == 1


def test_workers_who_come_at_once_share_looks_and_each_gets_a_unit(course: Course) -> None:
    end(course, 0, 1, 2)
    together = Barrier(3)

    def come_together(number: int) -> Seen:
        worker = GatewayWorker(course.gateway, f"late-{number}")
        course.study.visits[f"late-{number}"] = _V.ACCEPTED
        course.study.workers[f"late-{number}"] = f"late-{number}"
        together.wait()
        return worker.arrive(f"late-{number}")

    with ThreadPoolExecutor(3) as threads:
        pages = [*threads.map(come_together, range(3))]

    assert [page.has_form for page in pages] == [True] * 3
    assert course.study.looks in (1, 2)


def test_worker_who_comes_during_a_look_has_another_one(course: Course) -> None:
    """What has ended since a look began is not in its reports."""
    study, has_come = course.study, Event()

    with ThreadPoolExecutor(1) as threads:

        def come_meanwhile() -> None:
            study.after_look, study.on_arrival = lambda: None, has_come.set
            # The first worker may get one of them, if they are slower.
            end(course, 1, 2)
            pages.append(threads.submit(come, course))
            assert has_come.wait(60)

        pages: list[Future[Seen]] = []
        study.after_look = come_meanwhile
        GatewayWorker(course.gateway, "first").arrive("first")

        assert pages[0].result().has_form
    assert study.looks == 2


def test_worker_is_asked_to_try_again_while_the_platform_does_not_answer(
    course: Course, clock: MovableClock
) -> None:
    study = course.study
    study.before_look = raises(UnavailableError("the platform is down"))
    worker = GatewayWorker(course.gateway, "a stranger")

    assert worker.arrive("another visit").status == 503
    clock.advance(119)
    assert worker.arrive("another visit").status == 503
    clock.advance(1)
    assert worker.arrive("another visit").status == 403, "they can leave"

    study.before_look = lambda: None
    end(course, 1)
    assert worker.arrive("another visit").has_form


@pytest.mark.parametrize("error", [RefusedError("no"), ValueError("a bug"), SystemExit(3)])
def test_worker_is_refused_where_the_platform_cannot_be_asked(
    course: Course, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    course.study.before_look = raises(error)

    for number in range(2):
        assert GatewayWorker(course.gateway, f"stranger-{number}").arrive("visit").status == 403

    assert caplog.text.count("cannot be asked for units whose visit has ended") == 1


def test_platform_is_not_asked_while_no_visit_holds_a_unit(
    database: Database, clock: MovableClock
) -> None:
    course = Course(database, clock, options={"task_reward": "1.00", "max_spend": "1.00"})
    for name in ("work", "accept"):
        course.act(name)

    assert GatewayWorker(course.gateway, "a stranger").arrive("visit").status == 403

    assert course.study.looks == 0
    course.gateway.close()
    course.operator.close()


@pytest.mark.parametrize("is_over", [False, True])
def test_late_answers_to_a_unit_that_is_returned_are_listed_as_unpaid(
    course: Course, clock: MovableClock, is_over: bool
) -> None:
    """Another worker had the unit when they came, and has returned it since."""
    late = GatewayWorker(course.gateway, "worker-1")
    page = late.arrive("visit-1")
    clock.advance(DURATION + 1)
    course.act("wait")
    end(course, 1, 2, 3, status=_V.TIMED_OUT)
    for name in ("work", "work", "stay"):
        course.act(name)
    course.study.visits["visit-1"] = _V.SUBMITTED
    assert late.submit(page).status == 200
    course.act("wait")
    if is_over:
        course.operator.finish(course.run)
    end(course, 0, 4, 5)
    sync_now(course.database, course.operator.plugins, course.run)

    found = read_differences(course.database, course.operator.plugins, course.run)

    assert "unpaid late answers to units that others have completed: of worker-1" in [
        each.what for each in found
    ]
