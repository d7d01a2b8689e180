"""Rejected work is offered again by another unit, where the platform sells its place again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from famulus.data.browser_units import browser_units
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.engine.ledger.recorded_decisions import unapplied_units
from famulus.engine.ledger.replacement_units import replace_units
from famulus.errors import RefusedError
from famulus.model.database import Database
from famulus.model.states import Decision, UnitStatus, VisitStatus
from famulus.model.tables import AgentTable, VisitTable
from famulus.model.transaction import Transaction
from famulus.operate.doctor import read_differences
from famulus.operate.manual_sync import sync_now
from famulus.operate.run_report import read_report
from famulus.testing.inprocess import GatewayWorker, Seen
from famulus.testing.movable_clock import MovableClock
from refilled_course import DURATION, LAG, UNITS, Course

_U, _V = UnitStatus, VisitStatus

StartCourse = Callable[..., Course]


@pytest.fixture
def start(database: Database, clock: MovableClock) -> Iterator[StartCourse]:
    """Return a function that launches a run and takes it through some actions."""
    started = []

    def launch(*actions: str, units_per_row: int = 1, **options: object) -> Course:
        course = Course(database, clock, units_per_row=units_per_row, options=options)
        started.append(course)
        act(course, *actions)
        return course

    yield launch
    for course in started:
        course.gateway.close()
        course.operator.close()


def act(course: Course, *actions: str) -> None:
    for name in actions:
        course.act(name)


def slots(course: Course) -> list[tuple[int, UnitStatus]]:
    """Return the number of replacements and the status of each unit of the first row."""
    rows = course.rows()
    return [(row.replacement, row.status) for row in rows if row.assignment == rows[0].assignment]


def arrive(course: Course, worker: str, reference: str) -> Seen:
    return GatewayWorker(course.gateway, worker).arrive(reference)


def test_rejected_work_stays_and_is_offered_to_others(start: StartCourse) -> None:
    course = start("work", "stay", "stay", "stay", "reject")

    rejected, *_, replacement = course.rows()
    assert (rejected.status, rejected.visit_status) == (_U.REJECTED, _V.REJECTED)
    assert (replacement.assignment, replacement.lane) == (rejected.assignment, rejected.lane)
    assert (course.study.total, course.study.offered) == (UNITS, 1)
    assert not arrive(course, "worker-0", "again").has_form, "a worker gets the row twice"
    act(course, "work")
    assert slots(course) == [(0, _U.REJECTED), (1, _U.COMPLETED)]
    report = read_report(course.database, course.run, plugins=course.operator.plugins)
    assert report.replacements == 1
    units = [*browser_units(course.database, course.run, [*UnitStatus])]
    assert [(each.row, each.status) for each in units[:2]] == [
        (0, _U.REJECTED),
        (0, _U.COMPLETED),
    ]
    act(course, "reject")
    assert slots(course)[-1] == (2, _U.LAUNCHED), "a replacement is replaced like any other unit"


def test_next_worker_finds_a_unit_before_the_platform_has_replied(start: StartCourse) -> None:
    course = start("work", "stay", "stay", "stay")
    seen = []

    def come() -> None:
        worker, reference = course.study.recruit() or ("", "")
        seen.append(arrive(course, worker, reference))

    course.study.after_verdict = come
    act(course, "reject")

    assert [page.has_form for page in seen] == [True]
    assert (course.study.offered, slots(course)[-1]) == (0, (1, _U.ASSIGNED))


def test_rejection_that_is_delivered_and_reported_again_has_one_replacement(
    start: StartCourse, database: Database
) -> None:
    course = start("work", "work", "reject", "wait")
    (visit,) = visits(database, _V.REJECTED)

    for _ in range(2):
        database.write(lambda tx: replace_units(tx, course.run, visit))
    act(course, "reject_there", "wait", "reject", "wait")

    assert [row.replacement for row in course.rows()].count(1) == 2
    course.check()


def test_refused_rejection_has_no_replacement(start: StartCourse) -> None:
    course = start("work", "stay")
    course.study.refusal = RefusedError("too many rejections")

    act(course, "reject")

    assert slots(course) == [(0, _U.REJECTED), (1, _U.EXPIRED)]
    assert course.study.offered == UNITS - 2
    course.check()


@pytest.mark.parametrize("undo", ["undo_there", "reverse"])
def test_undone_rejection_withdraws_a_free_replacement(start: StartCourse, undo: str) -> None:
    course = start("work", "reject")

    act(course, undo)
    assert slots(course)[-1] == (1, _U.EXPIRED)
    course.check()

    act(course, "reject" if undo == "undo_there" else "reject_accepted_there")
    assert slots(course)[-1] == (1, _U.LAUNCHED), "rejected again"
    course.check()


def test_undone_rejection_in_a_run_without_operator_is_listed_until_it_is_synced(
    start: StartCourse,
) -> None:
    course = start("work", "reject", "stop")
    plugins = course.operator.plugins
    course.study.visits["visit-0"] = _V.SUBMITTED

    def undone() -> list[str]:
        found = read_differences(course.database, plugins, course.run)
        return [each.what for each in found if "undone" in each.what]

    assert undone() == [
        "rejected here, but the rejection was undone on the platform: visits visit-0 of worker-0"
    ]
    sync_now(course.database, plugins, course.run)
    assert undone() == []
    assert slots(course)[0] == (0, _U.COMPLETED)


def test_doctor_lists_submissions_that_no_process_has_read(
    database: Database, clock: MovableClock
) -> None:
    """The platform approves them by itself, and no operator will learn of them."""
    course = Course(database, clock)
    course.work()
    assert read_differences(database, course.operator.plugins) == []
    course.stop()

    (found,) = read_differences(database, course.operator.plugins)

    assert (found.what, found.command) == (
        "submitted on the platform, but not reported here yet: visits visit-0 of worker-0",
        ("sync", course.run),
    )
    sync_now(database, course.operator.plugins, course.run)
    assert read_differences(database, course.operator.plugins) == []
    course.gateway.close()
    course.operator.close()


def test_undone_rejection_leaves_a_replacement_that_is_worked_on(start: StartCourse) -> None:
    course = start("work", "stay", "stay", "stay", "reject", "stay")

    act(course, "reverse")

    assert slots(course) == [(0, _U.ACCEPTED), (1, _U.ASSIGNED)]
    course.check()


def test_replacement_is_the_last_unit_to_be_given_out(start: StartCourse) -> None:
    """A rejection may be undone on the platform before that is known here."""
    course = start("work", "reject", units_per_row=2)
    course.study.shows_visits = False
    course.study.visits["visit-0"] = _V.SUBMITTED

    act(course, *["work"] * (2 * UNITS - 1))
    assert len(course.units(_U.LAUNCHED)) == 1

    course.clock.advance(LAG)
    act(course, "wait")
    assert (0, _U.COMPLETED) in slots(course)
    assert (1, _U.EXPIRED) in slots(course)
    assert course.study.total == 2 * UNITS


def test_return_of_rejected_work_does_not_offer_it_twice(start: StartCourse) -> None:
    course = start("work", "reject")
    course.study.visits["visit-0"] = _V.RETURNED

    act(course, "wait")

    assert slots(course) == [(0, _U.EXPIRED), (1, _U.LAUNCHED)]
    course.check()


def test_visit_with_several_units_opens_no_place_beyond_its_own(
    start: StartCourse, clock: MovableClock
) -> None:
    course = start()
    name, reference = course.study.recruit() or ("", "")
    worker = GatewayWorker(course.gateway, name)
    first = worker.arrive(reference)
    clock.advance(DURATION + 1)
    act(course, "wait")
    second = worker.arrive(reference)
    worker.submit(second)
    worker.submit(first)
    course.study.visits[reference] = _V.SUBMITTED
    act(course, "wait")
    done = course.units(_U.COMPLETED)
    assert len(done) == 2

    reject_all(course, done)
    act(course, "wait")

    assert (course.study.total, course.study.offered) == (UNITS, UNITS)
    assert len(course.units(_U.LAUNCHED)) == UNITS


@pytest.mark.parametrize("way", ["reject", "reject_there"])
def test_unit_that_a_rejected_visit_works_on_is_offered_to_others_at_once(
    start: StartCourse, database: Database, way: str
) -> None:
    course = start("work", "stay")
    (at_work,) = course.units(_U.ASSIGNED)
    (submitted,) = visits(database, _V.SUBMITTED)

    def share() -> None:
        """Let the visit that is rejected be the one that works on the other unit, too."""
        of_unit = AgentTable.unit == at_work
        database.write(lambda tx: tx.execute(AgentTable.update(visit=submitted).where(of_unit)))

    if way == "reject_there":
        share()
    course.study.after_verdict = share
    act(course, way)

    assert {*visits(database, _V.REJECTED)} == {submitted}
    assert at_work in course.units(_U.LAUNCHED)


def test_rejection_of_a_visit_with_an_open_unit_is_sent_by_a_later_review(
    start: StartCourse, clock: MovableClock, database: Database
) -> None:
    """The visit has a late first unit, which is decided on, and a second one that times out."""
    course = start()
    name, reference = course.study.recruit() or ("", "")
    worker = GatewayWorker(course.gateway, name)
    first = worker.arrive(reference)
    clock.advance(DURATION + 1)
    act(course, "wait")
    worker.arrive(reference)
    worker.submit(first)
    course.study.visits[reference] = _V.SUBMITTED
    reject_all(course, course.units(_U.COMPLETED))
    clock.advance(DURATION + 1)
    act(course, "wait")
    assert course.study.visits[reference] is _V.SUBMITTED

    found = read_differences(database, course.operator.plugins, course.run)
    assert [each.command[0] for each in found if "decisions" in each.what] == ["review"]
    left = database.write(lambda tx: unapplied_units(tx, [course.run]))
    database.write(lambda tx: apply_decisions(tx, left))
    act(course, "wait")

    assert course.study.visits[reference] is _V.REJECTED
    course.check()


def test_full_window_does_not_keep_a_replacement_or_returned_work_back(start: StartCourse) -> None:
    course = start("work", "work", "stay", max_num_concurrent_units=2)
    assert len(course.units(_U.LAUNCHED)) == course.study.offered == 1

    for action in ("reject", "take_back", "wait"):
        act(course, action)
        assert course.study.offered == len(course.units(_U.LAUNCHED))
    assert (course.study.offered, len(course.units(_U.CREATED))) == (3, 0)


def test_budget_that_has_no_room_keeps_a_replacement_back(start: StartCourse) -> None:
    course = start("work", "stay", task_reward="1.00", max_spend="2.00")
    assert (len(course.units(_U.CREATED)), course.study.offered) == (2, 0)

    act(course, "reject", "wait")
    assert slots(course) == [(0, _U.REJECTED), (1, _U.CREATED)]
    assert len(course.units(_U.LAUNCHED)) == 1, "another unit has the money that has become free"

    act(course, "stay")
    assert (len(course.units(_U.LAUNCHED)), course.study.offered) == (0, 0)


def test_run_that_is_over_has_no_replacement(start: StartCourse) -> None:
    course = start("work", "work", "work", "work")

    act(course, "reject")

    assert slots(course) == [(0, _U.REJECTED)]
    assert course.study.offered == 0


def test_run_that_is_over_is_closed_after_each_rejection_of_the_same_work(
    start: StartCourse,
) -> None:
    course = start("work", "work", "work", "work")

    for action in ("reject", "undo_there", "reject"):
        act(course, action)
        assert course.study.offered == 0


def test_resumed_run_has_as_many_units_as_places(start: StartCourse) -> None:
    course = start("work", "work", "stop", "reject")
    assert course.study.offered == 0

    act(course, "resume")

    assert course.study.offered == len(course.units(_U.LAUNCHED)) == 3


def test_work_that_is_screened_out_stays_and_is_offered_to_others(start: StartCourse) -> None:
    course = start("work", "stay", "stay", "stay")
    course.study.visits["visit-0"] = _V.SCREENED_OUT
    course.study.is_active = True

    act(course, "wait")
    assert slots(course) == [(0, _U.COMPLETED), (1, _U.LAUNCHED)]
    assert course.study.offered == 1
    course.check()

    act(course, "work")
    assert slots(course) == [(0, _U.COMPLETED), (1, _U.COMPLETED)]
    assert course.study.offered == 0


@pytest.mark.parametrize("status", [_V.REJECTED, _V.RETURNED, _V.TIMED_OUT, _V.SCREENED_OUT])
def test_submission_without_work_has_no_replacement(
    start: StartCourse, status: VisitStatus
) -> None:
    course = start("hand_in")

    course.study.visits["visit-0"] = status
    act(course, "wait")

    assert (course.study.total, course.study.offered) == (UNITS, UNITS)
    assert slots(course) == [(0, _U.LAUNCHED)]
    course.check()


def visits(database: Database, status: VisitStatus) -> list[int]:
    query = (
        VisitTable.select(VisitTable.id)
        .join(AgentTable, on=(AgentTable.visit == VisitTable.id))
        .where(VisitTable.status == status)
    )
    with database.read() as tx:
        return [row.id for row in tx.rows(query)]


def reject_all(course: Course, units: Sequence[int]) -> None:
    def apply(tx: Transaction) -> None:
        for unit in units:
            decide(tx, unit, Decision.REJECTED, note="A reason.")
        apply_decisions(tx, units)

    course.database.write(apply)
