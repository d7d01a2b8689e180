"""The operator as programs use it: with threads of its own, on the machine's clock."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import RunView
from famulus.engine.places.closing import ClosingLimits, PlacesOpenError
from famulus.model.database import Database
from famulus.model.states import RunStatus
from famulus.model.tables import TaskTable
from famulus.operate.managed_run import ManagedRun
from famulus.operate.operator import Operator
from famulus.testing.fake_platform import FakePlatform, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, kit_plugins, rows_configuration
from famulus.testing.kinds import RowsState
from famulus.testing.movable_clock import MovableClock
from famulus.testing.waiting import wait_until

ROWS = [{"n": 1}, {"n": 2}]


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    with Operator(tmp_path / "famulus.db", plugins=kit_plugins()) as opened:
        yield opened


@pytest.fixture
def started() -> Callable[[], list[threading.Thread]]:
    """The threads that were started since the test began."""
    before = set(threading.enumerate())
    return lambda: [thread for thread in threading.enumerate() if thread not in before]


def test_a_run_finishes_by_itself_and_listeners_get_its_submissions(operator: Operator) -> None:
    received: list[int] = []
    state = RowsState(rows=ROWS, on_unit_submitted=lambda unit: received.append(unit.data["n"]))
    run = operator.launch(rows_configuration(), shared_state=state)
    worker = GatewayWorker(operator.gateway(run), "x")
    while len(received) < 2 and worker.work().refusal != "all_done":
        pass  # rows are still coming in

    record = operator.wait(run, timeout=20)

    assert record.status is RunStatus.FINISHED
    assert received == [1, 2]
    assert not operator.holds(run)


def test_watching_sees_the_end(operator: Operator) -> None:
    run = operator.launch(rows_configuration(), shared_state=RowsState(rows=ROWS))
    finisher = threading.Thread(target=operator.finish, args=(run,))
    finisher.start()

    looks = [progress.status for progress in operator.watch(run, every=0.01)]
    finisher.join()

    assert looks[-1] is RunStatus.FINISHED


def test_a_wait_has_an_end_of_its_own(operator: Operator) -> None:
    run = operator.launch(rows_configuration(), shared_state=RowsState(rows=ROWS))

    assert operator.wait(run, timeout=0).status is RunStatus.RUNNING


def test_one_program_operates_many_runs_with_the_same_four_threads(
    started: Callable[[], list[threading.Thread]], operator: Operator
) -> None:
    runs = [
        operator.launch(rows_configuration(), shared_state=RowsState(rows=ROWS)) for _ in range(5)
    ]
    for run in runs:
        operator.finish(run)
    for thread in started():
        if thread.name == "famulus-prefetch":
            thread.join()

    names = sorted(thread.name for thread in started())
    assert names == ["famulus-delivery", "famulus-lease", "famulus-sweep", "famulus-sync"]


class CountingDatabase(Database):
    """Counts the looks at its data version."""

    looks = 0

    def data_version(self) -> object:
        version = super().data_version()
        self.looks += 1
        return version


def test_an_idle_run_is_looked_at_after_a_commit_and_after_a_pause(
    database_address: str, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: Counter[str] = Counter()

    def counted(name: str) -> Callable[[ManagedRun], object]:
        act: Callable[[ManagedRun], object] = getattr(ManagedRun, name)

        def count(managed: ManagedRun) -> object:
            done[name] += 1
            return act(managed)

        return count

    def is_quiet() -> bool:
        """Return whether the next five looks at the data version wake no thread."""
        before, until = dict(done), database.looks + 5
        wait_until(lambda: database.looks >= until, "looks")
        return done == before

    def wait_until_all_looked(before: Mapping[str, int]) -> None:
        wait_until(lambda: all(done[name] > before[name] for name in names), "a look of each")

    names = ("look_after", "deliver", "sync")
    for name in names:
        monkeypatch.setattr(ManagedRun, name, counted(name))
    monkeypatch.setattr("famulus.operate.run_threads._PAUSE_SECONDS", 3600.0)
    database = CountingDatabase(database_address, clock=clock)
    with (
        database,
        Operator(database, plugins=kit_plugins()) as operator,
        Database(database_address) as other,
    ):
        operator.launch(rows_configuration(), shared_state=RowsState(rows=ROWS))
        wait_until(is_quiet, "an idle run")

        renamed = TaskTable.update(blueprint_type="other")
        before = dict(done)
        other.write(lambda tx: tx.execute(renamed))
        wait_until_all_looked(before)
        wait_until(is_quiet, "an idle run")
        before = dict(done)
        clock.advance(2)
        wait_until_all_looked(before)


def test_leaving_the_block_ends_every_thread_and_stops_the_runs(
    started: Callable[[], list[threading.Thread]], tmp_path: Path
) -> None:
    def endless() -> Iterator[dict[str, int]]:
        n = 0
        while True:
            n += 1
            yield {"n": n}

    with Operator(tmp_path / "famulus.db", plugins=kit_plugins()) as operator:
        state = RowsState(
            rows=endless(),
            worker_can_do_unit=lambda worker, unit: True,
            on_unit_submitted=lambda unit: None,
        )
        operator.launch(rows_configuration(), shared_state=state)

    for thread in started():
        thread.join(timeout=10)
    assert started() == []
    with Database(tmp_path / "famulus.db") as database, database.read() as tx:
        rows = tx.sql("SELECT status, loading, lease_holder FROM task_run").fetchall()
    assert rows == [("stopped", "loading", "")]


def test_an_operator_that_is_closed_twice_is_closed(
    tmp_path: Path, started: Callable[[], list[threading.Thread]]
) -> None:
    operator = Operator(tmp_path / "famulus.db", plugins=kit_plugins())
    run = operator.launch(rows_configuration(), shared_state=RowsState(rows=ROWS)).run_id

    operator.close()
    operator.close()

    assert not operator.holds(run)
    for thread in started():
        thread.join(timeout=10)
    assert started() == []


def test_a_call_to_the_platform_that_never_returns_does_not_keep_the_operator(
    database_address: str, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = platform.provider("selling", sells_places=True)
    is_called, is_back = threading.Event(), threading.Event()
    set_places = provider.set_places

    def hangs(self: Provider, run: RunView, total: int) -> None:
        if total > 1:
            is_called.set()
            is_back.wait()
        set_places(self, run, total)

    def close() -> None:
        try:
            operator.close()
        except PlacesOpenError as error:
            raised.append(str(error))

    monkeypatch.setattr(provider, "set_places", hangs)
    monkeypatch.setattr("famulus.operate.run_threads._JOINING_SECONDS", 0.1)
    limits = ClosingLimits(pauses=(0.0,), call_timeout=0.1)
    monkeypatch.setattr(Operator, "_closing_limits", limits)
    raised: list[str] = []
    operator = Operator(database_address, plugins=kit_plugins(platform=PlatformPlugin(provider)))
    configuration = rows_configuration(provider="selling", max_num_concurrent_units=1)
    run = operator.launch(configuration, shared_state=RowsState(rows=ROWS))
    GatewayWorker(operator.gateway(run), "x").work()
    assert is_called.wait(20)
    closing = threading.Thread(target=close)

    closing.start()
    closing.join(20)
    has_ended = not closing.is_alive()
    is_back.set()
    closing.join()
    for thread in operator._threads._threads:
        thread.join()

    assert has_ended
    [message] = raised
    assert f"`famulus sync {run.run_id}` completes it" in message
