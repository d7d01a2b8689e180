"""Moving what was committed out of SQLite's write-ahead log."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus.model.sqlite import connect
from famulus.model.sqlite_checkpoints import Checkpoints


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.db"


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(connect(path)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("CREATE TABLE number (value INTEGER)")
        yield connection


class CountingLock:
    """Counts how often it is taken."""

    taken = 0

    def __enter__(self) -> None:
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        pass


def is_in_the_file(path: Path) -> bool:
    """Return whether the table is in the database's file itself, not only in its log."""
    alone = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    with contextlib.closing(alone):
        return bool(alone.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0])


def test_committed_pages_are_moved_to_the_file_during_writes(
    path: Path, writer: sqlite3.Connection
) -> None:
    checkpoints = Checkpoints(lambda: connect(path), contextlib.nullcontext(), commits=2)

    checkpoints.count_commit()
    before = is_in_the_file(path)
    checkpoints.count_commit()
    checkpoints.close()

    assert not before
    assert is_in_the_file(path)


def test_writers_are_kept_out_only_to_begin_a_long_log_anew(
    path: Path, writer: sqlite3.Connection
) -> None:
    lock = CountingLock()
    patient = Checkpoints(lambda: connect(path), lock, commits=1, long_log=1_000_000)
    strict = Checkpoints(lambda: connect(path), lock, commits=1, long_log=1)

    patient.count_commit()
    patient.close()
    without = lock.taken
    writer.execute("INSERT INTO number VALUES (1)")
    strict.count_commit()
    strict.close()

    assert (without, lock.taken) == (0, 1)


def test_a_failing_checkpoint_does_not_affect_writers(
    path: Path, writer: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    checkpoints = Checkpoints(fail, contextlib.nullcontext(), commits=1)

    checkpoints.count_commit()
    checkpoints.close()
    writer.execute("INSERT INTO number VALUES (1)")

    assert "will be tried again" in caplog.text
