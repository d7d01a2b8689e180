"""After any history, a worker gets a unit exactly when there is one for them."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from famulus.engine.limits import set_limits
from famulus.engine.runs import find_run
from famulus.model.database import Database
from famulus.operate.loading import Loader, Source
from famulus.testing.inprocess import GatewayWorker, ManualOperator, Seen, kit_plugins
from famulus.testing.movable_clock import MovableClock
from repetitions import repeated

NAMES = ["x", "y"]


class Allocation(RuleBasedStateMachine):
    """Workers arrive, submit, give back and run out of time while rows are still coming in."""

    pages = Bundle("pages")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = MovableClock()
        self.database = Database(Path(self.folder.name) / "a.db", clock=self.clock)
        self.operator = ManualOperator(self.database, plugins=kit_plugins())

    @initialize(rows=st.integers(1, 3), lanes=st.integers(1, 3), window=st.sampled_from([0, 2]))
    def launch(self, rows: int, lanes: int, window: int) -> None:
        self.rows, self.lanes, self.window, self.is_edited = rows, lanes, window, False
        self.gateway = self.operator.launch_rows(
            [{"n": n} for n in range(rows)],
            blueprint={"units_per_assignment": lanes},
            max_num_concurrent_units=window,
            no_submission_patience=10**9,
        )

    @rule(target=pages, name=st.sampled_from(NAMES))
    def arrive(self, name: str) -> tuple[GatewayWorker, Seen]:
        worker, there = GatewayWorker(self.gateway, name), self.is_something_for(name)

        page = worker.arrive()

        assert page.has_form is there, page.refusal
        return (worker, page) if page.has_form else multiple()  # type: ignore[return-value]

    @rule(page=consumes(pages))
    def submit(self, page: tuple[GatewayWorker, Seen]) -> None:
        worker, form = page
        assert worker.submit(form).status in (200, 409)

    @rule(target=pages, page=consumes(pages))
    def give_back(self, page: tuple[GatewayWorker, Seen]) -> tuple[GatewayWorker, Seen]:
        worker, form = page
        worker.give_back(form)
        return page

    @rule(seconds=st.sampled_from([600, 1800]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.sweep()

    @rule(window=st.sampled_from([0, 1, 2, 4]))
    def the_window_is_edited(self, window: int) -> None:
        set_limits(self.database, self.gateway.run_id, max_num_concurrent_units=window)
        self.window, self.is_edited = window, True

    @rule(count=st.integers(1, 3))
    def more_rows_come(self, count: int) -> None:
        record = find_run(self.database, self.gateway.run_id)
        self.rows += count
        source = Source(
            run=record.id,
            rows=lambda: iter([{"n": n} for n in range(self.rows)]),
            lanes=self.lanes,
            stored=record.rows_loaded,
            stored_hash=record.source_hash,
        )
        Loader(self.database, source).load_batch()

    @invariant()
    def nobody_has_an_assignment_twice(self) -> None:
        tried = self.look("SELECT assignment_id, worker_id FROM agent WHERE status <> 'returned'")
        assert len(set(tried)) == len(tried)

    @invariant()
    def every_assigned_unit_has_one_worker(self) -> None:
        held = self.look("SELECT unit_id FROM agent WHERE status = 'in_task' ORDER BY 1")
        assert held == self.look("SELECT id FROM unit WHERE status = 'assigned' ORDER BY 1")

    @invariant()
    def the_counters_count(self) -> None:
        agents = Counter(self.look("SELECT worker_id, status FROM agent"))
        for worker, *counters in self.look(
            "SELECT worker_id, open_units, done_units, assignments FROM participation"
        ):
            mine = Counter({key[1]: n for key, n in agents.items() if key[0] == worker})
            assert counters == [mine["in_task"], mine["completed"], mine.total() - mine["returned"]]

    @invariant()
    def the_window_is_used_and_kept(self) -> None:
        if not hasattr(self, "window"):
            return
        if self.is_edited:
            # A unit that is given back may be one too many until the operator has looked.
            self.sweep()
        counted = Counter(status for (status,) in self.look("SELECT status FROM unit"))
        out = counted["launched"] + counted["assigned"]
        there = out + counted["created"]
        assert out == (max(counted["assigned"], min(self.window, there)) if self.window else there)

    def sweep(self) -> None:
        for managed in self.operator._runs.values():
            # An operator whose lease has expired decides nothing.
            self.operator._renew_lease(managed)
            managed._sweep()

    def is_something_for(self, name: str) -> bool:
        """Look at every free unit, the slow way."""
        free = self.look("SELECT assignment_id FROM unit WHERE status = 'launched'")
        tried = self.look(
            "SELECT assignment_id FROM agent JOIN worker ON worker.id = worker_id "
            f"WHERE worker.name = '{name}' AND status <> 'returned'"
        )
        return bool(set(free) - set(tried))

    def look(self, query: str) -> list[tuple[Any, ...]]:
        with self.database.read() as tx:
            return [tuple(row) for row in tx.sql(query)]

    def teardown(self) -> None:
        self.operator.close()
        self.database.close()
        self.folder.cleanup()


TestAllocation = Allocation.TestCase
TestAllocation.settings = settings(
    max_examples=repeated(12),
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow],
)
