"""The migrations make exactly the tables of the models, on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind
from famulus.model.ddl import create_statements
from famulus.model.indexes import indexes_of
from famulus.model.peewee_internals import index_name, is_partial
from famulus.model.transaction import Transaction
from famulus.testing.databases import PostgresDatabases

Catalogue = dict[str, Any]


@pytest.fixture
def pair(
    request: pytest.FixtureRequest, database_address: str, tmp_path: Path
) -> Iterator[tuple[Catalogue, Catalogue]]:
    """The catalogue of a migrated database, and of one made from the models."""
    if not database_address.startswith("postgresql"):
        yield migrated(database_address), of_models(tmp_path / "models.db")
        return
    # The one that tests share may have plugins' tables in it.
    databases: PostgresDatabases = request.getfixturevalue("postgres")
    with databases.fresh() as own, databases.fresh() as address:
        yield migrated(own), of_models(address)


def migrated(address: Path | str) -> Catalogue:
    with Database(address) as database, database.read() as tx:
        return catalogue(tx)


def kind_of(address: str) -> DatabaseKind:
    with Database(address) as database:
        return database.kind


def of_models(address: Path | str) -> Catalogue:
    """Make a database from the models alone and read its catalogue."""
    with Database(address) as database:
        # The backend without the migrations that opening would run.
        backend = database._connect()
        try:
            statements = create_statements(database.kind)
            backend.write(lambda tx: [tx.sql(text) for text in statements])
            with backend.read() as tx:
                return catalogue(tx)
        finally:
            backend.close()


def catalogue(tx: Transaction) -> Catalogue:
    return sqlite_catalogue(tx) if tx.kind is DatabaseKind.SQLITE else postgresql_catalogue(tx)


def sqlite_catalogue(tx: Transaction) -> Catalogue:
    names = [
        row[0]
        for row in tx.sql(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'famulus_schema'"
        ).fetchall()
    ]
    found: Catalogue = {}
    for name in names:
        columns = tx.sql(f"SELECT name, type, \"notnull\", pk FROM pragma_table_info('{name}')")
        found[name] = {row[0]: tuple(row[1:]) for row in columns.fetchall()}
        keys = tx.sql(f'SELECT "from", "table", "to" FROM pragma_foreign_key_list(\'{name}\')')
        found[name]["foreign keys"] = sorted(tuple(row) for row in keys.fetchall())
    indexes = tx.sql(
        "SELECT name, tbl_name, sql FROM sqlite_master "
        "WHERE type = 'index' AND tbl_name <> 'famulus_schema'"
    )
    found["indexes"] = {row[0]: (row[1], plain(row[2])) for row in indexes.fetchall()}
    return found


def postgresql_catalogue(tx: Transaction) -> Catalogue:
    columns = tx.sql(
        "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, "
        "column_default FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name <> 'famulus_schema'"
    ).fetchall()
    found: Catalogue = {}
    for table, *column in columns:
        found.setdefault(table, {})[column[0]] = tuple(column[1:])
    keys = tx.sql(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'f'"
    )
    found["foreign keys"] = sorted(tuple(row) for row in keys.fetchall())
    indexes = tx.sql(
        "SELECT indexname, tablename, indexdef FROM pg_indexes "
        "WHERE schemaname = 'public' AND tablename <> 'famulus_schema'"
    )
    found["indexes"] = {row[0]: (row[1], plain(row[2])) for row in indexes.fetchall()}
    return found


def plain(sql: str | None) -> str:
    return re.sub(r"\s+", " ", sql or "")


def test_the_migrations_lead_to_the_models(pair: tuple[Catalogue, Catalogue]) -> None:
    made, modelled = pair

    assert made["indexes"] == modelled["indexes"]
    assert made == modelled


def test_every_index_of_the_models_is_there_under_a_name_of_its_own(
    pair: tuple[Catalogue, Catalogue], database_address: str
) -> None:
    made, _ = pair
    named = [index_name(index) for index in indexes_of(kind_of(database_address))]

    there = {name for name in made["indexes"] if not name.endswith("_pkey")}

    assert len(named) == len(set(named))
    assert set(named) == there


def test_every_partial_index_has_its_condition(
    pair: tuple[Catalogue, Catalogue], database_address: str
) -> None:
    made, _ = pair
    indexes = indexes_of(kind_of(database_address))
    partial = {index_name(index) for index in indexes if is_partial(index)}

    conditioned = {name for name, (_, sql) in made["indexes"].items() if " WHERE " in sql}

    assert partial == conditioned


def test_every_foreign_key_is_enforced(database: Database) -> None:
    insert = "INSERT INTO assignment (run_id, number, data) VALUES (4711, 0, '{}')"

    with pytest.raises(Exception, match=r"(?i)foreign key"):
        database.write(lambda tx: tx.sql(insert))
