"""Old databases are backed up and migrated; newer ones are refused."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from famulus.engine.ledger.recorded_decisions import unapplied_units
from famulus.errors import DatabaseError, NewerDatabaseError
from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind
from famulus.model.migrations import CORE
from famulus.model.schema import Migration, PluginSchema
from famulus.model.transaction import Transaction
from famulus.testing.databases import PostgresDatabases
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins

FIRST = Migration(
    number=1,
    sqlite=("CREATE TABLE shop_item (name TEXT NOT NULL)",),
    postgresql=("CREATE TABLE shop_item (name TEXT NOT NULL)",),
)
SECOND = Migration(
    number=2,
    sqlite=("ALTER TABLE shop_item ADD COLUMN price INTEGER",),
    postgresql=("ALTER TABLE shop_item ADD COLUMN price INTEGER",),
)
BROKEN = Migration(
    number=2,
    sqlite=("ALTER TABLE shop_item ADD COLUMN price INTEGER", "SELECT nonsense FROM nowhere"),
    postgresql=("ALTER TABLE shop_item ADD COLUMN price INTEGER", "SELECT nonsense FROM nowhere"),
)
OLD = PluginSchema(name="shop", migrations=(FIRST,))
NEW = PluginSchema(name="shop", migrations=(FIRST, SECOND))


def columns(database: Database) -> list[str]:
    with database.read() as tx:
        return [column[0] for column in tx.sql("SELECT * FROM shop_item").description]


def test_missing_steps_are_run_and_only_those(own_address: str) -> None:
    with Database(own_address) as database:
        database.prepare([OLD])
        database.write(lambda tx: tx.sql("INSERT INTO shop_item VALUES ('hat')"))
        database.prepare([NEW])
        database.prepare([NEW])

        assert columns(database) == ["name", "price"]
        with database.read() as tx:
            assert [tuple(row) for row in tx.sql("SELECT * FROM shop_item")] == [("hat", None)]


def test_a_step_that_fails_changes_nothing(own_address: str) -> None:
    with Database(own_address) as database:
        database.prepare([OLD])

        with pytest.raises(Exception, match="nowhere"):
            database.prepare([PluginSchema(name="shop", migrations=(FIRST, BROKEN))])

        assert columns(database) == ["name"]
        database.prepare([NEW])
        assert columns(database) == ["name", "price"]


def test_newer_tables_are_refused_with_the_remedy(own_address: str) -> None:
    with Database(own_address) as database:
        database.prepare([NEW])

        with pytest.raises(
            NewerDatabaseError, match=r"'shop' .* version 2, .* newer than version 1 .*; install"
        ):
            database.prepare([OLD])


def test_a_newer_database_is_refused_at_the_first_use(own_address: str) -> None:
    with Database(own_address) as database:
        database.write(lambda tx: tx.sql("UPDATE famulus_schema SET version = 99"))

    with Database(own_address) as database, pytest.raises(NewerDatabaseError, match="version 99"):
        database.write(lambda _: None)


def test_sqlite_is_backed_up_before_it_is_upgraded(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as database:
        database.prepare([OLD])
        database.write(lambda tx: tx.sql("INSERT INTO shop_item VALUES ('hat')"))
        database.prepare([NEW])

    with closing(sqlite3.connect(tmp_path / "a.db-backup-shop-1")) as backup:
        assert list(backup.execute("SELECT * FROM shop_item")) == [("hat",)]


def test_sqlite_that_cannot_be_backed_up_is_not_upgraded(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as database:
        database.prepare([OLD])
        (tmp_path / "a.db-backup-shop-1").mkdir()

        with pytest.raises(DatabaseError, match=r"cannot be backed up to .*a\.db-backup-shop-1"):
            database.prepare([NEW])

        assert columns(database) == ["name"]


def test_a_failed_dump_leaves_only_an_earlier_one_and_gives_the_reason(
    postgres: PostgresDatabases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text(
        "#!/bin/sh\nfor word; do case $word in --file=*) echo part > ${word#--file=};; esac; done\n"
        "echo 'server version mismatch' >&2\nexit 1\n"
    )
    earlier = tmp_path / "data" / "files-backup-shop-1.dump"
    earlier.parent.mkdir()
    earlier.write_text("an earlier backup")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("FAMULUS_FILES", str(tmp_path / "data" / "files"))
    with postgres.fresh() as address, Database(address) as database:
        database.prepare([OLD])

        with pytest.raises(DatabaseError, match="server version mismatch"):
            database.prepare([NEW])

    assert [*earlier.parent.iterdir()] == [earlier]
    assert earlier.read_text() == "an earlier backup"


def test_a_new_database_needs_no_backup(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as database:
        database.prepare([NEW])

    assert not list(tmp_path.glob("*backup*"))


def test_postgresql_is_dumped_before_it_is_upgraded(
    postgres: PostgresDatabases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not on the PATH")
    monkeypatch.setenv("FAMULUS_FILES", str(tmp_path / "files"))
    with postgres.fresh() as address, Database(address) as database:
        database.prepare([OLD])
        database.prepare([NEW])

    dump = tmp_path / "files-backup-shop-1.dump"
    assert dump.read_bytes().startswith(b"PGDMP")


def test_pg_dump_gets_the_password_where_other_users_cannot_read_it(
    postgres: PostgresDatabases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which("pg_dump")
    if real is None:
        pytest.skip("pg_dump is not on the PATH")
    monkeypatch.setenv("FAMULUS_FILES", str(tmp_path / "files"))
    wrapper = tmp_path / "pg_dump"
    wrapper.write_text(
        f"#!/bin/sh\ncat /proc/$$/cmdline > {tmp_path}/seen\n"
        f'printf %s "$PGPASSWORD" > {tmp_path}/given\nexec {real} "$@"\n'
    )
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with postgres.fresh() as address:
        secret = address.replace("@", ":hush%20sesame@", 1)
        with Database(secret) as database:
            database.prepare([OLD])
            database.prepare([NEW])

    assert (tmp_path / "given").read_text() == "hush sesame"
    assert "hush" not in (tmp_path / "seen").read_text()
    assert (tmp_path / "files-backup-shop-1.dump").read_bytes().startswith(b"PGDMP")


def test_postgresql_without_pg_dump_is_not_upgraded_without_consent(
    postgres: PostgresDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres.fresh() as address, Database(address) as database:
        database.prepare([OLD])
        monkeypatch.setenv("PATH", "")
        with pytest.raises(DatabaseError, match="pg_dump is not installed"):
            database.prepare([NEW])
        monkeypatch.setenv("FAMULUS_MIGRATE_WITHOUT_BACKUP", "1")
        database.prepare([NEW])

        assert columns(database) == ["name", "price"]


OPENER = """
import sys
from famulus.model.database import Database

