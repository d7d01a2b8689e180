"""The server of a finished run stays while participants have submissions that are open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from famulus import ConflictError, Database, PaymentStatus, Plugins, list_payments
from famulus.cli.commands.status import report_json, report_lines
from famulus.cli.display import Rate, details
from famulus.cli.session import Session
from famulus.data.scope import find_scope
from famulus.engine.gateway import Gateway
from famulus.engine.runs import RunRecord, find_run
from famulus.model.states import RunStatus
from famulus.operate.doctor import read_differences
from famulus.operate.manual_sync import sync_now
from famulus.operate.observer import OperatorObserver
from famulus.operate.operator import Operator
from famulus.operate.run_report import read_report
from famulus.review.review_session import ReviewSession
from famulus.testing import GatewayTransport, MovableClock, ScriptedWorker
from famulus.testing.inprocess import ManualOperator
from famulus.testing.kinds import RowsState
from famulus_prolific.api import ProlificApi
from famulus_prolific.fake import FakeProlific, Fault, StudyStatus, Submission
from prolific_bench import parameters
from prolific_run import have_done, launch, prolific_plugins


@pytest.fixture
def plugins() -> Plugins:
    """The kit's plugins, and the provider."""
    return prolific_plugins()


@pytest.fixture
def run(prolific: FakeProlific, database: Database, operator: Any) -> Gateway:
    """A run whose three units are done, with one more place that was raised by hand."""
    gateway = launch(prolific, database, operator)
    for number in (1, 2):
        have_done(prolific, gateway, operator, number)
    study = prolific.participant(3).studies()[0].id
    api = ProlificApi(prolific.token, base_url=prolific.api_url)
    api.patch(f"studies/{study}/", {"total_available_places": 4})
    return gateway


@pytest.fixture
def late(prolific: FakeProlific, run: Gateway) -> tuple[Submission, str]:
    """The submission to the place that was raised, and its address, which was not opened yet."""
    person = prolific.participant(4)
    return person.take(person.studies()[0].id)


def end(prolific: FakeProlific, run: Gateway, operator: Any, clock: MovableClock, by: str) -> None:
    if by == "all done":
        have_done(prolific, run, operator, 3)
    else:
        operator.finish(run.run_id, now=False)
    clock.advance(30)
    operator.turn()


def record(database: Database, run: Gateway) -> RunRecord:
    return find_run(database, run.run_id)


@pytest.mark.parametrize("by", ["all done", "finish"])
def test_a_participant_who_opens_the_page_after_the_end_is_shown_the_way_out(
    prolific: FakeProlific,
    database: Database,
    operator: ManualOperator,
    run: Gateway,
    late: tuple[Submission, str],
    clock: MovableClock,
    by: str,
) -> None:
    submission, url = late
    person = prolific.participant(4)

    end(prolific, run, operator, clock, by)

    assert record(database, run).status is RunStatus.FINISHED
    assert submission.study.status == StudyStatus.COMPLETED
    assert operator.holds(run.run_id)
    assert operator.progress(run.run_id).awaited_visits == 1

    worker = ScriptedWorker(GatewayTransport(run), person.id, query=lambda *_: parameters(url))
    page = worker.open(submission.id).answer
    person.complete(submission, page.text.partition("complete?cc=")[2][:12])
    clock.advance(30)
    operator.turn()

    assert not operator.holds(run.run_id)
    assert record(database, run).awaited_until is None


def test_a_place_that_is_only_reserved_counts(
    prolific: FakeProlific, operator: ManualOperator, run: Gateway, clock: MovableClock
) -> None:
    person = prolific.participant(4)
    submission = person.reserve(person.studies()[0].id)

    end(prolific, run, operator, clock, "all done")

    assert operator.holds(run.run_id)
    person.give_back(submission)
    clock.advance(30)
    operator.turn()
    assert not operator.holds(run.run_id)


def test_without_an_open_submission_the_server_ends_at_once(
    prolific: FakeProlific, operator: ManualOperator, run: Gateway, clock: MovableClock
) -> None:
    end(prolific, run, operator, clock, "all done")

    assert not operator.holds(run.run_id)


def test_a_participant_whose_work_is_stored_is_not_waited_for(
    prolific: FakeProlific,
    operator: ManualOperator,
    run: Gateway,
    clock: MovableClock,
) -> None:
    person = prolific.participant(3)
    submission, url = person.take(person.studies()[0].id)
    worker = ScriptedWorker(GatewayTransport(run), person.id, query=lambda *_: parameters(url))
    worker.submit(worker.open(submission.id))

    end(prolific, run, operator, clock, "finish")

    assert str(submission.status) == "ACTIVE"
    assert not operator.holds(run.run_id)


