"""How many rows an everyday request reads on PostgreSQL, in a run of many free units."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from famulus.engine.arrival import RunRules
from famulus.engine.everyday_postgresql import _ARRIVAL, _SUBMISSION
from famulus.engine.free_units import find_units, lock_free_unit
from famulus.engine.worker_progress import WorkerProgress
from famulus.model.database import Database
from famulus.model.transaction import Transaction
from famulus.testing.inprocess import GatewayWorker, ManualOperator

pytestmark = pytest.mark.parametrize("database_address", ["postgresql"], indirect=True)

_UNITS = 500
_FEW = 10
#: Units that are done when the tables are analyzed.
_ANALYZED = 30
#: psycopg prepares a statement that was run five times, and PostgreSQL keeps a plan for all values
#: after five more.
_UNTIL_PLANS_ARE_KEPT = 30
_ARRIVES = {
    "provider": "crowd",
    "reference": "2",
    "accept": "",
    "query": "{}",
    "nonce": 1,
    "marks": "[-1, -1]",
    "complete": "complete",
}
_SUBMITS = {
    "reported": False,
    "looks_ahead": True,
    "answers": "{}",
    "submission": "s",
    "unanswered": False,
    "language": "en",
}


class _UndoneError(Exception):
    pass


class Explaining:
    """A connection that keeps how many rows each step of a statement's plan has read."""

    def __init__(self, connection: Any) -> None:
        self.read: list[tuple[int, str]] = []
        self._connection = connection

    def explain(self, text: str, values: Any) -> None:
        """Run a statement for its plan."""
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {text}"
        (found,) = self._connection.execute(explain, values).fetchone()
        plan = json.loads(found) if isinstance(found, str) else found
        self.read.extend(steps(plan[0]["Plan"]))

    def execute(self, text: str, values: Any = ()) -> Any:
        """Run a statement that may run twice, once for its plan."""
        self.explain(text, values)
        return self._connection.execute(text, values)


def rows_read(
    database: Database, job: Callable[[Transaction, Explaining], object]
) -> list[tuple[int, str]]:
    """Run a job and undo it; return how many rows each step of its statements has read."""
    read: list[tuple[int, str]] = []

    def explained(tx: Transaction) -> None:
        connection = Explaining(tx._connection)
        job(Transaction(connection, tx._dialect, tx.now), connection)
        read.extend(connection.read)
        raise _UndoneError

    with pytest.raises(_UndoneError):
        database.write(explained)
    return read


def rows_read_at_once(
    database: Database, texts: tuple[str, ...], **params: Any
) -> list[tuple[int, str]]:
    """Run statements and undo them; return how many rows each step of their plans has read."""

    def job(tx: Transaction, connection: Explaining) -> None:
        for text in texts:
            connection.explain(text, {**params, "at": tx.micros, "lock_timeout": "1s"})

    return rows_read(database, job)


def steps(plan: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Yield the rows that a step and all below it have read, those that a filter removed too."""
    removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Join Filter", 0)
    rows = (plan["Actual Rows"] + removed) * plan["Actual Loops"]
    yield rows, f"{plan['Node Type']} {plan.get('Index Name', plan.get('Subplan Name', ''))}"
    for below in plan.get("Plans", ()):
        yield from steps(below)


@pytest.fixture(params=["never analyzed", "analyzed when empty", "analyzed before", "analyzed"])
def working(
    operator: ManualOperator, database: Database, request: pytest.FixtureRequest
) -> tuple[RunRules, int]:
    """Let a worker "x" have a page; return the rules of the run, and the attempt."""
    rows = [{"n": n} for n in range(_UNITS)]
    if request.param == "analyzed when empty":
        database.write(lambda tx: tx.sql("ANALYZE"))
    elif request.param == "analyzed before":
        gateway = operator.launch_rows(rows[:30])
        for n in range(30):
            worker = GatewayWorker(gateway, f"earlier {n}")
            worker.submit(worker.arrive("1"))
        database.write(lambda tx: tx.sql("ANALYZE"))
    gateway = operator.launch_rows(rows, blueprint={"units_per_assignment": 2})
    page = GatewayWorker(gateway, "x").arrive("1")
    if request.param == "analyzed":
        database.write(lambda tx: tx.sql("ANALYZE"))
    signed = gateway._parts.tokens.read(page.hidden["famulus_token"])
    assert signed is not None
    return gateway._parts.admission.rules, signed.agent


@pytest.mark.parametrize("name", ["x", "newcomer"])
def test_an_arrival_reads_few_rows_however_many_units_are_free(
    database: Database, working: tuple[RunRules, int], name: str
) -> None:
    rules, _ = working
    read = rows_read_at_once(
        database, _ARRIVAL, run=rules.run, task=rules.task, name=name, **_ARRIVES
    )

    assert max(read)[0] <= _FEW, sorted(read)[-5:]


def test_a_submission_reads_few_rows_however_many_units_are_free(
    database: Database, working: tuple[RunRules, int]
) -> None:
    rules, agent = working
    with database.read() as tx:
        (nonce,) = tx.sql("SELECT nonce FROM agent WHERE id = %s", (agent,)).fetchone()

    read = rows_read_at_once(
        database, _SUBMISSION, run=rules.run, agent=agent, nonce=nonce, **_SUBMITS
    )

    assert max(read)[0] <= _FEW, sorted(read)[-5:]


def test_a_search_reads_few_rows_however_many_units_are_free(
    database: Database, working: tuple[RunRules, int]
) -> None:
    rules, agent = working
    with database.read() as tx:
        (worker,) = tx.sql("SELECT worker_id FROM agent WHERE id = %s", (agent,)).fetchone()

    def search(tx: Transaction, _: Explaining) -> None:
        progress = WorkerProgress(id=0, marks=[-1] * rules.lanes)
        found = find_units(tx, rules.run, worker, progress)
        assert lock_free_unit(tx, rules.run, found, worker) is not None

    read = rows_read(database, search)

    assert max(read)[0] <= _FEW, sorted(read)[-5:]


def test_a_search_scans_no_table_after_many_reads_have_searched_alike(
    operator: ManualOperator, database: Database
) -> None:
    rows = [{"n": n} for n in range(_UNITS)]
    gateway = operator.launch_rows(rows[:_ANALYZED])
    for n in range(_ANALYZED):
        GatewayWorker(gateway, f"earlier {n}").work()
    database.write(lambda tx: tx.sql("ANALYZE"))

    def search(tx: Transaction, run: int) -> object:
        return next(iter(find_units(tx, run, 1, WorkerProgress(id=0, marks=[-1]))), None)

    for _ in range(_UNTIL_PLANS_ARE_KEPT):
        with database.read() as tx:
            search(tx, gateway.run_id)
    run = operator.launch_rows(rows).run_id

    def scanned(tx: Transaction) -> int:
        """Return how many rows of attempts a search reads by a scan of their table."""
        before = _scanned(tx, "agent")
        assert search(tx, run) is not None
        return _scanned(tx, "agent") - before

    assert database.write(scanned) == 0


def _scanned(tx: Transaction, table: str) -> int:
    query = "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = %s"
    (found,) = tx.sql(query, (table,)).fetchone()
    return int(found)
