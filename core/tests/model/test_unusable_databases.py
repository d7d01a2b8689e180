"""A database that cannot be used is named, with what is wrong and how to mend it."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from famulus.errors import DatabaseError
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError
from famulus.model.tables import TaskTable
from famulus.model.transaction import Transaction
from famulus.testing.databases import PostgresDatabases

_TASKS = 3_000
_PAGE = 4_096


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """An SQLite file of about a hundred pages."""
    path = tmp_path / "my tasks.db"
    with Database(path) as database:

        def fill(tx: Transaction) -> None:
            for number in range(_TASKS):
                tx.insert(TaskTable, name=f"task {number}", blueprint_type="x", created_at=tx.now)

        database.write(fill)
    return path


def read_tasks(path: Path) -> int:
    with Database(path) as database, database.read() as tx:
        return len(tx.rows(TaskTable.select(TaskTable.id, TaskTable.name)))


@pytest.mark.parametrize("content", [b"name,age\nzoe,3\n", b"\0" * 20_000, bytes(range(256)) * 40])
def test_a_file_of_another_kind_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "answers.csv"
    path.write_bytes(content)

    with pytest.raises(DatabaseError, match=r"answers\.csv is not an SQLite database; ") as caught:
        read_tasks(path)

    assert "backup" in str(caught.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("size", [100, _PAGE, 5 * _PAGE + 7, 40 * _PAGE])
def test_a_truncated_database_is_named_with_how_to_recover_it(stored: Path, size: int) -> None:
    os.truncate(stored, size)

    with pytest.raises(DatabaseError, match=r"my tasks\.db is damaged .*backup") as caught:
        read_tasks(stored)

    assert f"sqlite3 '{stored}' .recover | sqlite3 '{stored}-recovered'" in str(caught.value)


def test_damage_that_is_only_met_later_is_named_too(stored: Path) -> None:
    with closing(sqlite3.connect(stored)) as plain:
        root = plain.execute("SELECT rootpage FROM sqlite_master WHERE name = 'task'").fetchone()[0]
    with stored.open("r+b") as file:
        file.seek((root - 1) * _PAGE)
        file.write(b"\xff" * _PAGE)

    with Database(stored) as database:
        assert database.identity
        with pytest.raises(DatabaseError, match=r"my tasks\.db is damaged"), database.read() as tx:
            tx.rows(TaskTable.select(TaskTable.blueprint_type))
        with pytest.raises(DatabaseError, match=r"my tasks\.db is damaged"):
            database.write(lambda tx: tx.execute(TaskTable.update(blueprint_type="y")))


def test_a_database_of_another_program_is_left_alone(own_address: str) -> None:
    statement = "CREATE TABLE task (title VARCHAR(80))"
    if own_address.startswith("postgresql"):
        with psycopg.connect(own_address, autocommit=True) as connection:
            connection.execute(statement)
    else:
        with closing(sqlite3.connect(own_address)) as plain:
            plain.execute(statement)

    with (
        Database(own_address) as database,
        pytest.raises(DatabaseError, match=r"a table 'task' .* of its own"),
    ):
        database.write(lambda tx: None)


@pytest.fixture
def addresses(postgres: PostgresDatabases) -> Iterator[tuple[str, str]]:
    """The address of a new database for its owner, and for a user who owns nothing."""
    with postgres.fresh() as address:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute('DROP ROLE IF EXISTS "zoe\'s"')
            connection.execute('CREATE USER "zoe\'s"')
        owner = urlsplit(address).username
        yield address, address.replace(f"//{owner}@", "//zoe%27s@")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute('DROP OWNED BY "zoe\'s"')
            connection.execute('DROP ROLE "zoe\'s"')


def follow(error: DatabaseError, owner: str) -> None:
    """Run the statements that a message recommends."""
    _, _, statements = str(error).partition(" run: ")
    assert statements.startswith("GRANT "), error
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(statements)


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "no-such-host.invalid"])
def test_a_server_that_does_not_answer_is_named_with_the_remedy(host: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"postgresql://zoe@{host.format(taken.getsockname()[1])}/tasks"
        with Database(address) as database, pytest.raises(DatabaseUnavailableError) as caught:
            database.write(lambda tx: None)

    assert str(caught.value).endswith("; start the server, or correct the address")
    assert "\n" not in str(caught.value)


def test_a_user_who_cannot_create_tables_gets_the_grant_to_run(
    addresses: tuple[str, str],
) -> None:
    owner, user = addresses
    with Database(user) as database, pytest.raises(DatabaseError) as caught:
        database.write(lambda tx: None)
    assert "permission denied for schema public" in str(caught.value)
    assert "\n" not in str(caught.value)

    follow(caught.value, owner)

    with Database(user) as database:
        assert database.identity


def test_a_user_of_another_users_tables_gets_the_grant_to_run(
    addresses: tuple[str, str],
) -> None:
    owner, user = addresses
    with Database(owner) as database:
        identity = database.identity

    with Database(user) as database, pytest.raises(DatabaseError) as caught:
        database.write(lambda tx: None)
    follow(caught.value, owner)

    with Database(user) as database:
        assert database.identity == identity
        database.write(
            lambda tx: tx.insert(TaskTable, name="t", blueprint_type="x", created_at=tx.now)
        )


def test_a_database_that_does_not_exist_is_named_with_how_to_create_it(
    postgres: PostgresDatabases,
) -> None:
    with postgres.fresh() as address:
        nowhere = address.replace(urlsplit(address).path, "/nowhere")

    with (
        Database(nowhere) as database,
        pytest.raises(DatabaseError, match=r'"nowhere" does not exist; .*createdb nowhere'),
    ):
        database.write(lambda tx: None)
