"""One place of a platform is one visit: who has it, who may have it next, and who is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from famulus.engine.attempts import MOST_HANDOVERS
from famulus.engine.gateway import Gateway
from famulus.model.database import Database
from famulus.model.states import AgentStatus, UnitStatus, VisitStatus
from famulus.model.tables import AgentTable, EventTable, UnitTable, VisitTable, WorkerTable
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, Seen, kit_plugins, seen
from famulus.testing.movable_clock import MovableClock
from famulus.testing.scripted_worker import at_once

ROWS = [{"n": n} for n in range(20)]
SECONDS = 600
Come = Callable[..., Seen]


@pytest.fixture
def operator(database: Database, platform: FakePlatform) -> Iterator[ManualOperator]:
    plugin = PlatformPlugin(platform.provider("places", reports_submissions=True))
    with ManualOperator(database, plugins=kit_plugins(places=plugin)) as operator:
        yield operator


@pytest.fixture
def gateway(operator: ManualOperator) -> Gateway:
    return operator.launch_rows(ROWS, provider="places", assignment_duration_in_seconds=SECONDS)


@pytest.fixture
def come(gateway: Gateway) -> Come:
    def come(worker: str, reference: str, place: str = "H1", via: Gateway = gateway) -> Seen:
        query = {"worker_id": worker, "assignment_id": reference, "place": place}
        return seen(via.arrive(query))

    return come


def visits(database: Database) -> list[tuple[str, VisitStatus]]:
    query = VisitTable.select(VisitTable.reference, VisitTable.status).order_by(VisitTable.id)
    with database.read() as tx:
        return [(row.reference, row.status) for row in tx.rows(query)]


def stored(database: Database) -> list[int]:
    with database.read() as tx:
        return [
            len(tx.rows(table.select(table.id))) for table in (WorkerTable, VisitTable, EventTable)
        ]


def at_work(database: Database) -> int:
    with database.read() as tx:
        return len(
            tx.rows(
                AgentTable.select(AgentTable.id).where(AgentTable.status == AgentStatus.IN_TASK)
            )
        )


def assigned(database: Database) -> int:
    with database.read() as tx:
        return len(
            tx.rows(UnitTable.select(UnitTable.id).where(UnitTable.status == UnitStatus.ASSIGNED))
        )


def test_another_worker_with_the_same_place_is_refused(come: Come, database: Database) -> None:
    first = come("x", "r1")

    second = come("y", "r2")

    assert second.refusal == "place_taken"
    assert come("x", "r1").row == first.row
    assert at_work(database) == assigned(database) == 1


def test_nothing_is_written_of_strangers_who_name_a_place_that_is_taken(
    come: Come, database: Database
) -> None:
    come("x", "r1")
    before = stored(database)

    for n in range(20):
        assert come(f"stranger {n}", f"r{n + 2}").refusal == "place_taken"

    assert stored(database) == before


def test_another_reference_of_the_same_worker_does_not_take_their_place(
    come: Come, database: Database
) -> None:
    come("x", "r1")

    assert come("x", "made up").refusal == "place_taken"
    assert at_work(database) == 1


def test_another_place_is_another_visit(come: Come) -> None:
    assert come("x", "r1").row != come("y", "r2", "H2").row


def test_a_worker_who_names_the_reference_too_takes_over_the_place(
    come: Come, database: Database
) -> None:
    come("x", "r1")

    assert come("y", "r1").has_form
    assert visits(database) == [("r1", VisitStatus.RETURNED), ("r1", VisitStatus.ACCEPTED)]
    assert at_work(database) == assigned(database) == 1


def test_answers_of_a_visit_that_was_ended_so_are_kept(
    gateway: Gateway, come: Come, database: Database
) -> None:
    worker = GatewayWorker(gateway, "x")
    page = come("x", "r1")
    come("y", "r1")

    stored = worker.submit(page)

    assert stored.status == 200
    assert at_work(database) == 1


def test_accepted_returned_and_accepted_again_the_last_to_arrive_is_at_work(
    come: Come, database: Database
) -> None:
    come("x", "r1")
    come("y", "r1")

    assert come("x", "r1").has_form
    assert [status for _, status in visits(database)] == [
        VisitStatus.RETURNED,
        VisitStatus.RETURNED,
        VisitStatus.ACCEPTED,
    ]
    assert at_work(database) == 1


def test_one_place_does_not_serve_any_number_of_workers(come: Come, database: Database) -> None:
    found = [come(f"w{n}", "r1").has_form for n in range(MOST_HANDOVERS + 6)]

    assert found == [True] * (MOST_HANDOVERS + 1) + [False] * 5
    assert at_work(database) == assigned(database) == 1


def test_a_place_whose_answers_are_stored_goes_to_no_other_worker(
    gateway: Gateway, come: Come
) -> None:
    GatewayWorker(gateway, "x").submit(come("x", "r1"))

    assert [come("y", reference).refusal for reference in ("r1", "r2")] == ["place_taken"] * 2
    assert "submitted this one already" in come("x", "r1").text


def test_a_place_is_free_again_once_the_time_is_over(
    operator: ManualOperator, come: Come, clock: MovableClock
) -> None:
    come("x", "r1")
    clock.advance(SECONDS + 1)
    operator.turn()

    assert come("y", "r2").has_form


def test_a_place_is_free_again_once_it_was_given_back_here(gateway: Gateway, come: Come) -> None:
    GatewayWorker(gateway, "x").give_back(come("x", "r1"))

    assert come("y", "r2").has_form


def test_giving_back_here_does_not_let_one_place_serve_any_number(
    gateway: Gateway, come: Come
) -> None:
    pages = []
    for n in range(MOST_HANDOVERS + 3):
        pages.append(come(f"w{n}", f"r{n}"))
        if pages[-1].has_form:
            GatewayWorker(gateway, f"w{n}").give_back(pages[-1])

    assert sum(page.has_form for page in pages) == MOST_HANDOVERS + 1


def test_a_place_is_free_again_once_the_platform_reports_it(
    operator: ManualOperator, platform: FakePlatform, come: Come
) -> None:
    for n in range(MOST_HANDOVERS + 3):
        assert come(f"w{n}", "r1").has_form
        platform.visits["r1"] = VisitStatus.RETURNED
        operator.turn()


def test_an_arrival_again_is_noted(come: Come, database: Database, clock: MovableClock) -> None:
    come("x", "r1")
    clock.advance(5)
    come("x", "r1")

    with database.read() as tx:
        row = tx.row(VisitTable.select(VisitTable.arrived_at, VisitTable.last_arrived_at))
    assert row is not None
    assert (row.last_arrived_at - row.arrived_at).total_seconds() == 5


@pytest.mark.parametrize("shared", [{}, {"worker_can_do_unit": lambda *_: True}])
@pytest.mark.parametrize("is_known", [False, True])
def test_of_many_at_the_same_moment_one_has_the_place(
    operator: ManualOperator,
    come: Come,
    database: Database,
    shared: dict[str, Any],
    is_known: bool,
) -> None:
    gateway = operator.launch_rows(ROWS, provider="places", shared=shared)

    found = at_once(8, lambda n: come(f"w{n}", "r1" if is_known else f"r{n}", via=gateway))

    assert at_work(database) == assigned(database) == 1
    assert sum(page.has_form for page in found) in (
        range(1, MOST_HANDOVERS + 2) if is_known else (1,)
    )
    assert {page.status for page in found} <= {200, 403}
