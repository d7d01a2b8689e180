"""The database: opening it, reading it, and the one way to write to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from famulus.clock import Clock, system_clock
from famulus.errors import DatabaseError
from famulus.model.database_kind import DatabaseKind
from famulus.model.group_commit import QueuedJob
from famulus.model.location import Location, locate
from famulus.model.migrations import CORE
from famulus.model.postgresql import PostgresqlBackend
from famulus.model.postgresql_pipeline import AtOnce
from famulus.model.private_files import make_folder
from famulus.model.schema import PluginSchema
from famulus.model.signing_keys import signing_keys
from famulus.model.sqlite import SqliteBackend
from famulus.model.tables import SettingTable
from famulus.model.transaction import Transaction
from famulus.model.upgrade import upgrade

T = TypeVar("T")


class Database:
    """A database: an SQLite file, or a PostgreSQL database by URL.

    Nothing is opened or created before the first read or write. A process may have any number of
    databases open, and any number of threads may use each. Use it with ``with``, or close it.
    """

    def __init__(self, address: str | Path | None = None, *, clock: Clock = system_clock) -> None:
        self.location: Location = locate(address)
        self.clock = clock
        self._backend: SqliteBackend | PostgresqlBackend | None = None
        self._opening = threading.Lock()
        self._identity: str | None = None
        self._closed = False

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Database {self.location.shown}>"

    @property
    def kind(self) -> DatabaseKind:
        """The kind of database."""
        return DatabaseKind.POSTGRESQL if self.location.path is None else DatabaseKind.SQLITE

    @property
    def exists(self) -> bool:
        """Whether the file exists; always true for PostgreSQL."""
        return self.location.path is None or self.location.path.exists()

    @property
    def files(self) -> Path:
        """The folder of uploaded files."""
        return self.location.files

    @property
    def identity(self) -> str:
        """A unique id of this database, also used on platforms: 32 hexadecimal digits."""
        if self._identity is None:
            query = SettingTable.select(SettingTable.value).where(SettingTable.name == "identity")
            with self.read() as tx:
                row = tx.row(query)
            assert row is not None
            self._identity = str(row.value)
        return self._identity

    @property
    def signing_keys(self) -> Sequence[bytes]:
        """The keys of workers' pages: the first one signs, signatures by all are accepted.

        :raises famulus.UsageError: when ``FAMULUS_SECRET_KEY`` is missing or contains a bad key.
        :raises famulus.DatabaseError: when the key file beside an SQLite file cannot be used.
        """
        return signing_keys(self.location)

    def write(self, job: Callable[[Transaction], T], *, synced: bool = True) -> T:
        """Run a job in a transaction and return its result once it is committed to disk.

        A job is short, calls no third-party code, and must be idempotent apart from its
        transaction: it may be run more than once. An exception rolls the transaction back.

        :param synced: False for data that is recreated if a power failure undoes it, such as an
            everyday arrival: on SQLite the commit then does not wait for the disk, unless a job
            that has to wait shares it. Never False for a row with effects outside of the database.
        :raises famulus.UnavailableError: when the database cannot be written now.
        """
        return self._open().write(job, synced=synced)

    def write_unsynced(self, job: Callable[[Transaction], T]) -> T:
        """Run a job like :meth:`write`, for data that is soon outdated and needs no fsync.

        Every process sees the commit at once. A power failure may undo it with all later unsynced
        commits, but not once a later :meth:`write` has committed.

        :raises famulus.UnavailableError: when the database cannot be written now.
        """
        return self._open().write_unsynced(job)

    def data_version(self) -> object:
        """Return a value that differs from the last one if anything was committed in between.

        Reading it costs less than a query. The value may differ without a commit to this database:
        PostgreSQL has one value for all databases of a server. On SQLite, :meth:`write_unsynced` of
        this object does not change it.

        :raises famulus.UnavailableError: when the database cannot be read now.
        """
        return self._open().data_version()

    def write_together(
        self,
        jobs: Sequence[Callable[[Transaction], T]],
        *,
        patience: float,
        synced: bool = True,
    ) -> Sequence[QueuedJob[T]] | None:
        """Run jobs in one transaction; return each with its result or error once it is on disk.

        A job that raises is undone without the others. On PostgreSQL each job has a transaction of
        its own. The main thread may call this only if no signal raises an exception there.

        Return None if no job was run because other transactions took too long.

        :param patience: on SQLite, the seconds after which the jobs are given up if they have not
            begun; at once if earlier jobs are waiting.
        :param synced: as for :meth:`write`, for all jobs.
        """
        return self._open().write_together(jobs, patience, synced=synced)

    def write_at_once(self, texts: Sequence[str], **params: Any) -> tuple[Any, ...] | None:
        """Run SQL on PostgreSQL in a transaction of its own, in one round trip with the commit.

        Each text sees what others have committed before the previous text ended. The texts name
        parameters as ``%(name)s``; ``at`` is the time, and ``lock_timeout`` a value for the setting
        of this name: 100 ms, or less if many transactions are sent together. If the connection is
        lost after the commit, the texts may run again, and must change nothing the second time.
        Return the first row of the last text, or None. The result is also None if nothing was
        written, because another transaction has just added a row that the texts add, or keeps a row
        locked for longer than ``lock_timeout``, or because libpq is older than 14 and cannot send
        the texts together.

        :param params: truth values, integers, texts and None.
        :raises ValueError: for a text with a NUL character.
        :raises famulus.UnavailableError: when the database cannot be written now.
        """
        return self._postgresql().write_at_once(AtOnce(texts, params))

    def write_all_at_once(
        self, transactions: Sequence[tuple[Sequence[str], Mapping[str, Any]]]
    ) -> Sequence[tuple[Any, ...] | None]:
        """Run transactions like :meth:`write_at_once`, all of them in one round trip.

        Each is given as its texts and parameters, and runs after the transactions before it. All
        are on the disk when the call returns, but other processes may see a transaction before it
        is on the disk. A committed transaction may also run again if the server has forgotten the
        prepared statements of another. The result is also None for a transaction that fails;
        running it alone raises its error.

        :raises famulus.UnavailableError: when the database cannot be written now.
        """
        return self._postgresql().write_all_at_once([AtOnce(*each) for each in transactions])

    def _postgresql(self) -> PostgresqlBackend:
        backend = self._open()
        assert isinstance(backend, PostgresqlBackend)
        return backend

    def read(self) -> AbstractContextManager[Transaction]:
        """Open a read-only transaction on a consistent snapshot of the database."""
        return self._open().read()

    def prepare(self, schemas: Sequence[PluginSchema] = ()) -> None:
        """Create or upgrade the tables of plugins; a backup is made before an upgrade.

        :raises famulus.errors.NewerDatabaseError: when the tables are newer than the program.
        """
        for schema in schemas:
            upgrade(self._open(), self.location, schema)

    def compact(self) -> None:
        """Rewrite the SQLite file without deleted and replaced data.

        Other writers have to wait. PostgreSQL removes such data by itself (autovacuum), and
        overwrites it in its own time.

        :raises famulus.UnavailableError: when the database cannot be written now, or its disk has
            no room for a copy.
        """
        self._open().compact()

    def close(self) -> None:
        """Close all connections. May be called twice; the database cannot be used afterwards."""
        with self._opening:
            backend, self._backend, self._closed = self._backend, None, True
        if backend is not None:
            backend.close()

    def _open(self) -> SqliteBackend | PostgresqlBackend:
        backend = self._backend
        if backend is not None:
            return backend
        with self._opening:
            if self._closed:
                raise DatabaseError(f"the database {self.location.shown} is closed")
            if self._backend is None:
                opened = self._connect()
                try:
                    upgrade(opened, self.location, CORE)
                except BaseException:
                    opened.close()
                    raise
                self._backend = opened
            return self._backend

    def _connect(self) -> SqliteBackend | PostgresqlBackend:
        path = self.location.path
        if path is None:
            return PostgresqlBackend(self.location.postgres.params, self.clock)
        try:
            make_folder(path.parent)
        except OSError as error:
            raise DatabaseError(f"cannot create the folder of {path}: {error}") from error
        return SqliteBackend(path, self.clock)
