"""Opening a run to workers, for the first time or again."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from functools import partial

from famulus.errors import RunBusyError
from famulus.model.database import Database
from famulus.model.states import RunStatus
from famulus.model.tables import TaskRun
from famulus.model.transaction import Transaction
from famulus.operate import lease
from famulus.work.changes import change_run
from famulus.work.expiry import extend_deadlines
from famulus.work.runs import RunRecord, find_run


def open_run(tx: Transaction, record: RunRecord) -> None:
    """Open a run that has just been launched."""
    tx.execute(TaskRun.update(opened_at=tx.now).where(TaskRun.id == record.id))
    change_run(tx, run=record.id, old=record.status, new=RunStatus.RUNNING, cause="launch")


def reopen_run(tx: Transaction, record: RunRecord) -> None:
    """Open a run again, whatever its last operator has left it as, and give those at work back the
    time during which nobody served them."""
    tx.execute(TaskRun.update(opened_at=tx.now, ended_at=None).where(TaskRun.id == record.id))
    since = record.ended_at or _last_sign(record)
    if since is not None:
        extend_deadlines(tx, record.id, tx.now - since)
    if record.status is not RunStatus.RUNNING:
        change_run(tx, run=record.id, old=record.status, new=RunStatus.RUNNING, cause="resume")


def take_lease(database: Database, record: RunRecord, holder: str) -> RunRecord:
    """Take the lease of a run; wait for one that its holder no longer renews to run out.

    Returns the run as it was left, before anything of it changes.

    :raises famulus.errors.RunBusyError: when another operator is alive and keeps it.
    """
    waiting = threading.Event()
    while True:
        try:
            database.write(partial(lease.take, record=record, holder=holder))
        except RunBusyError:
            seen = record.lease_until
            left = (seen - database.clock()).total_seconds() if seen else 0.0
            waiting.wait(min(max(left, 0.0) + 0.05, lease.LEASE_SECONDS))
            again = find_run(database, record.id)
            if again.lease_until != seen and again.lease_holder == record.lease_holder:
                raise
            record = again
        else:
            return record


def _last_sign(record: RunRecord) -> datetime | None:
    if record.lease_until is None:
        return record.opened_at
    return record.lease_until - timedelta(seconds=lease.LEASE_SECONDS)
