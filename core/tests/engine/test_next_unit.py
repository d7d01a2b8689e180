"""The next unit is only offered to a worker who would get one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from famulus.contracts.completion import Completion, Nothing, VisitOutcome
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import VisitView
from famulus.engine.gateway import Gateway
from famulus.engine.qualifications.blocks import set_blocked
from famulus.engine.workers import find_worker
from famulus.model.database import Database
from famulus.testing.inprocess import GatewayWorker, ManualOperator, Seen, kit_plugins
from famulus.testing.kinds import CrowdProvider
from famulus.testing.movable_clock import MovableClock

ROWS = [{"n": n} for n in range(3)]
NEXT = 'href="./?worker_id=x">Next unit</a>'


class OfferingProvider(CrowdProvider):
    type = "offering"

    def completion(self, visit: VisitView, outcome: VisitOutcome) -> Completion:
        return Nothing(next_query={"worker_id": visit.worker_name})


class Offering:
    @hookimpl
    def famulus_register_providers(self) -> list[type[Provider]]:
        return [OfferingProvider]


@pytest.fixture
def operator(database: Database) -> Iterator[ManualOperator]:
    with ManualOperator(database, plugins=kit_plugins(offering=Offering())) as manual:
        assert isinstance(manual, ManualOperator)
        yield manual


def launch(operator: ManualOperator, **options: Any) -> Gateway:
    return operator.launch_rows(ROWS, provider="offering", **options)


def offers(page: Seen) -> bool:
    assert "Your answers are stored" in page.text
    return NEXT in page.text


def test_it_is_offered_until_the_worker_has_done_all(operator: ManualOperator) -> None:
    worker = GatewayWorker(launch(operator), "x")

    assert [offers(worker.work()) for _ in ROWS[1:]] == [True, True]
    page = worker.arrive("last")
    done = worker.submit(page)

    assert not offers(done)
    assert "You have done all there is for you" in done.text
    for again in (worker.submit(page), worker.arrive("last")):
        assert not offers(again)


def test_it_is_offered_up_to_the_workers_maximum(operator: ManualOperator) -> None:
    done = GatewayWorker(launch(operator, maximum_units_per_worker=1), "x").work()

    assert not offers(done)
    assert "the maximum number of units" in done.text


def test_it_is_not_offered_while_others_have_all_the_rest(operator: ManualOperator) -> None:
    gateway = launch(operator)
    worker, other = GatewayWorker(gateway, "x"), GatewayWorker(gateway, "y")
    held = [other.arrive() for _ in ROWS[1:]]

    done = worker.submit(worker.arrive("first"))
    assert not offers(done)
    assert "nothing more for you to do right now" in done.text

    other.give_back(held[0])
    assert offers(worker.arrive("first"))


@pytest.mark.parametrize("end", ["stop", "finish"])
def test_it_is_not_offered_once_the_run_ends(operator: ManualOperator, end: str) -> None:
    gateway = launch(operator)
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()

    getattr(operator, end)(gateway.run_id)

    done = worker.submit(page)
    assert not offers(done)
    assert ("may go on later" in done.text) == (end == "stop")


def test_it_is_not_offered_after_the_lifetime_or_a_block(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    gateway = launch(operator, task_lifetime_in_seconds=60)
    worker, blocked = GatewayWorker(gateway, "x"), GatewayWorker(gateway, "z")
    page, other = worker.arrive(), blocked.arrive()

    with database.read() as tx:
        number = find_worker(tx, "offering", "z")
    assert number is not None
    database.write(lambda tx: set_blocked(tx, worker=number, blocked=True))
    assert "Next unit" not in blocked.submit(other).text
    clock.advance(60)
    assert not offers(worker.submit(page))
