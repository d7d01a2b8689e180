"""What operators, reviews and commands read again and again is found by an index."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from famulus.data.export import _page
from famulus.data.review_queue import count_waiting, next_units, next_worker
from famulus.data.scope import Scope
from famulus.data.wage import read_wage
from famulus.engine import everyday_statements, everyday_status
from famulus.engine.deadlines import (
    end_open_agents,
    expire_units,
    extend_deadlines,
    is_report_awaited,
    mark_unreported,
    time_out,
)
from famulus.engine.forgetting import forgotten_attempts
from famulus.engine.free_units import _FREE
from famulus.engine.ledger.budget import read_budget
from famulus.engine.places.place_changes import _TAKEN, _TAKEN_UNREFILLED
from famulus.engine.platform.cleanup import _is_over
from famulus.engine.platform.visit_sync import _WITH_UNITS, read_pending
from famulus.engine.run_activity import count_unreported, last_submission
from famulus.engine.runs import agents_at_work, read_run, unit_counts, unit_counts_of_all
from famulus.engine.window import is_spent, is_window_off, open_unit_exists
from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind
from famulus.model.statements import SqliteStatement
from famulus.model.transaction import Transaction, compiled_for, run_compiled
from famulus.operate.doctor.platform_differences import _visits_at_work, _visits_done
from famulus.operate.doctor.work_differences import of_visits, of_work
from famulus.operate.self_approval import _UNDECIDED
from famulus.testing.inprocess import GatewayWorker, ManualOperator

ROWS = [{"n": n} for n in range(3)]


class Recording:
    """A connection that keeps the statements it runs."""

    def __init__(self, connection: Any) -> None:
        self.ran: list[tuple[str, Any]] = []
        self._connection = connection

    def execute(self, text: str, values: Any = ()) -> Any:
        self.ran.append((text, values))
        return self._connection.execute(text, values)


@pytest.fixture
def run(operator: ManualOperator, database: Database) -> int:
    if database.kind is not DatabaseKind.SQLITE:
        pytest.skip("PostgreSQL plans by the sizes of tables, which are small here")
    gateway = operator.launch_rows(ROWS)
    worker = GatewayWorker(gateway, "a")
    worker.submit(worker.arrive())
    worker.arrive()
    return gateway.run_id


def plan(database: Database, job: Callable[[Transaction], Any]) -> list[str]:
    """Run a job and return the steps of all of its statements, each with the statement."""

    def recorded(tx: Transaction) -> list[str]:
        connection = Recording(tx._connection)
        job(Transaction(connection, tx._dialect, tx.now))
        return [
            f"{step[-1]} in {text}"
            for text, values in connection.ran
            if not text.startswith("PRAGMA")
            for step in tx.sql(f"EXPLAIN QUERY PLAN {text}", values)
        ]

    return database.write(recorded)


def scope(run: int) -> Scope:
    return Scope(task_id=1, task_name="rows", runs=[run])


READERS: dict[str, Callable[[Transaction, int], Any]] = {
    "deadlines": lambda tx, run: time_out(tx, run, reported_by_platform=False),
    "pauses": lambda tx, run: extend_deadlines(tx, run, timedelta(seconds=1)),
    "unreported": lambda tx, run: mark_unreported(tx, run, 60, tx.now),
    "unreported, counted": count_unreported,
    "report awaited": is_report_awaited,
    "newest submission": last_submission,
    "end of attempts": end_open_agents,
    "end of units": expire_units,
    "workers at work": agents_at_work,
    "units by status": unit_counts,
    "units of all runs": lambda tx, run: unit_counts_of_all(tx),
    "open units": open_unit_exists,
    "window": is_window_off,
    "spent budget": is_spent,
    "budget": read_budget,
    "visits of a platform": lambda tx, run: tx.rows(_visits_done(run)),
    "work on a platform": lambda tx, run: tx.rows(_visits_at_work(run)),
    "taken places": lambda tx, run: [
        tx.one(each, run=run, after=0) for each in (*_TAKEN, *_TAKEN_UNREFILLED)
    ],
    "visits with units": lambda tx, run: [tx.rows_of(each, run=run) for each in _WITH_UNITS],
    "pending visits": lambda tx, run: read_pending(tx, run, after=0),
    "verdicts that are missing": lambda tx, run: tx.one(_UNDECIDED, run=run),
    "clean-up": _is_over,
    "units to review": lambda tx, run: count_waiting(tx, scope(run)),
    "next worker": lambda tx, run: next_worker(tx, scope(run)),
    "next units": lambda tx, run: next_units(tx, scope(run), 1, Path("files"), after=1),
    "export": lambda tx, run: run_compiled(tx, compiled_for(tx, _page(run)), at=0, agent=0),
    "wage": lambda tx, run: read_wage(tx, read_run(tx, run)),
    "doctor, work": lambda tx, run: [*of_work(tx, read_run(tx, run), is_operated=True)],
    "doctor, visits": lambda tx, run: [*of_visits(tx, read_run(tx, run))],
    "forgotten workers": lambda tx, run: forgotten_attempts(tx),
}


@pytest.mark.parametrize("reader", READERS)
def test_reader_scans_no_table(run: int, database: Database, reader: str) -> None:
    steps = plan(database, lambda tx: READERS[reader](tx, run))

    assert steps
    assert [step for step in steps if step.startswith("SCAN") and " INDEX " not in step] == []


def test_deadlines_are_read_among_the_open_attempts_of_their_run(
    run: int, database: Database
) -> None:
    steps = plan(database, lambda tx: time_out(tx, run, reported_by_platform=False))

    assert any("agent_holds_unit (run_id=?)" in step for step in steps)
    assert any("agent_onboards_once (run_id=?)" in step for step in steps)


def test_units_of_a_worker_are_reviewed_without_sorting_them(run: int, database: Database) -> None:
    steps = plan(database, lambda tx: next_units(tx, scope(run), 1, Path("files"), after=1))

    found = "agent_once_an_assignment (worker_id=? AND run_id=? AND assignment_id>?)"
    assert any(found in step for step in steps)
    assert not any("ORDER BY" in step.partition(" in ")[0] for step in steps)


def test_unit_is_found_by_what_its_worker_has_tried(run: int, database: Database) -> None:
    values = {"run": run, "worker": 1, "lane": 0, "after": -1, "most": 1}

    steps = plan(database, lambda tx: tx.all(_FREE, **values))

    found = "agent_once_an_assignment (worker_id=? AND run_id=? AND assignment_id=?)"
    assert any(found in step for step in steps)
    assert any("unit_free (run_id=? AND lane=? AND position>?)" in step for step in steps)


def statements() -> list[SqliteStatement[Any]]:
    modules = (everyday_statements, everyday_status)
    values = [value for module in modules for value in vars(module).values()]
    return [value for value in values if isinstance(value, SqliteStatement)]


def test_writes_of_everyday_requests_make_no_temporary_table(run: int, database: Database) -> None:
    def opcodes(tx: Transaction, statement: SqliteStatement[Any]) -> set[str]:
        sql, constants, _ = tx._dialect.for_sqlite[statement]
        values = [None] * len(statement.params) + list(constants)
        return {step[1] for step in tx.sql(f"EXPLAIN {sql}", values)}

    with database.read() as tx:
        found = {tx._dialect.for_sqlite[each].sql: opcodes(tx, each) for each in statements()}

    writes = [sql for sql in found if not sql.startswith("SELECT")]
    assert len(writes) > 10
    assert [sql for sql in writes if "OpenEphemeral" in found[sql]] == []
