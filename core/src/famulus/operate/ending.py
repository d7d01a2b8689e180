"""The ends a run can come to: stopped, which can be resumed, and finished, which is final."""

from __future__ import annotations

from datetime import datetime

from famulus.model.database import Database
from famulus.model.states import OPEN_RUNS, RunStatus
from famulus.model.tables import TaskRun
from famulus.model.transaction import Transaction
from famulus.work.changes import change_run
from famulus.work.expiry import end_open_agents, expire_units
from famulus.work.platform.places import close_all
from famulus.work.runs import read_run

#: Causes of an end that nobody has asked for, as events have them.
NO_SUBMISSION = "no submission"
LIFETIME_OVER = "lifetime over"
BUDGET_SPENT = "budget"


def begin_stop(tx: Transaction, run: int, cause: str) -> bool:
    """Let nobody new in; say whether that was still to be done."""
    record = read_run(tx, run)
    if record.status not in OPEN_RUNS:
        return False
    close_all(tx, run, f"close-{tx.now.isoformat()}")
    return change_run(tx, run=run, old=record.status, new=RunStatus.STOPPING, cause=cause)


def end_stop(
    tx: Transaction, run: int, cause: str, *, served_until: datetime | None = None
) -> bool:
    """Stop a run that nobody serves any more; say whether that was still to be done.

    :param served_until: when it was served last; now, when that is not known.
    """
    begin_stop(tx, run, cause)
    record = read_run(tx, run)
    if record.status is not RunStatus.STOPPING:
        return False
    stamp = TaskRun.update(ended_at=served_until or tx.now).where(TaskRun.id == run)
    tx.execute(stamp)
    return change_run(
        tx, run=run, old=RunStatus.STOPPING, new=RunStatus.STOPPED, cause=cause
    )


def finish_run(database: Database, run: int, cause: str) -> bool:
    """End a run for good and expire what is open; say whether that was still to be done."""

    def close(tx: Transaction) -> bool:
        record = read_run(tx, run)
        if record.status in (RunStatus.FINISHED, RunStatus.FAILED):
            return False
        if record.status is RunStatus.LAUNCHING:
            change_run(tx, run=run, old=record.status, new=RunStatus.STOPPING, cause=cause)
            record = read_run(tx, run)
        tx.execute(TaskRun.update(ended_at=tx.now).where(TaskRun.id == run))
        close_all(tx, run, "finish")
        return change_run(
            tx, run=run, old=record.status, new=RunStatus.FINISHED, cause=cause
        )

    closed = database.write(close)
    while database.write(lambda tx: end_open_agents(tx, run)):
        """Each step is short, so that other runs' submissions come in between."""
    while database.write(lambda tx: expire_units(tx, run)):
        """As above; a finish that was cut off is finished by the next one."""
    return closed
