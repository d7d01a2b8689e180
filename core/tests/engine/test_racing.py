"""Requests at the same moment, from real threads: limits hold, and no worker gets a unit twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import pytest

from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.qualification_check import GuardedRun, QualificationCheck
from famulus.contracts.views import Refusal, WorkerView
from famulus.engine.gateway import Gateway
from famulus.engine.qualifications.worker_handle import find_worker
from famulus.model.database import Database
from famulus.model.tables import EventTable
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

THREADS = 8
#: The three ways a worker comes in: at once, past a check, past ``worker_can_do_unit``.
MODES = ["at once", "checked", "asked"]
Launch = Callable[..., Gateway]
T = TypeVar("T")


def together(job: Callable[[int], T]) -> list[T]:
    """Run a job in many threads at the same moment; each gets its number."""
    gate = threading.Barrier(THREADS)

    def run(number: int) -> T:
        gate.wait()
        return job(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def rows(count: int) -> list[dict[str, int]]:
    return [{"n": n} for n in range(count)]


def assert_counters_are_right(database: Database) -> None:
    """Compare the counters that limits go by with what they count."""
    with database.read() as tx:
        agents = Counter(
            tx.sql(
                "SELECT worker_id, run_id, status FROM agent WHERE unit_id IS NOT NULL"
            ).fetchall()
        )
        shares = tx.sql(
            "SELECT worker_id, run_id, open_units, done_units, assignments FROM participation"
        ).fetchall()
    for worker, run, *counters in shares:
        mine = Counter({key[2]: n for key, n in agents.items() if key[:2] == (worker, run)})
        assert counters == [mine["in_task"], mine["completed"], mine.total() - mine["returned"]]


class NoObjection(QualificationCheck):
    """Admits every worker; only its presence matters."""

    type = "no_objection"

    def refuse(self, worker: WorkerView, run: GuardedRun) -> Refusal | None:
        return None


class Checking:
    @hookimpl
    def famulus_register_qualification_checks(self) -> list[type[QualificationCheck]]:
        return [NoObjection]


@pytest.fixture(params=MODES)
def launch(request: pytest.FixtureRequest, database: Database) -> Iterator[Launch]:
    """Launch rows in a run that workers come into in each way in turn."""
    plugins = kit_plugins(checking=Checking()) if request.param == "checked" else kit_plugins()
    asked = {"worker_can_do_unit": lambda worker, unit: True} if request.param == "asked" else {}
    operator = ManualOperator(database, plugins=plugins)
    with operator:
        yield partial(operator.launch_rows, shared=asked)


def test_one_reference_in_many_threads_is_one_agent(launch: Launch, database: Database) -> None:
    worker = GatewayWorker(launch(rows(20)), "x")

    pages = together(lambda _: worker.arrive("same"))

    assert {page.status for page in pages} == {200}
    assert len({page.hidden["famulus_token"] for page in pages}) == 1
    assert_counters_are_right(database)


@pytest.mark.parametrize("allowed", [1, 3])
def test_one_worker_gets_no_more_at_once_than_allowed(
    launch: Launch, database: Database, allowed: int
) -> None:
    worker = GatewayWorker(
        launch(rows(20), allowed_concurrent=allowed, blueprint={"units_per_assignment": 3}), "x"
    )

    pages = together(lambda n: worker.arrive(f"r{n}"))

    got = [page.row["n"] for page in pages if page.row]
    assert len(got) == len(set(got)) == allowed
    assert {page.refusal for page in pages if not page.row} == {"too_many_open"}
    assert_counters_are_right(database)


def test_one_worker_never_gets_two_units_of_one_assignment(
    launch: Launch, database: Database
) -> None:
    worker = GatewayWorker(launch(rows(3), blueprint={"units_per_assignment": 5}), "x")

    pages = together(lambda n: worker.arrive(f"r{n}"))

    assert sorted(page.row["n"] for page in pages if page.row) == [0, 1, 2]
    assert_counters_are_right(database)


def test_many_workers_share_the_units_and_none_is_given_twice(launch: Launch) -> None:
    gateway = launch(rows(THREADS))

    pages = together(lambda n: GatewayWorker(gateway, f"w{n}").arrive())

    assert sorted(page.row["n"] for page in pages if page.row) == list(range(THREADS))


def test_the_maximum_holds_over_runs_of_a_task_that_are_asked_at_the_same_moment(
    operator: ManualOperator,
) -> None:
    options: dict[str, Any] = {"task_name": "same", "maximum_units_per_worker": 2}
    runs = [operator.launch_rows(rows(9), **options) for _ in range(2)]

    pages = together(lambda n: GatewayWorker(runs[n % 2], "x").arrive(f"r{n}"))

    assert sum(page.row is not None for page in pages) == 2
    assert {page.refusal for page in pages if not page.row} == {"maximum_reached"}


def test_counters_stay_right_while_one_worker_submits_and_arrives_at_once(
    operator: ManualOperator, database: Database
) -> None:
    worker = GatewayWorker(operator.launch_rows(rows(200)), "x")

    def work(_: int) -> None:
        for n in range(4):
            page = worker.arrive()
            if n == 2:
                worker.give_back(page)
            else:
                worker.submit(page)

    together(work)

    assert_counters_are_right(database)


def test_one_form_sent_many_times_at_once_is_stored_once(
    operator: ManualOperator, database: Database
) -> None:
    worker = GatewayWorker(operator.launch_rows(rows(2)), "x")
    page = worker.arrive()

    replies = together(lambda _: worker.submit(page, as_json=True))

    assert {reply.outcome for reply in replies} == {"stored"}
    assert_counters_are_right(database)


def test_one_onboarding_sent_many_times_at_once_is_acknowledged_each_time(
    operator: ManualOperator,
) -> None:
    gateway = operator.launch_rows(rows(2), blueprint={"onboarding_qualification": "known"})
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive("a")

    replies = together(lambda _: worker.submit(page, "right", as_json=True))

    assert {reply.outcome for reply in replies} == {"stored"}


def test_an_onboarding_failed_and_passed_at_once_has_one_outcome(
    operator: ManualOperator, database: Database
) -> None:
    """The same worker, in as many runs as there are threads, half of them with right answers."""
    gateways = [
        operator.launch_rows(
            rows(2), blueprint={"onboarding_qualification": "known"}, task_name=f"task {number}"
        )
        for number in range(THREADS)
    ]
    workers = [GatewayWorker(gateway, "x") for gateway in gateways]
    pages = [worker.arrive("a") for worker in workers]

    together(lambda n: workers[n].submit(pages[n], "right" if n % 2 else "wrong"))

    held = find_worker(database, "crowd", "x").granted_qualifications()
    outcome = {each.qualification_name: each.value for each in held}
    assert outcome in ({"known": 1}, {"known": 0, "known-failed": 0})
    refused = {worker.arrive("b").refusal for worker in workers}
    assert refused == ({None} if outcome["known"] else {"not_qualified"})


def test_an_onboarding_failed_and_passed_in_two_tabs_at_once_has_one_outcome(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(rows(2), blueprint={"onboarding_qualification": "known"})
    worker = GatewayWorker(gateway, "x")
    pages = [worker.arrive(reference) for reference in ("a", "b")]

    together(
        lambda n: worker.submit(
            pages[n % 2], "right" if n % 2 else "wrong", submission=f"tab {n}", as_json=True
        )
    )

    held = find_worker(database, "crowd", "x").granted_qualifications()
    outcome = {each.qualification_name: each.value for each in held}
    assert outcome in ({"known": 1}, {"known": 0, "known-failed": 0})
    with database.read() as tx:
        assert len(tx.rows(EventTable.select().where(EventTable.cause == "onboarding"))) == len(
            outcome
        )


def test_a_grant_made_many_times_at_once_is_made_once(
    operator: ManualOperator, database: Database
) -> None:
    GatewayWorker(operator.launch_rows(rows(1)), "x").arrive()
    worker = find_worker(database, "crowd", "x")

    together(lambda _: worker.grant_qualification("good", 3))

    assert [each.value for each in worker.granted_qualifications()] == [3]
    with database.read() as tx:
        assert len(tx.rows(EventTable.select().where(EventTable.cause == "grant"))) == 1


def test_a_window_holds_however_many_submit_at_once(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(rows(3 * THREADS), max_num_concurrent_units=4)

    def work(number: int) -> None:
        worker, stored = GatewayWorker(gateway, f"w{number}"), 0
        for _ in range(1000):
            stored += worker.work().status == 200
            if stored == 3:
                return

    together(work)

    assert operator.progress(gateway.run_id).units == {"completed": 3 * THREADS}
    assert_counters_are_right(database)
