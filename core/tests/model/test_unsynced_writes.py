"""Commits that a power failure may undo, and seeing that something was committed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from famulus.errors import DatabaseError, UnavailableError
from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind
from famulus.model.tables import SettingTable
from famulus.model.transaction import Transaction


@pytest.fixture
def database(own_address: str) -> Iterator[Database]:
    with Database(own_address) as opened:
        yield opened


def names(database: Database) -> list[str]:
    with database.read() as tx:
        rows = tx.rows(SettingTable.select(SettingTable.name).order_by(SettingTable.id))
    return [row.name for row in rows if row.name != "identity"]


def waits_for_the_disk(tx: Transaction) -> bool:
    """Return whether the commit of a transaction is on the disk when it returns."""
    if tx.kind is DatabaseKind.POSTGRESQL:
        return bool(tx.sql("SHOW synchronous_commit").fetchone()[0] != "off")
    full = 2
    return bool(tx.sql("PRAGMA synchronous").fetchone()[0] >= full)


def test_only_an_unsynced_write_does_not_wait_for_the_disk(database: Database) -> None:
    looks = [
        database.write(waits_for_the_disk),
        database.write_unsynced(waits_for_the_disk),
        database.write(waits_for_the_disk),
    ]

    assert looks == [True, False, True]


def test_a_commit_waits_for_the_disk_unless_its_job_need_not(database: Database) -> None:
    alone = database.write(waits_for_the_disk, synced=False)
    together = database.write_together([waits_for_the_disk], patience=30.0, synced=False)
    assert together is not None
    after = database.write(waits_for_the_disk)

    is_postgresql = database.kind is DatabaseKind.POSTGRESQL
    assert alone is is_postgresql
    assert [each.result for each in together] == [is_postgresql]
    assert after


def test_an_unsynced_write_is_seen_by_others_at_once(database: Database, own_address: str) -> None:
    row = database.write_unsynced(lambda tx: tx.insert(SettingTable, name="x", value="1"))

    with Database(own_address) as other:
        assert names(other) == ["x"]
    assert row > 0


def test_an_unsynced_write_that_fails_leaves_nothing(database: Database) -> None:
    def fails(tx: Transaction) -> None:
        tx.insert(SettingTable, name="x", value="1")
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        database.write_unsynced(fails)
    database.write_unsynced(lambda tx: tx.insert(SettingTable, name="y", value="1"))

    assert names(database) == ["y"]


def test_an_unsynced_write_inside_a_job_is_an_error(database: Database) -> None:
    with pytest.raises(RuntimeError, match="nested write"):
        database.write(lambda tx: database.write_unsynced(lambda inner: None))


def test_the_log_does_not_grow_with_unsynced_writes(tmp_path: Path) -> None:
    path = tmp_path / "famulus.db"
    with Database(path) as database:
        row = database.write(lambda tx: tx.insert(SettingTable, name="x", value="0"))
        for number in range(1_000):
            change = SettingTable.update(value=str(number)).where(SettingTable.id == row)
            database.write_unsynced(partial(Transaction.execute, query=change))
            for thread in threading.enumerate():
                if thread.name == "famulus-checkpoint":
                    thread.join()
        pages = path.with_name(f"{path.name}-wal").stat().st_size / 4096

    assert pages < 500


def test_the_data_version_changes_with_commits_of_this_and_other_processes(
    database: Database, own_address: str
) -> None:
    versions = [database.data_version()]
    database.write(lambda tx: tx.insert(SettingTable, name="x", value="1"))
    versions.append(database.data_version())
    with Database(own_address) as other:
        other.write(lambda tx: tx.insert(SettingTable, name="y", value="1"))
        versions.append(database.data_version())
        other.write_unsynced(lambda tx: tx.insert(SettingTable, name="z", value="1"))
        versions.append(database.data_version())

    assert len(set(versions)) == len(versions)


def test_the_data_version_stays_while_nothing_is_committed(tmp_path: Path) -> None:
    with Database(tmp_path / "famulus.db") as database:
        database.write(lambda tx: tx.insert(SettingTable, name="x", value="1"))
        before = database.data_version()

        names(database)
        database.write_unsynced(lambda tx: tx.insert(SettingTable, name="y", value="1"))
        with pytest.raises(DatabaseError):
            database.write(_raise)

        assert database.data_version() == before


def _raise(_tx: Transaction) -> None:
    raise DatabaseError("on purpose")


def test_a_log_that_cannot_be_written_is_an_outage(tmp_path: Path) -> None:
    path = tmp_path / "famulus.db"
    with Database(path) as database:
        database.write(lambda tx: tx.insert(SettingTable, name="x", value="1"))
        database.write_unsynced(lambda tx: tx.sql("PRAGMA query_only=ON"))

        with pytest.raises(UnavailableError, match="cannot be used now"):
            database.write_unsynced(lambda tx: tx.insert(SettingTable, name="y", value="1"))
