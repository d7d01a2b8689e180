"""Loading a run's data into the database, in small batches that let workers' requests pass."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import peewee
from attrs import define, frozen

from famulus.engine.event_numbers import newest_event
from famulus.engine.status import NewEvent, record
from famulus.engine.units import next_positions
from famulus.engine.window import release_waiting
from famulus.errors import ConflictError, UnavailableError, UsageError
from famulus.model.database import Database
from famulus.model.database_kind import DatabaseKind
from famulus.model.fields import dump_json
from famulus.model.outages import DatabaseUnavailableError
from famulus.model.statements import Param, Statement, for_update
from famulus.model.states import ENDED_RUNS, LoadingStatus, RunStatus, UnitStatus
from famulus.model.tables import AssignmentTable, EventTable, TaskRunTable, UnitTable
from famulus.model.transaction import Transaction
from famulus.operate.prefetch import Prefetcher

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: Units of one batch: a submission waits for one batch at most.
_BATCH_UNITS = 500
#: The most while workers do nothing, and for how many batches they must have changed nothing.
_MOST_UNITS = 2_000
_QUIET_BATCHES = 200
#: Seconds that a batch may take without the next one being smaller.
_LONG_BATCH_SECONDS = 0.05
#: Seconds between batches at the least, and as a part of the time a batch took beside workers.
_SHORTEST_PAUSE = 0.001
_PAUSE_SHARE = 0.25
#: The cause of the events of loading.
_CAUSE = "launch"
#: Seconds to wait while the database is unavailable.
_AWAY_SECONDS = 1.0

_ASSIGNMENT = Statement(
    AssignmentTable.insert(
        {
            AssignmentTable.id: Param("id"),
            AssignmentTable.run: Param("run"),
            AssignmentTable.number: Param("number"),
            AssignmentTable.data: Param("data"),
        }
    )
)
_UNIT = Statement(
    UnitTable.insert(
        {
            UnitTable.run: Param("run"),
            UnitTable.assignment: Param("assignment"),
            UnitTable.lane: Param("lane"),
            UnitTable.replacement: peewee.SQL("0"),
            UnitTable.position: Param("position"),
            UnitTable.status: Param("status"),
        }
    )
)


class _Stored(NamedTuple):
    """How much of a run's data is stored."""

    rows_loaded: int
    max_num_concurrent_units: int
    max_spend: int
    status: RunStatus
    lease_holder: str


_STORED = Statement(
    lambda kind: for_update(
        TaskRunTable.select(
            TaskRunTable.rows_loaded,
            TaskRunTable.max_num_concurrent_units,
            TaskRunTable.max_spend,
            TaskRunTable.status,
            TaskRunTable.lease_holder,
        ).where(TaskRunTable.id == Param("run")),
        kind,
    ),
    _Stored,
)
#: Whether others than those who load have changed anything since an event.
_CHANGED_BY_OTHERS = Statement(
    EventTable.select(EventTable.id)
    .where(EventTable.id > Param("after"), EventTable.cause != peewee.SQL(f"'{_CAUSE}'"))
    .limit(1)
)
_LOADED = Statement(
    TaskRunTable.update(
        {
            TaskRunTable.rows_loaded: Param("rows"),
            TaskRunTable.source_hash: Param("hash"),
        }
    ).where(TaskRunTable.id == Param("run"))
)


@frozen(kw_only=True)
class Source:
    """The source of a run's rows, and how many of them are stored."""

    run: int
    rows: Callable[[], Iterator[Mapping[str, Any]]]
    lanes: int
    #: the rows as earlier versions of the blueprint stored them
    earlier: Callable[[], Sequence[Iterator[Mapping[str, Any]]]] = tuple
    stored: int = 0
    stored_hash: str = ""
    #: the operator that loads; None if no other operator can load
    holder: str | None = None


class SourceChangedError(UsageError):
    """The data are not those that the run was launched with."""


class RunOverError(ConflictError):
    """The run was ended while its data were being loaded."""


