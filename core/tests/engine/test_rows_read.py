"""How many rows an everyday request reads on PostgreSQL, in a run of many free units."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from famulus.engine.arrival import RunRules
from famulus.engine.everyday_postgresql import _ARRIVAL, _SUBMISSION
from famulus.model.database import Database
from famulus.model.transaction import Transaction
from famulus.testing.inprocess import GatewayWorker, ManualOperator

pytestmark = pytest.mark.parametrize("database_address", ["postgresql"], indirect=True)

_UNITS = 500
_FEW = 10
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


def rows_read(database: Database, texts: tuple[str, ...], **params: Any) -> list[tuple[int, str]]:
    """Run statements, undo them, and return how many rows each step of their plans has read."""
    read: list[tuple[int, str]] = []

    def job(tx: Transaction) -> None:
        for text in texts:
            explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {text}"
            (found,) = tx._connection.execute(
                explain, {**params, "at": tx.micros, "lock_timeout": "1s"}
            ).fetchone()
            plan = json.loads(found) if isinstance(found, str) else found
            read.extend(steps(plan[0]["Plan"]))
        raise _UndoneError

    with pytest.raises(_UndoneError):
        database.write(job)
    return read


def steps(plan: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Yield the rows that a step and all below it have read, those that a filter removed too."""
    removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Join Filter", 0)
    rows = (plan["Actual Rows"] + removed) * plan["Actual Loops"]
    yield rows, f"{plan['Node Type']} {plan.get('Index Name', plan.get('Subplan Name', ''))}"
    for below in plan.get("Plans", ()):
        yield from steps(below)


@pytest.fixture(params=["never analyzed", "analyzed"])
def working(
    operator: ManualOperator, database: Database, request: pytest.FixtureRequest
) -> tuple[RunRules, int]:
    """Let a worker "x" have a page; return the rules of the run, and the attempt."""
    rows = [{"n": n} for n in range(_UNITS)]
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
    read = rows_read(database, _ARRIVAL, run=rules.run, task=rules.task, name=name, **_ARRIVES)

    assert max(read)[0] <= _FEW, sorted(read)[-5:]


def test_a_submission_reads_few_rows_however_many_units_are_free(
    database: Database, working: tuple[RunRules, int]
) -> None:
    rules, agent = working
    with database.read() as tx:
        (nonce,) = tx.sql("SELECT nonce FROM agent WHERE id = %s", (agent,)).fetchone()

    read = rows_read(database, _SUBMISSION, run=rules.run, agent=agent, nonce=nonce, **_SUBMITS)

    assert max(read)[0] <= _FEW, sorted(read)[-5:]
