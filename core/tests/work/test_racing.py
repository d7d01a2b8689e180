"""Requests at the same moment, from real threads: the limits hold, and nobody gets a unit twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from famulus.contracts.context import Context
from famulus.contracts.hookspecs import hookimpl
from famulus.contracts.pages import Refusal, WorkerView
from famulus.contracts.qualification_check import QualificationCheck
from famulus.model.database import Database
from famulus.model.states import AgentStatus
from famulus.model.tables import Agent, Participation, Unit
from famulus.testing.inprocess import ManualOperator, Seen, Worker, kit_plugins

THREADS = 8
T = TypeVar("T")


def together(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run every job in a thread of its own, all at the same moment."""
    gate = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T:
        gate.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def rows(count: int) -> list[dict[str, int]]:
    return [{"n": n} for n in range(count)]


def assert_counters_are_right(database: Database) -> None:
    """Compare the counters that limits go by with what they count."""
    with database.read() as tx:
        agents = tx.rows(
            Agent.select(Agent.worker.alias("worker"), Agent.run.alias("run"), Agent.status).where(
                Agent.unit.is_null(False)
            )
        )
        shares = tx.rows(
            Participation.select(
                Participation.worker.alias("worker"),
                Participation.run.alias("run"),
                Participation.open_units,
                Participation.done_units,
                Participation.assignments,
            )
        )
    for share in shares:
        mine = [a for a in agents if (a.worker, a.run) == (share.worker, share.run)]
        counted = Counter(agent.status for agent in mine)
        assert share.open_units == counted[AgentStatus.IN_TASK]
        assert share.done_units == counted[AgentStatus.COMPLETED]
        assert share.assignments == len(mine) - counted[AgentStatus.RETURNED]


class NoObjection(QualificationCheck):
    """Lets everybody in: its being there is what matters."""

    type = "no_objection"

    def __init__(self, args: object, context: Context) -> None:
        super().__init__(args, context)

    def refuse(self, worker: WorkerView, run_id: int) -> Refusal | None:
        return None


class Checking:
    @hookimpl
    def famulus_register_qualification_checks(self) -> list[type[QualificationCheck]]:
        return [NoObjection]


#: The three ways a worker comes in: at once, past a check, past ``worker_can_do_unit``.
WAYS = ["at once", "checked", "asked"]


@pytest.fixture(params=WAYS)
def racing(request: pytest.FixtureRequest, database: Database) -> tuple[ManualOperator, dict]:  # type: ignore[type-arg]
    plugins = kit_plugins(checking=Checking()) if request.param == "checked" else kit_plugins()
    asked = {"worker_can_do_unit": lambda worker, unit: True} if request.param == "asked" else {}
    return ManualOperator(database, plugins=plugins), asked


def test_one_reference_in_many_threads_is_one_agent(
    racing: tuple[ManualOperator, dict[str, object]], database: Database
) -> None:
    operator, shared = racing
    with operator:
        worker = Worker(operator.launch_rows(rows(20), shared=shared), "x")

        pages = together([lambda: worker.arrive("same")] * THREADS)

        assert {page.status for page in pages} == {200}
        assert len({page.hidden["famulus_token"] for page in pages}) == 1
        assert_counters_are_right(database)


@pytest.mark.parametrize("allowed", [1, 3])
def test_one_worker_gets_no_more_at_once_than_allowed(
    racing: tuple[ManualOperator, dict[str, object]], database: Database, allowed: int
) -> None:
    operator, shared = racing
    with operator:
        gateway = operator.launch_rows(
            rows(20),
            shared=shared,
            allowed_concurrent=allowed,
            blueprint={"units_per_assignment": 3},
        )
        worker = Worker(gateway, "x")

        pages = together([lambda n=n: worker.arrive(f"r{n}") for n in range(THREADS)])  # type: ignore[misc]

        got = [page.row for page in pages if page.row is not None]
        refused = {page.refusal for page in pages if page.row is None}
        assert len(got) == allowed
        assert refused == {"too_many_open"}
        assert len({row["n"] for row in got}) == allowed
        assert_counters_are_right(database)