@define
class _Pace:
    """How much is stored at once, and the pause after it: less beside workers than without."""

    #: the most units of the next batch; the first one is waited for
    units: int = _BATCH_UNITS
    #: seconds until the next batch
    pause: float = _SHORTEST_PAUSE
    #: the newest event at the last batch; None before the first
    _seen: int | None = None
    #: batches since workers, or others, have last changed something
    _quiet: int = _QUIET_BATCHES

    def look(self, tx: Transaction) -> None:
        """Look for what others have changed since the last look."""
        newest = newest_event(tx)
        is_changed = self._seen is not None and newest > self._seen
        if is_changed and tx.one(_CHANGED_BY_OTHERS, after=self._seen) is not None:
            self._quiet = 0
        self._seen = newest

    def stored(self, seconds: float) -> None:
        """Take account of a batch that took some seconds."""
        self._quiet += 1
        if self._quiet <= _QUIET_BATCHES:
            self.units = _BATCH_UNITS
            self.pause = max(seconds * _PAUSE_SHARE, _SHORTEST_PAUSE)
            return
        self.pause = _SHORTEST_PAUSE
        if seconds > _LONG_BATCH_SECONDS:
            self.units = max(self.units // 2, _BATCH_UNITS)
        else:
            self.units = min(self.units * 2, _MOST_UNITS)


class Loader:
    """Load one source, batch by batch. The caller waits for the first batch.

    A thread prefetches rows, so that finished rows are stored even while the next one takes long to
    make.
    """

    def __init__(self, database: Database, source: Source) -> None:
        self._database = database
        self._source = source
        self._hash = hashlib.sha256()
        self._next = source.stored
        self._ahead: Prefetcher[str] | None = None
        #: taken from the source and not yet stored
        self._batch: Sequence[str] = ()
        self._pace = _Pace()

    def load_batch(self, stopping: threading.Event | None = None) -> bool:
        """Store the next batch; return whether there was one.

        :raises SourceChangedError: when the source does not begin with the stored rows.
        :raises famulus.UnavailableError: when the batch cannot be stored now; the next call tries
            again.
        """
        if self._ahead is None:
            enough, most = self._rows_of(_BATCH_UNITS), self._rows_of(_MOST_UNITS)
            self._ahead = Prefetcher(self._remaining(), enough, most)
        if not self._batch:
            self._batch = self._ahead.take(self._rows_of(self._pace.units), stopping)
            self._add_to_hash(self._batch)
        if not self._batch:
            return False
        self._store(self._batch)
        self._batch = ()
        return True

    def load_rest(self, stopping: threading.Event) -> None:
        """Store the remaining rows, giving way to workers, until ``stopping`` is set."""
        more = True
        while more and not stopping.is_set():
            more = self._when_possible(lambda: self.load_batch(stopping), stopping) is not False
            stopping.wait(self._pace.pause)
        if not stopping.is_set():
            self._when_possible(lambda: self._end(LoadingStatus.COMPLETE), stopping)

    def fail(self, reason: str, stopping: threading.Event) -> None:
        """Record that no more rows will come, and why; stored rows stay."""
        self._when_possible(lambda: self._end(LoadingStatus.FAILED, reason), stopping)

    def close(self) -> None:
        """Read no more rows."""
        if self._ahead is not None:
            self._ahead.close()

    @property
    def rows(self) -> int:
        """Rows stored so far."""
        return self._next

    def _when_possible(self, step: Callable[[], T], stopping: threading.Event) -> T | None:
        """Run a step; repeat it while the database is unavailable."""
        while not stopping.is_set():
            try:
                return step()
            except UnavailableError as error:
                if not isinstance(error, DatabaseUnavailableError):
                    _log.warning("run %d: loading waits: %s", self._source.run, error)
                stopping.wait(_AWAY_SECONDS)
        return None

    def _rows_of(self, units: int) -> int:
        return max(units // self._source.lanes, 1)

    def _remaining(self) -> Iterator[str]:
        texts = map(_text, self._source.rows())
        return self._after_stored(texts) if self._source.stored else texts

    def _after_stored(self, texts: Iterator[str]) -> Iterator[str]:
        """Yield the texts of the rows after the stored ones, in the format of the stored ones."""
        skipped = self._skip_stored(texts)
        if skipped is not None:
            earlier = (map(_text, rows) for rows in self._source.earlier())
            found = next((each for each in earlier if self._skip_stored(each) is None), None)
            if found is None:
                raise self._changed(skipped)
            texts = found
        yield from texts

    def _skip_stored(self, texts: Iterator[str]) -> int | None:
        """Skip the stored rows; return None if all are the same, else how many were compared."""
        digest, skipped = hashlib.sha256(), 0
        for text in islice(texts, self._source.stored):
            digest.update(f"{text}\n".encode())
            skipped += 1
        if digest.hexdigest() != self._source.stored_hash:
            return skipped
        self._hash = digest
        return None

    def _changed(self, rows: int) -> SourceChangedError:
        run, stored = self._source.run, self._source.stored
        if rows < stored:
            return SourceChangedError(
                f"run {run} has stored {stored} rows, and its data now have only {rows}; "
                "restore the data it was launched with"
            )
        return SourceChangedError(
            f"the first {stored} rows are not those that run {run} was launched with; "
            "restore the data, or launch a new run"
        )

    def _add_to_hash(self, texts: Sequence[str]) -> None:
        self._hash.update("".join(f"{text}\n" for text in texts).encode())

    def _store(self, batch: Sequence[str]) -> None:
        source, first, digest = self._source, self._next, self._hash.hexdigest()
        started = time.monotonic()

        def store(tx: Transaction) -> None:
            self._pace.look(tx)
            _store_batch(tx, source, first, batch, digest)

        self._database.write(store)
        self._pace.stored(time.monotonic() - started)
        self._next += len(batch)

    def _end(self, status: LoadingStatus, reason: str = "") -> None:
        query = TaskRunTable.update(loading=status, loading_error=reason).where(
            TaskRunTable.id == self._source.run
        )
        if self._source.holder is not None:
            query = query.where(TaskRunTable.lease_holder == self._source.holder)
        self._database.write(lambda tx: tx.execute(query))


def _text(row: Mapping[str, Any]) -> str:
    return dump_json(dict(row))


def _store_batch(
    tx: Transaction, source: Source, first: int, batch: Sequence[str], digest: str
) -> None:
    run, lanes = source.run, source.lanes
    stored = tx.one(_STORED, run=run)
    # Such a run has expired its units once: units that are added later would never expire.
    if stored is None or stored.status in ENDED_RUNS:
        raise RunOverError(f"run {run} is over")
    if stored.rows_loaded == first + len(batch):
        # The commit's acknowledgement got lost, and this is the second attempt.
        return
    if stored.rows_loaded != first or source.holder not in (None, stored.lease_holder):
        raise ConflictError(f"run {run} is being loaded by another operator")
    is_limited = bool(stored.max_num_concurrent_units or stored.max_spend)
    status = UnitStatus.CREATED if is_limited else UnitStatus.LAUNCHED
    position = next_positions(tx, run, len(batch) * lanes)
    numbers = _assignment_numbers(tx, len(batch))
    tx.insert_rows(
        _ASSIGNMENT,
        [(numbers[n], run, first + n, text) for n, text in enumerate(batch)],
    )
    tx.insert_rows(
        _UNIT,
        [
            (run, numbers[n], lane, position + n * lanes + lane, status.value)
            for n in range(len(batch))
            for lane in range(lanes)
        ],
    )
    tx.run(_LOADED, run=run, rows=first + len(batch), hash=digest)
    _record_batch(tx, run, None, UnitStatus.CREATED, len(batch) * lanes)
    if is_limited:
        release_waiting(tx, run, cause=_CAUSE)
    else:
        _record_batch(tx, run, UnitStatus.CREATED, UnitStatus.LAUNCHED, len(batch) * lanes)


def _record_batch(
    tx: Transaction, run: int, old: UnitStatus | None, new: UnitStatus, count: int
) -> None:
    record(
        tx,
        NewEvent(
            run=run,
            subject="unit",
            subject_id=None,
            old=None if old is None else old.value,
            new=new.value,
            cause=_CAUSE,
            count=count,
        ),
    )


def _assignment_numbers(tx: Transaction, count: int) -> Sequence[int]:
    if tx.kind is DatabaseKind.SQLITE:
        row = tx.sql("SELECT COALESCE(MAX(id), 0) FROM assignment").fetchone()
        return range(row[0] + 1, row[0] + 1 + count)
    rows = tx.sql(
        "SELECT nextval(pg_get_serial_sequence('assignment', 'id')) FROM generate_series(1, %s)",
        (count,),
    ).fetchall()
    return [row[0] for row in rows]
