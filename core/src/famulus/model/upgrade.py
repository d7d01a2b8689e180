"""Upgrading a schema: a backup first, then all missing migrations in one transaction."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from famulus.errors import DatabaseError, NewerDatabaseError
from famulus.model.database_kind import DatabaseKind
from famulus.model.location import Location
from famulus.model.peewee_internals import table_name
from famulus.model.private_files import create_file, make_folder
from famulus.model.schema import PluginSchema
from famulus.model.tables import TABLES
from famulus.model.transaction import Transaction

if TYPE_CHECKING:
    from famulus.model.postgresql import PostgresqlBackend
    from famulus.model.sqlite import SqliteBackend

UNSAVED_VARIABLE = "FAMULUS_MIGRATE_WITHOUT_BACKUP"

_VERSIONS = "famulus_schema"
_CREATE_VERSIONS = (
    f"CREATE TABLE {_VERSIONS} (name VARCHAR(64) NOT NULL PRIMARY KEY, version INTEGER NOT NULL)"
)
#: An arbitrary number: the key of PostgreSQL's advisory lock against concurrent upgrades.
_LOCK = 7_265_701


def upgrade(
    backend: SqliteBackend | PostgresqlBackend, location: Location, schema: PluginSchema
) -> None:
    """Run the migrations that a schema lacks, in one transaction.

    :raises famulus.errors.NewerDatabaseError: when the stored version is newer than the last step.
    :raises famulus.DatabaseError: when the database cannot be backed up first.
    """
    newest = len(schema.migrations)

    def read_version() -> int:
        return backend.write(lambda tx: _stored_version(tx, schema.name, location))

    stored = read_version()
    if stored > newest:
        raise NewerDatabaseError(
            f"the tables of {schema.name!r} in {location.shown} have version {stored}, which is "
            f"newer than version {newest} of this program; install the newer program again"
        )
    if stored == newest:
        return
    if stored:
        # While another process upgrades, a copy may fail, or be one of after the upgrade.
        _back_up(location, f"{schema.name}-{stored}", lambda: read_version() == stored)
    backend.write(lambda tx: _migrate(tx, schema, location))


def _stored_version(tx: Transaction, name: str, location: Location) -> int:
    if tx.kind is DatabaseKind.POSTGRESQL:
        tx.sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    existing = _table_names(tx)
    if _VERSIONS not in existing:
        # Creating a table needs a privilege on PostgreSQL even if the table exists.
        _refuse_another_program(existing, location)
        tx.sql(_CREATE_VERSIONS)
    mark = "?" if tx.kind is DatabaseKind.SQLITE else "%s"
    row = tx.sql(f"SELECT version FROM famulus_schema WHERE name = {mark}", (name,)).fetchone()
    return int(row[0]) if row else 0


def _table_names(tx: Transaction) -> set[str]:
    """Return the names of the tables in the schema where new tables are created."""
    if tx.kind is DatabaseKind.SQLITE:
        return {name for (name,) in tx.sql("SELECT name FROM sqlite_master WHERE type = 'table'")}
    query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    return {name for (name,) in tx.sql(query)}


def _refuse_another_program(existing: set[str], location: Location) -> None:
    """Raise an error if a database without a schema version has a table with a name of ours."""
    for table in TABLES:
        name = table_name(table)
        if name in existing:
            raise DatabaseError(
                f"{location.shown} has a table {name!r} that Famulus has not created; give Famulus "
                "a database of its own"
            )


def _migrate(tx: Transaction, schema: PluginSchema, location: Location) -> None:
    stored = _stored_version(tx, schema.name, location)
    for migration in schema.migrations[stored:]:
        for statement in migration.statements(tx.kind):
            tx.sql(statement)
    mark = "?" if tx.kind is DatabaseKind.SQLITE else "%s"
    tx.sql(f"DELETE FROM famulus_schema WHERE name = {mark}", (schema.name,))
    tx.sql(
        f"INSERT INTO famulus_schema (name, version) VALUES ({mark}, {mark})",
        (schema.name, len(schema.migrations)),
    )


def _back_up(location: Location, label: str, is_wanted: Callable[[], bool]) -> None:
    """Copy a database beside it.

    :param is_wanted: whether the database still needs a backup; called after the copy, even if it
        has failed.
    """
    backup = location.backup(label)
    if location.path is not None:
        copy = partial(_copy_sqlite, location.path)
    elif not os.environ.get(UNSAVED_VARIABLE):
        copy = partial(_dump_postgresql, location)
    else:
        return
    # An upgrade that is tried again, or by several processes at once, must not spoil the backup of
    # another one.
    incomplete = backup.with_name(f"{backup.name}.{secrets.token_hex(4)}.incomplete")
    try:
        copy(incomplete)
        if is_wanted():
            incomplete.replace(backup)
    except DatabaseError:
        if is_wanted():
            raise
    except (OSError, sqlite3.Error) as error:
        if not is_wanted():
            return
        raise DatabaseError(
            f"{location.shown} has to be upgraded, and cannot be backed up to {backup} first: "
            f"{error}"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            incomplete.unlink(missing_ok=True)


def _copy_sqlite(source: Path, target: Path) -> None:
    create_file(target, like=source)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as copy:
        old.backup(copy)


def _dump_postgresql(location: Location, target: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise DatabaseError(
            f"{location.shown} has to be upgraded, and pg_dump is not installed to back it up "
            "first; install PostgreSQL's client (apt-get install postgresql-client), or back it "
            f"up yourself and set {UNSAVED_VARIABLE}=1"
        )
    address = location.postgres
    if address.other_secrets:
        raise DatabaseError(
            f"{location.shown} has to be upgraded, and {', '.join(address.other_secrets)} cannot "
            "be passed to pg_dump without showing it to other users of this machine; back the "
            f"database up yourself and set {UNSAVED_VARIABLE}=1"
        )
    make_folder(target.parent)
    create_file(target)
    password = address.params.get("password")
    done = subprocess.run(
        # Other users of the machine can read the command line.
        [program, "--format=custom", f"--file={target}", f"--dbname={address.shown}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **({} if password is None else {"PGPASSWORD": password})},
    )
    if done.returncode:
        raise DatabaseError(
            f"pg_dump could not back up {location.shown} before its upgrade; back it up yourself "
            f"and set {UNSAVED_VARIABLE}=1\n{done.stderr.strip()}"
        )
