"""Rows that are inserted together, in any number, and those appended for a job's end."""

from __future__ import annotations

import pytest

from famulus.model.database import Database
from famulus.model.statements import Param, Statement
from famulus.model.tables import TaskTable
from famulus.model.transaction import Transaction

_TASK = Statement(
    TaskTable.insert(
        {
            TaskTable.name: Param("name"),
            TaskTable.blueprint_type: "kind",
            TaskTable.created_at: Param("at"),
        }
    )
)


def names(tx: Transaction) -> list[str]:
    return [row.name for row in tx.rows(TaskTable.select(TaskTable.name).order_by(TaskTable.id))]


@pytest.mark.parametrize("count", [0, 1, 2, 1_000, 2_345])
def test_any_number_of_rows_is_inserted_in_their_order(database: Database, count: int) -> None:
    given = [f"task {number}" for number in range(count)]

    database.write(lambda tx: tx.insert_rows(_TASK, [(name, "kind", 0) for name in given]))

    with database.read() as tx:
        assert names(tx) == given


def test_appended_rows_are_stored_in_their_order_once_the_job_has_ended(
    database: Database,
) -> None:
    def job(tx: Transaction) -> list[str]:
        for name in ("first", "second", "third"):
            tx.append(_TASK, name=name, at=0)
        return names(tx)

    seen_by_the_job = database.write(job)

    with database.read() as tx:
        assert (seen_by_the_job, names(tx)) == ([], ["first", "second", "third"])


def test_a_job_that_fails_leaves_none_of_the_rows_it_appended(database: Database) -> None:
    def job(tx: Transaction) -> None:
        tx.append(_TASK, name="never", at=0)
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        database.write(job)

    with database.read() as tx:
        assert names(tx) == []


def test_rows_that_cannot_be_stored_fail_the_job_that_appended_them(database: Database) -> None:
    def job(tx: Transaction) -> None:
        tx.append(_TASK, name="twice", at=0)
        tx.append(_TASK, name="twice", at=0)

    with pytest.raises(Exception, match=r"(?i)unique"):
        database.write(job)

    with database.read() as tx:
        assert names(tx) == []
