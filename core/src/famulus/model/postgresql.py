"""PostgreSQL through psycopg 3: one transaction per job."""

from __future__ import annotations

import contextlib
import re
import shlex
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from famulus.clock import Clock
from famulus.errors import DatabaseError, MissingDriverError
from famulus.model.database_kind import DatabaseKind
from famulus.model.fields import to_micros
from famulus.model.group_commit import QueuedJob
from famulus.model.outages import DatabaseUnavailableError, Outage
from famulus.model.pool import Pool
from famulus.model.postgresql_pipeline import AtOnce, FirstRow, run_together
from famulus.model.transaction import Transaction, dialect_of

T = TypeVar("T")

#: How often a job is run when PostgreSQL cancels it in favour of another transaction.
_TRIES = 8

#: Classes of SQLSTATE that are temporary: connection lost, resources (disk full, too many
#: connections), operator intervention (shutting down), system errors (I/O).
_UNAVAILABLE_CLASSES = ("08", "53", "57", "58")
#: The server has become a standby or is read-only; a lock was not granted; a deadlock or a failed
#: serialization after all tries; the session was idle for too long.
_UNAVAILABLE_STATES = frozenset({"25006", "55P03", "40001", "40P01", "25P03", "25P04"})
#: Messages of a server that refuses all connections for now; such an error has no SQLSTATE.
_REFUSES_EVERYBODY = re.compile(
    "starting up|shutting down|recovery|not (yet )?accepting|too many|slots|No space left"
)
#: Seconds to wait for another thread that is trying to connect in an outage.
_TURN_SECONDS = 0.5
#: Of transactions that follow each other on one connection only the last waits for the disk: it has
#: to write something, and what was written before it is on the disk too then.
_UNSYNCED = "SELECT set_config('synchronous_commit', 'off', TRUE)"
_SYNC = "SELECT pg_logical_emit_message(TRUE, 'famulus', '')::text"
#: A transaction that writes touches a few rows, but PostgreSQL plans it by the statistics of the
#: last ANALYZE: if a table was empty then, an arrival would read all units that were loaded since.
#: Read-only transactions may scan tables. Compiling plans takes longer than running any of them,
#: and PostgreSQL compiles each that has to scan a table against the setting.
_BY_INDEX = "SET enable_seqscan = off; SET jit = off"
_READ = """SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL enable_seqscan = on"""
#: Milliseconds that one transaction of a round trip waits for locks at least and at most, and that
#: all of them should wait together: those behind wait for each of them.
_LEAST_LOCK_WAIT, _MOST_LOCK_WAIT, _LOCK_WAIT = 10, 100, 500
#: Seconds (milliseconds in the last) to wait for a connection, and for a host that went silent.
_PATIENCE = MappingProxyType(
    {
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
)


def connect(params: Mapping[str, str]) -> Any:
    """Open a connection with the settings of all Famulus connections.

    :param params: libpq's parameters, which take precedence.
    :raises psycopg.Error: when the server refuses or cannot be reached, or an option is unknown.
    """
    import psycopg

    settings: dict[str, Any] = {**_PATIENCE, **params}
    connection = psycopg.connect(autocommit=True, **settings)
    try:
        connection.execute(_BY_INDEX)
    except BaseException:
        connection.close()
        raise
    return connection


def _lock_timeout(transactions: Sequence[AtOnce]) -> str:
    share = _LOCK_WAIT // max(1, len(transactions))
    return f"{max(_LEAST_LOCK_WAIT, min(_MOST_LOCK_WAIT, share))}ms"


class PostgresqlBackend:
    """One PostgreSQL database, addressed by libpq's parameters."""

    kind = DatabaseKind.POSTGRESQL

    def __init__(self, params: Mapping[str, str], clock: Clock) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise MissingDriverError(
                'PostgreSQL needs a driver: pip install "famulus[postgres]"'
            ) from error
        self._psycopg = psycopg
        self._params = params
        self.dialect = dialect_of(DatabaseKind.POSTGRESQL)
        self._clock = clock
        self._writing = threading.local()
        self._outage = Outage("the database")
        self._trying = threading.Lock()
        self._was_reached = False
        self._pool = Pool(self._connect, lambda connection: connection.close())
        #: the names of what is prepared in each connection
        self._prepared: WeakKeyDictionary[Any, set[bytes]] = WeakKeyDictionary()
        with self._pool.borrow():
            pass  # fails now, with a readable error, rather than at the first query
        self._was_reached = True

    def write(self, job: Callable[[Transaction], T], *, synced: bool = True) -> T:
        """Run a job in a transaction; return its result once it is committed and synced.

        The job is run again when PostgreSQL cancels it in favour of another transaction.

        :raises RuntimeError: when called from within a job, which could wait for itself.
        """
        self._refuse_nested()
        self._writing.now = True
        try:
            return self._write(job)
        finally:
            self._writing.now = False

    def write_unsynced(self, job: Callable[[Transaction], T]) -> T:
        """Run a job in a transaction whose commit does not wait for the server's disk."""

        def act(tx: Transaction) -> T:
            tx.sql("SET LOCAL synchronous_commit = off")
            return job(tx)

        return self.write(act)

    def data_version(self) -> object:
        """Return a value that differs after each commit on the server."""
        with self._reading(), self._pool.borrow() as connection:
            try:
                query = "SELECT CAST(pg_current_snapshot() AS text)"
                return connection.execute(query).fetchone()[0]
            except self._psycopg.OperationalError:
                if not connection.closed:
                    raise
                # The server was restarted; the next transaction connects again.
                return object()

    def write_together(
        self, jobs: Sequence[Callable[[Transaction], T]], _patience: float, *, synced: bool = True
    ) -> Sequence[QueuedJob[T]]:
        """Run each job in a transaction of its own; return each with its result or error.

        In shared transactions, jobs of two processes would lock workers in opposite orders.
        """
        self._refuse_nested()
        done = [QueuedJob(job) for job in jobs]
        for each in done:
            try:
                each.result = self.write(each.job)
            except Exception as error:  # noqa: BLE001 - handed to the caller, with the other results
                each.error = error
        return done

    def _refuse_nested(self) -> None:
        if getattr(self._writing, "now", False):
            raise RuntimeError("a nested write: use the transaction that was passed to the job")

    def write_at_once(self, statements: AtOnce) -> FirstRow:
        """Run statements in one transaction and round trip; return the first row of the last one.

        Return None if there is no row, if another transaction has just added a row that they add or
        keeps one locked for longer than ``lock_timeout``, or if libpq is older than 14, which has
        no pipelines.
        """
        self._refuse_nested()
        if not self._psycopg.Pipeline.is_supported():
            return None

        def act() -> FirstRow:
            (outcome,) = self._run_at_once([statements])
            if isinstance(outcome, (errors.UniqueViolation, errors.LockNotAvailable)):
                return None
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        errors = self._psycopg.errors
        return self._tried(act)

    def write_all_at_once(self, transactions: Sequence[AtOnce]) -> Sequence[FirstRow]:
        """Run transactions in one round trip, with one sync to the disk after all of them.

        A result is None if :meth:`write_at_once` returns None, and for a transaction that fails.
        """
        self._refuse_nested()
        if not self._psycopg.Pipeline.is_supported():
            return [None] * len(transactions)
        if len(transactions) > 1:
            unsynced = [AtOnce([_UNSYNCED, *texts], params) for texts, params in transactions]
            transactions = [*unsynced, AtOnce([_SYNC], {})]

        def act() -> Sequence[FirstRow | Exception]:
            found = self._run_at_once(transactions)
            if len(found) > 1:
                *found, synced = found
                if isinstance(synced, Exception):
                    raise synced
            return found

        return [None if isinstance(each, Exception) else each for each in self._tried(act)]

    def _run_at_once(self, transactions: Sequence[AtOnce]) -> Sequence[FirstRow | Exception]:
        """Run transactions; return their outcomes. Connect again after a restart."""

        def run(connection: Any) -> Sequence[FirstRow | Exception]:
            # A connection may have taken long.
            more = {"at": to_micros(self._clock()), "lock_timeout": _lock_timeout(transactions)}
            timed = [AtOnce(texts, {**params, **more}) for texts, params in transactions]
            known = self._prepared.setdefault(connection, set())
            return run_together(connection, known, timed)

        with self._pool.borrow() as connection:
            try:
                return run(connection)
            except self._psycopg.OperationalError:
                if not connection.closed:
                    raise
        # The server was restarted, which has closed all earlier connections.
        self._pool.discard_free()
        with self._pool.borrow() as connection:
            return run(connection)

    def _write(self, job: Callable[[Transaction], T]) -> T:
        def act() -> T:
            with self._transaction() as connection:
                transaction = Transaction(connection, self.dialect, self._clock())
                result = job(transaction)
                transaction.finish()
            return result

        return self._tried(act)

    def _tried(self, act: Callable[[], T]) -> T:
        """Run a transaction; run it again if PostgreSQL cancels it in favour of another one.

        It is also run again if the server has forgotten its prepared statements.
        """
        errors = self._psycopg.errors
        transient = (
            errors.DeadlockDetected,
            errors.SerializationFailure,
            errors.InvalidSqlStatementName,
        )
        for left in reversed(range(_TRIES)):
            try:
                result = act()
            except transient as error:
                if not left:
                    raise self._unavailable(error, writing=True) from error
            except errors.InsufficientPrivilege as error:
                raise self._denied(error) from error
            except self._psycopg.Error as error:
                if not _is_unavailable(error):
                    raise
                raise self._unavailable(error, writing=True) from error
            else:
                self._outage.passed(writing=True)
                return result
        raise AssertionError("the last try returns or raises")

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a read-only transaction on a consistent snapshot."""
        with self._reading(), self._transaction() as connection:
            connection.execute(_READ)
            yield Transaction(_ReadConnection(connection), self.dialect, self._clock())
        self._outage.passed()

    def compact(self) -> None:
        """Do nothing: autovacuum does this."""

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except self._psycopg.errors.InsufficientPrivilege as error:
            raise self._denied(error) from error
        except self._psycopg.Error as error:
            if not _is_unavailable(error):
                raise
            raise self._unavailable(error, writing=False) from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Any]:
        with contextlib.ExitStack() as opened:
            connection = opened.enter_context(self._pool.borrow())
            try:
                opened.enter_context(connection.transaction())
            except self._psycopg.OperationalError:
                if not connection.closed:
                    raise
                # The server was restarted, which has closed all earlier connections.
                opened.close()
                self._pool.discard_free()
                connection = opened.enter_context(self._pool.borrow())
                opened.enter_context(connection.transaction())
            yield connection

    def _connect(self) -> Any:
        """Connect; in an outage one thread at a time, since a silent host makes each wait."""
        if not self._outage.is_on:
            return self._connected()
        if not self._trying.acquire(timeout=_TURN_SECONDS):
            raise DatabaseUnavailableError(
                "another thread is connecting to the PostgreSQL database"
            )
        try:
            return self._connected()
        finally:
            self._trying.release()

    def _connected(self) -> Any:
        try:
            return connect(self._params)
        except self._psycopg.ProgrammingError as error:
            # libpq does not know an option; its name may be a part of a misspelt password.
            name = re.search(r'option "(\w+)"', str(error))
            is_safe = name and not any("@" in value for value in self._params.values())
            raise DatabaseError(
                "the address of the PostgreSQL database has an option that libpq does not know"
                + (f": {name[1]}" if name and is_safe else "")
            ) from None
        except self._psycopg.Error as error:
            text = str(error).strip().splitlines()[0]
            message = f"cannot open the PostgreSQL database: {text}"
            is_wrong = "FATAL" in text and not _REFUSES_EVERYBODY.search(text)
            if is_wrong and not self._was_reached:
                missing = re.search('database "(.+)" does not exist', text)
                remedy = f"; create it: createdb {shlex.quote(missing[1])}" if missing else ""
                raise DatabaseError(f"{message}{remedy}") from error
            if self._was_reached:
                self._outage.failed(text)
            elif "FATAL" not in text:
                message += "; start the server, or correct the address"
            raise DatabaseUnavailableError(message) from error

    def _denied(self, error: Any) -> DatabaseError:
        """Return the error for a user who lacks a privilege, with the SQL that grants it."""
        with self._pool.borrow() as connection:
            schema, user = connection.execute(
                "SELECT quote_ident(coalesce(current_schema(), 'public')), "
                "quote_ident(current_user)"
            ).fetchone()
        return DatabaseError(
            f"the PostgreSQL user {user} lacks a privilege: {error.diag.message_primary}; as the "
            "owner of the database or of its tables, run: "
            f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {user}; "
            f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {user}; "
            f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO {user}"
        )

    def _unavailable(self, error: Exception, *, writing: bool) -> DatabaseUnavailableError:
        self._outage.failed(error, writing=writing)
        return DatabaseUnavailableError(f"the database cannot be used now: {error}")


class _ReadConnection:
    """The connection of a read-only transaction, with prepared statements of its own.

    PostgreSQL keeps the plan of a prepared statement when ``enable_seqscan`` is changed, so a
    transaction that writes would scan tables by the plans of read-only ones. psycopg prepares each
    text by itself: a space at the end makes it another one.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, text: str, values: Sequence[Any] = ()) -> Any:
        return self._connection.execute(f"{text} ", values)


def _is_unavailable(error: Any) -> bool:
    """Return whether an error is temporary, unlike an error of the program."""
    state = error.sqlstate
    if state is None:
        return type(error).__name__ == "OperationalError"
    return state.startswith(_UNAVAILABLE_CLASSES) or state in _UNAVAILABLE_STATES
