"""The progress of a run."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from attrs import frozen

from famulus.engine.outbox.undelivered import UndeliveredRows, read_undelivered
from famulus.engine.runs import agents_at_work, read_run, unit_counts
from famulus.errors import FamulusError
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError
from famulus.model.states import DONE_UNITS, OPEN_UNITS, LoadingStatus, RunStatus, UnitStatus
from famulus.operate.awaited_visits import is_awaiting_visits

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Progress:
    """The state of a run at one time. ``until`` is the last deadline of workers at work."""

    run_id: int
    task_name: str
    status: RunStatus
    url: str
    units: Mapping[UnitStatus, int]
    at_work: int
    until: datetime | None
    loading: LoadingStatus
    loading_error: str
    rows_loaded: int
    at: datetime
    #: visits open on the platform for which the server of the finished run stays
    awaited_visits: int = 0
    #: until when it stays for them at most; None if it does not
    awaited_until: datetime | None = None
    #: rows of it and of its requester's account that the platform has refused, or that wait
    undelivered: Sequence[UndeliveredRows] = ()

    @property
    def total(self) -> int:
        """The number of units that exist so far."""
        return sum(self.units.values())

    @property
    def done(self) -> int:
        """Units with answers."""
        return sum(self.units.get(status, 0) for status in DONE_UNITS)

    @property
    def open(self) -> int:
        """Units that are still to be done."""
        return sum(self.units.get(status, 0) for status in OPEN_UNITS)


def read_progress(database: Database, run: int) -> Progress:
    """Return the progress of a run.

    :raises famulus.NotFoundError: when no run has that number.
    """
    with database.read() as tx:
        record = read_run(tx, run)
        at_work, until = agents_at_work(tx, run)
        is_awaiting = is_awaiting_visits(tx, record)
        return Progress(
            run_id=run,
            task_name=record.task_name,
            status=record.status,
            url=record.url,
            units=unit_counts(tx, run),
            at_work=at_work,
            until=until,
            loading=record.loading,
            loading_error=record.loading_error,
            rows_loaded=record.rows_loaded,
            at=tx.now,
            awaited_visits=record.awaited_visits if is_awaiting else 0,
            awaited_until=record.awaited_until if is_awaiting else None,
            undelivered=read_undelivered(tx, run, record.requester_id),
        )


def log_progress(database: Database, runs: Iterable[int]) -> None:
    """Write one line per run into the log."""
    for run in runs:
        try:
            look = read_progress(database, run)
        except DatabaseUnavailableError:
            continue
        except FamulusError as error:
            _log.warning("run %d progress cannot be read: %s", run, error)
            continue
        _log.info(
            "run %d: %d of %d units done, %d at work", run, look.done, look.total, look.at_work
        )
