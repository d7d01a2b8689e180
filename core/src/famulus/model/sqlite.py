"""SQLite: write-ahead log, one writer at a time, commits on disk before they return."""

from __future__ import annotations

import contextlib
import os
import shlex
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from famulus.clock import Clock
from famulus.errors import DatabaseError
from famulus.model.database_kind import DatabaseKind
from famulus.model.group_commit import GroupCommit, QueuedJob
from famulus.model.outages import DatabaseUnavailableError, Outage
from famulus.model.pool import Pool
from famulus.model.private_files import create_file
from famulus.model.sqlite_checkpoints import Checkpoints
from famulus.model.sqlite_unsynced import UnsyncedWrites
from famulus.model.transaction import Transaction, dialect_of

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has no advisory locks of this kind
    fcntl = None  # type: ignore[assignment]

T = TypeVar("T")

#: Temporary errors: a lock, memory, a disk that is full, failing or read-only, too many open files.
#: The file was opened before, so its path is right.
_UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
#: The low byte of an extended result code.
_PRIMARY = 0xFF

#: Seconds to wait for a lock held by a program that does not use our lock file.
_BUSY_SECONDS = 15
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # FULL: an acknowledged answer survives a power failure, not only the end of the process.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
)


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection with the settings of all Famulus connections.

    :raises famulus.DatabaseError: when the file cannot be used.
    """
    try:
        return _connected(path)
    except sqlite3.Error as error:
        damaged = _damaged(path, error)
        raise damaged or DatabaseError(f"cannot open the database {path}: {error}") from error


def _create(path: Path) -> None:
    """Create the database file for its owner only; SQLite would make it readable for all users."""
    try:
        create_file(path)
    except OSError as error:
        raise DatabaseError(f"cannot create the database {path}: {error.strerror}") from error


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


class SqliteBackend:
    """One SQLite file: a writing connection behind a group commit, and a pool of readers."""

    kind = DatabaseKind.SQLITE

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.dialect = dialect_of(DatabaseKind.SQLITE)
        self._clock = clock
        self._outage = Outage(f"the database {path}")
        _create(path)
        self._readers = Pool(lambda: _connected(path), sqlite3.Connection.close)
        self._writer = connect(path)
        self._writer.execute("PRAGMA wal_autocheckpoint=0")
        self._is_synced = True
        self._lock = WriterLock(path)
        # Two threads that lock through the same open file do not exclude each other.
        self._checkpoint_lock = WriterLock(path)
        self._checkpoints = Checkpoints(lambda: connect(path), self._checkpoint_lock)
        self._group = GroupCommit(self._commit, may_begin=self._lock.acquire_at_once)
        self._unsynced_lock = WriterLock(path)
        self._unsynced = UnsyncedWrites(
            lambda: connect(path),
            self._unsynced_lock,
            self._checkpoints.count_commit,
            self.dialect,
            clock,
        )

    def write(self, job: Callable[[Transaction], T], *, synced: bool = True) -> T:
        """Run a job in a transaction; return its result once it is committed."""
        return self._group.run(job, synced=synced)

    def write_unsynced(self, job: Callable[[Transaction], T]) -> T:
        """Run a job in a transaction that a power failure may undo."""
        if self._group.is_in_job:
            raise RuntimeError("a nested write: use the transaction that was passed to the job")
        with self._translating(writing=True):
            result = self._unsynced.write(job)
        self._outage.passed(writing=True)
        return result

    def data_version(self) -> object:
        """Return a value that differs after each commit, except for :meth:`write_unsynced`."""
        with self._translating(writing=False):
            return self._unsynced.data_version()

    def write_together(
        self, jobs: Sequence[Callable[[Transaction], T]], patience: float, *, synced: bool = True
    ) -> Sequence[QueuedJob[T]] | None:
        """Run jobs in one transaction; return each with its result or error once it is over.

        Return None if they could not begin within ``patience`` seconds.
        """
        return self._group.run_together(jobs, patience, synced=synced)

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a read-only transaction on a consistent snapshot."""
        with self._translating(writing=False), self._readers.borrow() as connection:
            connection.execute("BEGIN")
            try:
                yield Transaction(connection, self.dialect, self._clock())
            finally:
                connection.execute("ROLLBACK")
        self._outage.passed()

    def compact(self) -> None:
        """Write the file again without its free space, and empty the log."""
        with (
            self._translating(writing=True),
            contextlib.closing(connect(self.path)) as connection,
            contextlib.closing(WriterLock(self.path)) as lock,
            lock,
        ):
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close all connections."""
        self._checkpoints.close()
        self._readers.close()
        self._writer.close()
        self._lock.close()
        self._checkpoint_lock.close()
        self._unsynced.close()
        self._unsynced_lock.close()

    def _commit(self, batch: Sequence[QueuedJob[Any]]) -> None:
        try:
            with self._lock:
                self._sync_commits(any(queued.synced for queued in batch))
                # A savepoint costs two statements per job and a copy of each page that it changes,
                # so they are only used after one of several jobs has failed.
                if not self._transact(batch, self._run_together):
                    self._transact(batch, self._run_in_savepoints)
            self._outage.passed(writing=True)
            self._checkpoints.count_commit()
        except BaseException as error:  # noqa: BLE001 - handed to each job's own thread
            for queued in batch:
                queued.error = queued.error or self._translated(error, writing=True)

    def _sync_commits(self, synced: bool) -> None:
        """Set whether the next commits wait for the disk.

        The log is sequential: a commit that waits brings all earlier ones to the disk.
        """
        if synced is not self._is_synced:
            self._writer.execute(f"PRAGMA synchronous={'FULL' if synced else 'NORMAL'}")
            self._is_synced = synced

    def _transact(
        self, batch: Sequence[QueuedJob[Any]], run: Callable[[Sequence[QueuedJob[Any]]], bool]
    ) -> bool:
        """Run a batch in a transaction; commit it and return True if ``run`` returns True."""
        connection = self._writer
        connection.execute("BEGIN IMMEDIATE")
        try:
            is_good = run(batch)
            if is_good:
                connection.execute("COMMIT")
            return is_good
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _run_together(self, batch: Sequence[QueuedJob[Any]]) -> bool:
        """Run jobs without savepoints; return whether the transaction can be committed."""
        now = self._clock()
        for queued in batch:
            try:
                queued.result = self._run(queued, now)
            except BaseException:
                if len(batch) == 1:
                    raise
                return False
        return True

    def _run_in_savepoints(self, batch: Sequence[QueuedJob[Any]]) -> bool:
        """Run each job in a savepoint, so that a job that fails undoes only its own changes."""
        connection, now = self._writer, self._clock()
        for queued in batch:
            connection.execute("SAVEPOINT job")
            try:
                queued.result = self._run(queued, now)
            except BaseException as error:
                queued.error = self._translated(error, writing=True)
                if not connection.in_transaction:
                    # The disk is full, or worse: SQLite has rolled back the whole transaction.
                    raise
                connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
        return True

    @contextlib.contextmanager
    def _translating(self, *, writing: bool) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, _LockError) as error:
            translated = self._translated(error, writing=writing)
            if translated is error:
                raise
            raise translated from error

    def _translated(self, error: BaseException, *, writing: bool) -> BaseException:
        """Return the error to raise for an error of SQLite; other errors are returned unchanged."""
        translated: BaseException | None = _damaged(self.path, error)
        if _is_unavailable(error):
            self._outage.failed(error, writing=writing)
            text = f"the database {self.path} cannot be used now: {error}"
            translated = DatabaseUnavailableError(text)
        if translated is None:
            return error
        translated.__cause__ = error
        return translated

    def _run(self, queued: QueuedJob[Any], now: datetime) -> Any:
        transaction = Transaction(self._writer, self.dialect, now)
        result = queued.job(transaction)
        transaction.finish()
        return result


class _LockError(Exception):
    """The lock is closed, or the operating system has no resources for it."""


class WriterLock:
    """An advisory lock on a file beside the database, held by each writing transaction.

    SQLite's own lock would be enough, but a process that waits for it sleeps and polls, so two
    processes that write a lot starve each other (measured: p99 of 50 to 490 ms). The kernel wakes a
    process that waits for this lock. On file systems without such locks, SQLite's own is used.

    A thread may still wait for the lock when it is closed. That thread then closes the lock file:
    if it were closed earlier, its descriptor could belong to another file when the thread
    continues.
    """

    def __init__(self, path: Path) -> None:
        file = path.with_name(f"{path.name}-lock")
        try:
            create_file(file, like=path)
            self._file = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise DatabaseError(f"cannot open the lock {file}: {error.strerror}") from error
        self._mutex = threading.Lock()
        #: threads that wait for the lock or have it
        self._users = 0
        self._is_closed = False

    def __enter__(self) -> None:
        with self._mutex:
            if self._is_closed:
                raise _LockError("its lock is closed")
            self._users += 1
        try:
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException as error:
            self._leave()
            if isinstance(error, OSError):
                text = f"its lock cannot be acquired: {error.strerror}"
                raise _LockError(text) from error
            raise

    def acquire_at_once(self) -> bool:
        """Acquire the lock if no other process has it; return whether it was free.

        Acquiring it again, as its block does, changes nothing.
        """
        with self._mutex:
            if self._is_closed:
                return False
            if fcntl is not None:
                try:
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    return False
        return True

    def __exit__(self, *_: object) -> None:
        try:
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._leave()

    def close(self) -> None:
        """Close the lock file, once no thread waits for the lock or has it."""
        with self._mutex:
            is_open, self._is_closed = not self._is_closed, True
            if is_open and not self._users:
                os.close(self._file)

    def _leave(self) -> None:
        with self._mutex:
            self._users -= 1
            if self._is_closed and not self._users:
                os.close(self._file)


def _damaged(path: Path, error: BaseException) -> DatabaseError | None:
    """Return the error for a file whose content is wrong, or None for any other fault."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if code == sqlite3.SQLITE_NOTADB:
        return DatabaseError(
            f"{path} is not an SQLite database; correct the path, or restore the file from a backup"
        )
    if code != sqlite3.SQLITE_CORRUPT:
        return None
    old, new = shlex.quote(str(path)), shlex.quote(f"{path}-recovered")
    return DatabaseError(
        f"the database {path} is damaged ({error}); restore it from a backup, or save what can "
        f"still be read in a new file: sqlite3 {old} .recover | sqlite3 {new} (with the sqlite3 of "
        "sqlite.org; that of Debian 12 lacks .recover)"
    )


def _is_unavailable(error: BaseException) -> bool:
    """Return whether an error is temporary, unlike an error of the program."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & _PRIMARY in _UNAVAILABLE
    return isinstance(error, _LockError)
