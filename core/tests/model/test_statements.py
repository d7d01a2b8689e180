"""Hot statements: the records that are made of their rows."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, NamedTuple

import peewee
import pytest

import famulus
from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind
from famulus.model.statements import Param, Statement
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, SettingTable
from famulus.model.transaction import Dialect, Row, Transaction


def statements() -> dict[str, Statement[Any]]:
    """Return every statement that a module of core defines, by its full name."""
    found = {}
    for module in pkgutil.walk_packages(famulus.__path__, "famulus."):
        if module.name.startswith("famulus.testing") or module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Statement):
                found[f"{module.name}.{name}"] = value
    return found


@pytest.mark.parametrize("kind", DatabaseKind)
def test_every_statement_compiles(kind: DatabaseKind) -> None:
    dialect, faults = Dialect(kind), {}
    for name, statement in statements().items():
        try:
            dialect.compiled[statement]
        except TypeError as error:
            faults[name] = str(error)

    assert not faults


class SettingRow(NamedTuple):
    id: int
    key: str
    length: int


_COLUMNS = (
    SettingTable.id,
    SettingTable.name.alias("key"),
    peewee.fn.LENGTH(SettingTable.value).alias("length"),
)
_SETTING = Statement(
    SettingTable.select(*_COLUMNS).where(SettingTable.name == Param("name")), SettingRow
)


def test_a_row_has_a_field_for_each_column_or_its_alias(database: Database) -> None:
    with database.read() as tx:
        row = tx.one(_SETTING, name="identity")

    assert row is not None
    assert (row.key, row.length) == ("identity", 32)


def test_all_rows_of_a_statement_are_records(database: Database) -> None:
    with database.read() as tx:
        rows = tx.all(_SETTING, name="identity")

    assert [row.key for row in rows] == ["identity"]


def test_no_row_is_none(database: Database) -> None:
    with database.read() as tx:
        assert tx.one(_SETTING, name="no such setting") is None


class OutboxRow(NamedTuple):
    status: OutboxStatus
    other_status: OutboxStatus | None


_other = OutboxTable.alias()
_OUTBOX = Statement(
    OutboxTable.select(OutboxTable.status, _other.status.alias("other_status")).join(
        _other, peewee.JOIN.LEFT_OUTER, on=(_other.key == "no such key")
    ),
    OutboxRow,
)


def test_a_status_is_a_member_of_its_enum_unless_it_is_null(database: Database) -> None:
    columns = {"key": "a", "kind": "b", "payload": {}, "status": OutboxStatus.FAILED}

    def job(tx: Transaction) -> list[OutboxRow]:
        tx.insert(OutboxTable, **columns, next_attempt_at=tx.now, created_at=tx.now)
        return tx.all(_OUTBOX)

    (row,) = database.write(job)

    assert row.status is OutboxStatus.FAILED
    assert row.other_status is None


_PAYLOAD = Statement(
    OutboxTable.select(
        OutboxTable.payload, OutboxTable.created_at.alias("made"), OutboxTable.status
    ).where(OutboxTable.key == Param("key"))
)


def test_rows_of_a_compiled_select_have_the_types_of_python(database: Database) -> None:
    columns = {"key": "a", "kind": "b", "payload": {"n": [1]}, "status": OutboxStatus.FAILED}

    def job(tx: Transaction) -> list[Row]:
        tx.insert(OutboxTable, **columns, next_attempt_at=tx.now, created_at=tx.now)
        assert tx.rows_of(_PAYLOAD, key="no such key") == []
        assert tx.row_of(_PAYLOAD, key="no such key") is None
        assert tx.row_of(_PAYLOAD, key="a") == tx.rows_of(_PAYLOAD, key="a")[0]
        assert [row.made for row in tx.rows_of(_PAYLOAD, key="a")] == [tx.now]
        return tx.rows_of(_PAYLOAD, key="a")

    (row,) = database.write(job)

    assert row.payload == {"n": [1]}
    assert row.status is OutboxStatus.FAILED


@pytest.mark.parametrize(
    "columns",
    [
        (SettingTable.id, SettingTable.name),
        (SettingTable.name.alias("key"), SettingTable.id, SettingTable.value.alias("length")),
        (SettingTable.id, SettingTable.name.alias("key"), peewee.fn.LENGTH(SettingTable.value)),
    ],
    ids=["one is missing", "another order", "one has no name"],
)
def test_a_record_whose_fields_are_not_the_columns_is_refused(
    database: Database, columns: tuple[peewee.Node, ...]
) -> None:
    statement = Statement(SettingTable.select(*columns), SettingRow)

    with database.read() as tx, pytest.raises(TypeError, match="SettingRow has the fields"):
        tx.one(statement)