def test_one_worker_never_gets_two_units_of_one_assignment(
    racing: tuple[ManualOperator, dict[str, object]], database: Database
) -> None:
    operator, shared = racing
    with operator:
        gateway = operator.launch_rows(
            rows(3), shared=shared, blueprint={"units_per_assignment": 5}
        )
        worker = Worker(gateway, "x")

        pages = together([lambda n=n: worker.arrive(f"r{n}") for n in range(THREADS)])  # type: ignore[misc]

        assert sorted(page.row["n"] for page in pages if page.row) == [0, 1, 2]
        assert_counters_are_right(database)


def test_many_workers_share_the_units_and_none_is_given_twice(
    racing: tuple[ManualOperator, dict[str, object]], database: Database
) -> None:
    operator, shared = racing
    with operator:
        gateway = operator.launch_rows(rows(THREADS), shared=shared)

        def arrive(name: str) -> Seen:
            return Worker(gateway, name).arrive()

        pages = together([lambda n=n: arrive(f"w{n}") for n in range(THREADS)])  # type: ignore[misc]

        assert sorted(page.row["n"] for page in pages if page.row) == list(range(THREADS))


def test_the_maximum_holds_over_runs_of_a_task_that_are_asked_at_the_same_moment(
    operator: ManualOperator, database: Database
) -> None:
    options = {"task_name": "same", "maximum_units_per_worker": 2}
    one = operator.launch_rows(rows(9), **options)
    two = operator.launch_rows(rows(9), **options)

    pages = together(
        [
            lambda n=n: Worker(one if n % 2 else two, "x").arrive(f"r{n}")  # type: ignore[misc]
            for n in range(THREADS)
        ]
    )

    assert sum(page.row is not None for page in pages) == 2
    assert {page.refusal for page in pages if page.row is None} == {"maximum_reached"}


def test_counters_stay_right_while_one_worker_submits_and_arrives_at_once(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(rows(200))
    worker = Worker(gateway, "x")

    def work(thread: int) -> None:
        for n in range(6):
            page = worker.arrive(f"{thread}-{n}")
            worker.give_back(page) if n % 3 == 2 else worker.submit(page)

    together([lambda n=n: work(n) for n in range(4)])  # type: ignore[misc]

    assert_counters_are_right(database)


def test_one_form_sent_many_times_at_once_is_stored_once(
    operator: ManualOperator, database: Database
) -> None:
    worker = Worker(operator.launch_rows(rows(2)), "x")
    page = worker.arrive()

    replies = together([lambda: worker.submit(page, as_json=True)] * THREADS)

    assert {reply.outcome for reply in replies} == {"stored"}
    assert_counters_are_right(database)


def test_one_onboarding_sent_many_times_at_once_is_acknowledged_each_time(
    operator: ManualOperator,
) -> None:
    gateway = operator.launch_rows(rows(2), blueprint={"onboarding_qualification": "known"})
    worker = Worker(gateway, "x")
    page = worker.arrive("a")

    replies = together([lambda: worker.submit(page, "right", as_json=True)] * THREADS)

    assert {reply.outcome for reply in replies} == {"stored"}


def test_a_window_holds_however_many_submit_at_once(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(rows(24), max_num_concurrent_units=4)

    def work(name: str) -> int:
        worker, stored, tries = Worker(gateway, name), 0, 0
        while stored < 3 and tries < 500:
            stored += worker.work().status == 200
            tries += 1
        return stored

    done = together([lambda n=n: work(f"w{n}") for n in range(THREADS)])  # type: ignore[misc]

    assert done == [3] * THREADS
    with database.read() as tx:
        assert {row.status for row in tx.rows(Unit.select(Unit.status))} == {"completed"}