@pytest.mark.usefixtures("late")
def test_the_wait_is_bounded(
    prolific: FakeProlific, operator: ManualOperator, run: Gateway, clock: MovableClock
) -> None:
    end(prolific, run, operator, clock, "all done")
    clock.advance(9 * 60)
    operator.turn()
    assert operator.holds(run.run_id)

    clock.advance(60)
    operator.turn()

    assert not operator.holds(run.run_id)


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize("during", ["the end", "the wait"])
def test_a_platform_that_does_not_answer_ends_the_wait(
    prolific: FakeProlific,
    operator: ManualOperator,
    run: Gateway,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
    during: str,
) -> None:
    have_done(prolific, run, operator, 3)
    clock.advance(30)
    if during == "the wait":
        operator.turn()
        assert operator.holds(run.run_id)
        clock.advance(30)
    else:
        # All that the run waits for is reported, by a sync before the fault.
        operator.managed(run.run_id).sync()
    prolific.faults.plan(Fault.FAIL, "get-submission-counts", times=20)

    operator.turn()

    assert not operator.holds(run.run_id)
    assert "cannot be asked about open visits" in caplog.text


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize("who", ["this operator", "another process", "the end of the program"])
def test_a_stop_ends_the_wait(
    prolific: FakeProlific,
    database: Database,
    plugins: Plugins,
    operator: ManualOperator,
    run: Gateway,
    clock: MovableClock,
    who: str,
) -> None:
    end(prolific, run, operator, clock, "all done")

    if who == "this operator":
        operator.stop(run.run_id)
    elif who == "another process":
        with Operator(database, plugins=plugins) as other:
            other.stop(run.run_id)
        operator.turn()
    else:
        operator.close()

    assert not operator.holds(run.run_id)
    assert record(database, run).status is RunStatus.FINISHED


@pytest.mark.usefixtures("late")
def test_the_display_and_the_status_show_the_wait_in_one_line(
    prolific: FakeProlific,
    database: Database,
    plugins: Plugins,
    operator: ManualOperator,
    run: Gateway,
    clock: MovableClock,
) -> None:
    end(prolific, run, operator, clock, "all done")

    report = read_report(database, run.run_id, plugins=plugins)
    lines = [*report_lines(report, Session(None, address_typed=False, verbose=False))]

    (line,) = (each for each in lines if "waits for" in each)
    assert "1 visit open on the platform, until " in line
    assert line.endswith(" at most")
    assert report_json(report)["awaited_visits"] == 1
    assert "waiting for 1 visit open" in ", ".join(details(report.progress, Rate()))


@pytest.mark.usefixtures("late")
def test_nothing_is_left_over_if_the_operator_is_killed_while_it_waits(
    prolific: FakeProlific,
    database: Database,
    plugins: Plugins,
    operator: ManualOperator,
    run: Gateway,
    clock: MovableClock,
) -> None:
    end(prolific, run, operator, clock, "all done")
    clock.advance(60)  # Its lease has expired.

    assert operator.progress(run.run_id).awaited_until is None
    with (
        Operator(database, plugins=plugins) as other,
        pytest.raises(ConflictError, match="finished"),
    ):
        other.stop(run.run_id)
    sync_now(database, plugins, run.run_id)

    assert read_differences(database, plugins) == []


@pytest.mark.usefixtures("late")
def test_a_program_that_ends_during_the_wait_leaves_no_run_that_goes_on(
    prolific: FakeProlific, database: Database, plugins: Plugins, run: Gateway, clock: MovableClock
) -> None:
    left: list[int] = []

    class Leaving(OperatorObserver):
        def leaving(self, operator: Operator, runs: Sequence[int]) -> None:
            left.extend(runs)

    clock.advance(60)  # The lease of the fixture's operator has expired.
    with ManualOperator(database, plugins=plugins, observer=Leaving()) as operator:
        operator.resume(run.run_id, shared_state=RowsState(rows=[{"n": n} for n in range(3)]))
        end(prolific, run, operator, clock, "all done")
        assert operator.holds(run.run_id)

    assert left == []
    assert not operator.holds(run.run_id)


@pytest.mark.usefixtures("late")
def test_payments_do_not_wait_for_open_submissions(
    prolific: FakeProlific,
    database: Database,
    plugins: Plugins,
    operator: ManualOperator,
    run: Gateway,
    clock: MovableClock,
) -> None:
    end(prolific, run, operator, clock, "all done")
    scope = find_scope(database, "rows")

    ReviewSession(database=database, plugins=plugins, scope=scope).accept_all()
    operator.turn()

    assert operator.holds(run.run_id)
    assert [each.status for each in list_payments(database)] == [PaymentStatus.CONFIRMED] * 3
