"""The ends a run can come to: stopped, which can be resumed, and finished, which is final."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from famulus.engine.deadlines import end_open_agents, expire_units
from famulus.engine.platform.outbox import release_claims
from famulus.engine.platform.places import close_all, may_be_open
from famulus.engine.runs import lock_run, read_run
from famulus.engine.status import change_run
from famulus.errors import ConflictError
from famulus.model.database import Database
from famulus.model.states import LIVE_RUNS, OPEN_RUNS, RunStatus
from famulus.model.tables import TaskRun
from famulus.model.transaction import Transaction
from famulus.operate import lease

#: Causes of an end that nobody has asked for, as events have them.
NO_SUBMISSION = "no submission"
LIFETIME_OVER = "lifetime over"
BUDGET_SPENT = "budget"


def begin_stop(tx: Transaction, run: int, cause: str) -> bool:
    """Let nobody new in; return whether the run was open until now."""
    record = lock_run(tx, run)
    if record.status not in OPEN_RUNS:
        return False
    close_all(tx, run)
    return change_run(tx, run=run, old=record.status, new=RunStatus.STOPPING, cause=cause)


def end_stop(
    tx: Transaction, run: int, cause: str, *, served_until: datetime | None = None
) -> bool:
    """Stop a run that nobody serves any more; return whether it was going on until now.

    :param served_until: when it was served last; now, when that is not known.
    """
    begin_stop(tx, run, cause)
    record = read_run(tx, run)
    if record.status is not RunStatus.STOPPING:
        return False
    stamp = TaskRun.update(ended_at=served_until or tx.now).where(TaskRun.id == run)
    tx.execute(stamp)
    return change_run(tx, run=run, old=RunStatus.STOPPING, new=RunStatus.STOPPED, cause=cause)


def order_stop(tx: Transaction, run: int, *, now: bool) -> bool:
    """Stop a run as somebody asks for; return whether it is stopped already, because nobody
    operates it or is waited for.

    :param now: do not wait for those at work.
    :raises famulus.ConflictError: when the run is not going on.
    """
    record = lock_run(tx, run)
    if record.status not in LIVE_RUNS:
        raise ConflictError(f"run {run} is {record.status.value} already")
    if not lease.is_held(tx, record):
        return end_stop(tx, run, "stopped", served_until=lease.last_sign(record))
    if now:
        return end_stop(tx, run, "stopped")
    begin_stop(tx, run, "stopped")
    return False


def finish_run(database: Database, run: int, cause: str) -> bool:
    """End a run for good and expire what is open; return whether it was not over until now."""
    finished = database.write(lambda tx: begin_finish(tx, run, cause))
    expire_rest(database, run)
    return finished


def begin_finish(tx: Transaction, run: int, cause: str) -> bool:
    """Mark a run finished; :func:`expire_rest` does the rest. Return whether it was not over until
    now.
    """
    record = lock_run(tx, run)
    if record.status in (RunStatus.FINISHED, RunStatus.FAILED):
        return False
    if record.status is RunStatus.LAUNCHING:
        change_run(tx, run=run, old=record.status, new=RunStatus.STOPPING, cause=cause)
        record = read_run(tx, run)
    tx.execute(TaskRun.update(ended_at=tx.now).where(TaskRun.id == run))
    close_all(tx, run)
    return change_run(tx, run=run, old=record.status, new=RunStatus.FINISHED, cause=cause)


def expire_rest(database: Database, run: int) -> None:
    """End the attempts and expire the units of a run that is finished. A finish that was cut off
    is completed by calling it again.
    """
    for step in (end_open_agents, expire_units):
        while database.write(partial(step, run=run)):
            """Each step is short, so that other runs' submissions come in between."""


def tidy_up(database: Database, run: int, open_there: int | None = None) -> bool:
    """Do what an operator that was killed has left undone in a run that nobody operates: have its
    places closed, and complete its finish. Return whether there were places to close.

    :param open_there: how many places the platform says can still be taken, if it says so.
    """

    def close(tx: Transaction) -> tuple[bool, RunStatus]:
        record = lock_run(tx, run)
        if lease.is_held(tx, record):
            return False, record.status
        release_claims(tx, run, of=record.lease_process)
        is_open = bool(open_there) or may_be_open(tx, run)
        if is_open:
            close_all(tx, run)
        return is_open, record.status

    is_open, status = database.write(close)
    if status is RunStatus.FINISHED:
        expire_rest(database, run)
    return is_open