sys.stdin.readline()
with Database(sys.argv[1]) as database:
    database.write(lambda _: None)
    sys.stdout.write(database.signing_keys[0].hex())
"""


def open_at_once(address: str) -> list[tuple[str, str]]:
    """Open a database in several processes at once; return the key and the errors of each."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(OPENER), address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=60) for process in processes]


def test_processes_that_open_a_new_database_at_once_all_find_it_whole(own_address: str) -> None:
    results = open_at_once(own_address)

    assert [errors for _, errors in results] == [""] * 4
    assert len({key for key, _ in results}) == 1
    with Database(own_address) as database, database.read() as tx:
        assert tx.sql("SELECT version FROM famulus_schema").fetchall() == [(len(CORE.migrations),)]


def test_processes_that_upgrade_a_database_at_once_leave_one_backup_of_before(
    own_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_sqlite = not own_address.startswith("postgresql")
    if not on_sqlite and shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not on the PATH")
    monkeypatch.setenv("FAMULUS_FILES", str(tmp_path / "data" / "files"))
    old = PluginSchema(name=CORE.name, migrations=CORE.migrations[:12])
    with monkeypatch.context() as patch, Database(own_address) as database:
        patch.setattr("famulus.model.database.CORE", old)
        database.write(lambda _: None)
        folder = database.files.parent

    results = open_at_once(own_address)

    assert [errors for _, errors in results] == [""] * 4
    (backup,) = folder.glob("*-backup-*")
    if on_sqlite:
        with closing(sqlite3.connect(backup)) as copy:
            versions = copy.execute("SELECT version FROM famulus_schema").fetchall()
        assert versions == [(12,)]
    else:
        assert backup.read_bytes().startswith(b"PGDMP")


def test_decisions_that_were_applied_before_an_upgrade_stay_applied(own_address: str) -> None:
    before = (
        'DROP INDEX "review_unapplied"',
        'ALTER TABLE "review" RENAME COLUMN "applied_at" TO "settled_at"',
        'CREATE INDEX "review_unsettled" ON "review" ("unit_id")'
        ' WHERE (("settled_at" IS NULL) AND ("undone_at" IS NULL))',
    )
    review = (
        "INSERT INTO review"
        " (unit_id, agent_id, decision, note, category, decided_at, settled_at, undone_at)"
        " SELECT unit_id, id, 'accepted', '', '', 5, {}, {} FROM agent"
        " WHERE assignment_id = (SELECT id FROM assignment WHERE number = {})"
    )
    (renaming,) = (each for each in CORE.migrations if "applied_at" in "".join(each.sqlite))
    times = [(7, "NULL"), ("NULL", "NULL"), ("NULL", 8)]
    decided = [review.format(*each, number) for number, each in enumerate(times)]
    with Database(own_address) as database:
        with ManualOperator(database, plugins=kit_plugins()) as operator:
            gateway = operator.launch_rows([{"n": n} for n in range(3)])
            for name in "abc":
                GatewayWorker(gateway, name).work()

        def upgrade(tx: Transaction) -> None:
            for statement in (*before, *decided, *renaming.statements(tx.kind)):
                tx.sql(statement)

        database.write(upgrade)
        with database.read() as tx:
            rows = tx.sql("SELECT unit_id, applied_at, undone_at FROM review ORDER BY id")
            found = [tuple(row) for row in rows.fetchall()]
            waiting = unapplied_units(tx, [gateway.run_id])

    assert [each[1:] for each in found] == [(7, None), (None, None), (None, 8)]
    assert waiting == [found[1][0]]


def test_upgrade_keeps_what_workers_have_tried_and_ends_units_of_a_finished_run(
    own_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = PluginSchema(name=CORE.name, migrations=CORE.migrations[:24])
    with monkeypatch.context() as patch, Database(own_address) as database:
        patch.setenv("FAMULUS_MIGRATE_WITHOUT_BACKUP", "1")
        patch.setattr("famulus.model.database.CORE", old)
        # This version writes these; they are gone again before the upgrade.
        later = {
            "nonce": ("agent", "BIGINT"),
            "is_finishing": ("task_run", "BOOLEAN"),
            "awaited_visits": ("task_run", "INTEGER"),
            "awaited_until": ("task_run", "BIGINT"),
        }
        adding = [f"{table} ADD COLUMN {name} {kind}" for name, (table, kind) in later.items()]
        database.write(lambda tx: [tx.sql(f"ALTER TABLE {each}") for each in adding])
        with ManualOperator(database, plugins=kit_plugins()) as operator:
            gateway = operator.launch_rows([{"n": n} for n in range(4)])
            giver, other, late = (GatewayWorker(gateway, name) for name in ("x", "y", "z"))
            giver.give_back(giver.arrive())
            other.arrive()
            late.arrive()
        # Earlier versions kept the assignment, and ended attempts before their units.
        kept = (
            "UPDATE agent SET assignment_id = (SELECT assignment_id FROM unit WHERE id = unit_id)"
        )
        database.write(lambda tx: tx.sql(kept))
        ended = "UPDATE agent SET status = 'expired' WHERE id = (SELECT MAX(id) FROM agent)"
        database.write(lambda tx: tx.sql(ended))
        dropping = [f"{table} DROP COLUMN {name}" for name, (table, _) in later.items()]
        database.write(lambda tx: [tx.sql(f"ALTER TABLE {each}") for each in dropping])

    monkeypatch.setenv("FAMULUS_MIGRATE_WITHOUT_BACKUP", "1")
    with Database(own_address) as database, database.read() as tx:
        tried = tx.sql("SELECT status, assignment_id IS NULL FROM agent ORDER BY id").fetchall()
        units = tx.sql("SELECT status FROM unit ORDER BY status").fetchall()
        story = tx.sql(
            "SELECT subject, old, new, cause, run_id, xact > 0 FROM event ORDER BY id DESC LIMIT 1"
        ).fetchall()
        on_postgresql = tx.kind is DatabaseKind.POSTGRESQL

    assert [(status, bool(is_null)) for status, is_null in tried] == [
        ("returned", True),
        ("in_task", False),
        ("expired", False),
    ]
    assert [status for (status,) in units] == ["assigned", "expired", "launched", "launched"]
    assert [tuple(row) for row in story] == [
        ("unit", "assigned", "expired", "run finished", gateway.run_id, on_postgresql)
    ]
