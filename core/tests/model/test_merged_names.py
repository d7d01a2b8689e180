"""Names that were stored with space around them become those without it when a database is
upgraded; what cannot be merged is reported.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

from famulus.model.database import Database
from famulus.model.migrations import CORE
from famulus.model.tables import (
    EventTable,
    GrantedQualificationTable,
    QualificationTable,
    RequesterTable,
    TaskTable,
    WorkerTable,
)
from famulus.model.transaction import Transaction
from famulus.names import WHITE_SPACE, stripped
from famulus.operate.doctor import read_differences
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

#: The first merges names with ASCII white space around them, the second with any.
MIGRATIONS = (5, 12)


def upgrade(database: Database) -> None:
    def job(tx: Transaction) -> None:
        for number in MIGRATIONS:
            for statement in CORE.migrations[number - 1].statements(tx.kind):
                tx.sql(statement)

    database.write(job)


def add(database: Database, table: Any, **values: Any) -> int:
    def job(tx: Transaction) -> int:
        named = {"name", "provider_type", "blueprint_type"} & values.keys()
        more = {"created_at": tx.now} if named else {}
        return tx.insert(table, **more, **values)

    return database.write(job)


def workers(database: Database) -> dict[str, bool]:
    with database.read() as tx:
        return {row.name: bool(row.blocked) for row in tx.rows(WorkerTable.select())}


@pytest.mark.parametrize("table", [TaskTable, QualificationTable, RequesterTable, WorkerTable])
def test_a_name_with_space_around_it_loses_it(table: Any, database: Database) -> None:
    more: dict[str, Any] = {TaskTable: {"blueprint_type": "rows"}, QualificationTable: {}}.get(
        table, {"provider_type": "crowd"}
    )
    names = [" a", "b\xa0\t\n", "c c", " d", "d ", "e", " e"]
    if table is not WorkerTable:
        names = names[:4]
    for name in names:
        add(database, table, name=name, **more)

    upgrade(database)

    with database.read() as tx:
        left = {row.name for row in tx.rows(table.select(table.name))}
    assert left == {"a", "b", "c c", "d"} | ({"e"} if table is WorkerTable else set())


def test_the_same_white_space_is_removed_in_sql_as_where_a_name_enters(database: Database) -> None:
    space = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
    assert "".join(space) == WHITE_SPACE
    for number, char in enumerate(space):
        add(
            database,
            WorkerTable,
            provider_type="crowd",
            name=f"{char}zoe\N{ZERO WIDTH JOINER}{number}",
        )
        add(database, WorkerTable, provider_type="crowd", name=f"yan{number}{char}")

    found = read_differences(database, kit_plugins())
    upgrade(database)

    assert len(found) == 2 * len(space)
    assert all(name == stripped(name) for name in workers(database))
    assert len(workers(database)) == 2 * len(space)


@pytest.mark.parametrize("blocked", [" zoe", "zoe", "zoe ", "\u3000zoe"])
def test_a_worker_is_blocked_if_one_of_the_merged_was(blocked: str, database: Database) -> None:
    for name in ("zoe", " zoe", "zoe ", "\u3000zoe"):
        add(database, WorkerTable, provider_type="crowd", name=name, blocked=name == blocked)
    add(database, WorkerTable, provider_type="other", name="zoe")
    add(database, WorkerTable, provider_type="crowd", name="yan")

    upgrade(database)

    with database.read() as tx:
        found = [
            (row.provider_type, row.name, bool(row.blocked))
            for row in tx.rows(
                WorkerTable.select().order_by(WorkerTable.provider_type, WorkerTable.name)
            )
        ]
    assert found == [("crowd", "yan", False), ("crowd", "zoe", True), ("other", "zoe", False)]


def test_of_two_grants_the_newest_is_kept_and_no_other_worker_loses_one(
    database: Database,
) -> None:
    numbers = [add(database, QualificationTable, name=name) for name in ("q", "r", "s")]
    zoe, left, right, yan = (
        add(database, WorkerTable, provider_type="crowd", name=name)
        for name in ("zoe", " zoe", "zoe ", "yan")
    )
    now = database.clock()
    later = now.replace(year=now.year + 1)
    for worker, number, value, at in (
        (zoe, 0, 1, now),
        (left, 0, 2, later),
        (right, 0, 3, now),
        (left, 1, 4, now),
        (right, 1, 5, later),
        (zoe, 2, 6, later),
        (left, 2, 7, now),
        (yan, 0, 8, now),
    ):
        add(
            database,
            GrantedQualificationTable,
            worker=worker,
            qualification=numbers[number],
            value=value,
            granted_at=at,
        )
    add(database, EventTable, at=now, subject="worker", subject_id=left, new="2", cause="grant")

    upgrade(database)

    with database.read() as tx:
        rows = tx.rows(
            GrantedQualificationTable.select(
                GrantedQualificationTable.worker.alias("worker"),
                GrantedQualificationTable.qualification.alias("qualification"),
                GrantedQualificationTable.value,
            )
        )
        event = tx.row(EventTable.select(EventTable.subject_id).where(EventTable.cause == "grant"))
    held = {(row.worker, numbers.index(row.qualification)): row.value for row in rows}
    assert held == {(zoe, 0): 2, (zoe, 1): 5, (zoe, 2): 6, (yan, 0): 8}
    assert event is not None
    assert event.subject_id == zoe
    assert workers(database) == {"zoe": False, "yan": False}
    assert read_differences(database, kit_plugins()) == []


def test_a_worker_with_work_under_both_names_is_reported(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows([{"n": 1}, {"n": 2}])
    for name in ("zoe", "zoë"):
        GatewayWorker(gateway, name).work()
    spaced = WorkerTable.update(name=" zoe", blocked=True).where(WorkerTable.name == "zoë")
    database.write(lambda tx: tx.execute(spaced))

    upgrade(database)

    assert workers(database) == {"zoe": True, " zoe": True}
    found = [each.what for each in read_differences(database, operator.plugins)]
    assert any("the worker ' zoe' (number" in each for each in found)
    assert GatewayWorker(gateway, " zoe").arrive().refusal == "blocked"
