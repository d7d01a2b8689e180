"""The results of arrivals, and the pages of refusals."""

from __future__ import annotations

from typing import Any

import pytest

from famulus.engine.qualifications.grants import grant
from famulus.engine.workers import find_worker
from famulus.model.database import Database
from famulus.model.tables import AgentTable, VisitTable, WorkerTable
from famulus.model.transaction import Transaction
from famulus.testing.inprocess import GatewayWorker, ManualOperator, seen
from famulus.testing.movable_clock import MovableClock

ROWS = [{"n": n} for n in range(3)]


def count(database: Database, table: Any) -> int:
    with database.read() as tx:
        return len(tx.rows(table.select(table.id)))


def give(database: Database, name: str, qualification: str, value: int) -> None:
    """Grant a qualification to a worker who has arrived before."""

    def job(tx: Transaction) -> None:
        worker = find_worker(tx, "crowd", name)
        assert worker is not None
        grant(tx, worker=worker, qualification=qualification, value=value)

    database.write(job)


def test_reload_gives_the_same_unit_and_data(operator: ManualOperator, database: Database) -> None:
    worker = GatewayWorker(operator.launch_rows(ROWS), "x")

    first, second = worker.arrive("a"), worker.arrive("a")

    assert first.row == second.row == {"n": 0}
    assert first.hidden["famulus_token"] == second.hidden["famulus_token"]
    assert count(database, AgentTable) == count(database, VisitTable) == 1


def test_another_reference_gives_another_unit(operator: ManualOperator) -> None:
    worker = GatewayWorker(operator.launch_rows(ROWS), "x")

    assert worker.arrive("a").row == {"n": 0}
    assert worker.arrive("b").row == {"n": 1}


def test_one_reference_for_two_people_is_two_visits(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)

    assert GatewayWorker(gateway, "x").arrive("same").row == {"n": 0}
    assert GatewayWorker(gateway, "y").arrive("same").row == {"n": 1}


def test_preview_takes_nothing_and_makes_no_worker(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(ROWS)

    page = seen(gateway.arrive({}))

    assert page.status == 200
    assert page.row == {"n": 0}
    assert not page.has_form
    assert count(database, WorkerTable) == count(database, VisitTable) == 0


def test_submitted_visit_shows_its_page_again(operator: ManualOperator) -> None:
    worker = GatewayWorker(operator.launch_rows(ROWS), "x")
    worker.submit(worker.arrive("a"))

    again = worker.arrive("a")

    assert again.status == 200
    assert "submitted this one already" in again.text
    assert not again.has_form


def test_worker_who_has_done_every_row_gets_the_page_for_that(operator: ManualOperator) -> None:
    worker = GatewayWorker(
        operator.launch_rows(ROWS[:1], blueprint={"units_per_assignment": 2}), "x"
    )
    worker.work()

    assert worker.work().refusal == "all_done"


def test_worker_who_comes_while_others_have_everything_is_asked_to_try_later(
    operator: ManualOperator,
) -> None:
    gateway = operator.launch_rows(ROWS[:1])
    GatewayWorker(gateway, "x").arrive()

    assert GatewayWorker(gateway, "y").arrive().refusal == "nothing_left"


def test_closed_run_refuses_new_work_but_lets_people_reload(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)
    x, y = GatewayWorker(gateway, "x"), GatewayWorker(gateway, "y")
    x.arrive("a")

    operator.stop(gateway.run_id)

    assert y.arrive().refusal == "run_stopped"
    assert x.arrive("b").refusal == "run_stopped"
    assert "It may go on later" in y.arrive().text
    assert x.arrive("a").row == {"n": 0}


def test_no_new_worker_is_admitted_after_the_lifetime(
    operator: ManualOperator, clock: MovableClock
) -> None:
    gateway = operator.launch_rows(
        ROWS, task_lifetime_in_seconds=60, assignment_duration_in_seconds=600
    )
    x = GatewayWorker(gateway, "x")
    page = x.arrive("a")

    clock.advance(60)

    assert GatewayWorker(gateway, "y").arrive().refusal == "run_closed"
    assert x.arrive("a").row == page.row
    assert x.submit(page).status == 200


def test_worker_blocked_by_a_qualification_is_refused_by_every_task_that_names_it(
    operator: ManualOperator, database: Database
) -> None:
    blocking = operator.launch_rows(ROWS, blueprint={"block_qualification": "out"}, task_name="one")
    other = operator.launch_rows(ROWS, task_name="another")
    GatewayWorker(other, "x").arrive()
    give(database, "x", "out", 1)

    assert GatewayWorker(blocking, "x").arrive().refusal == "blocked"
    assert GatewayWorker(other, "x").arrive().row is not None
    assert GatewayWorker(blocking, "y").arrive().row is not None


@pytest.mark.parametrize("name", ["", "x" * 256, "a\0b", "a\nb", "\ud800"])
def test_worker_whose_name_no_database_holds_is_refused(
    operator: ManualOperator, name: str
) -> None:
    gateway = operator.launch_rows(ROWS)

    assert GatewayWorker(gateway, name).arrive("a").refusal == "unknown_link"
    assert GatewayWorker(gateway, "x").arrive(name).refusal == "unknown_link"


def test_longest_name_is_taken(operator: ManualOperator) -> None:
    gateway = operator.launch_rows(ROWS)

    assert GatewayWorker(gateway, "ö" * 255).arrive("r" * 255).row == {"n": 0}


def test_unknown_parameters_are_kept(operator: ManualOperator) -> None:
    worker = GatewayWorker(operator.launch_rows(ROWS), "x")

    page = worker.arrive("a", note="a\0b\ud800")

    assert page.row == {"n": 0}
    assert worker.submit(page).status == 200


def test_second_accept_of_one_reference_is_a_visit_of_its_own(
    operator: ManualOperator, database: Database
) -> None:
    worker = GatewayWorker(operator.launch_rows(ROWS), "x")
    worker.submit(worker.arrive("a", accept="1"))

    page = worker.arrive("a", accept="2")

    assert page.row == {"n": 1}
    assert worker.arrive("a", accept="2").row == {"n": 1}
    assert count(database, VisitTable) == 2


def test_second_accept_ends_the_first_that_is_still_open(
    operator: ManualOperator, database: Database
) -> None:
    worker = GatewayWorker(operator.launch_rows(ROWS), "x")
    first = worker.arrive("a", accept="1")

    second = worker.arrive("a", accept="2")

    assert second.row is not None
    assert second.hidden["famulus_token"] != first.hidden["famulus_token"]
    assert worker.submit(first).status in (200, 409)
    assert worker.submit(second).status == 200
