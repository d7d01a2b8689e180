"""Ending a run: by itself, by stopping (it can be resumed) or by finishing (it cannot)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from attrs import evolve, frozen

from famulus.engine.deadlines import (
    end_open_agents,
    expire_units,
    is_report_awaited,
)
from famulus.engine.outbox.outbox_rows import release_claims
from famulus.engine.places.closing import (
    ClosingLimits,
    PlacesOpenError,
    describe_open,
    read_closing,
)
from famulus.engine.places.place_changes import close_all, may_be_open
from famulus.engine.platform.bound_provider import bind_provider
from famulus.engine.run_activity import quiet_since
from famulus.engine.runs import RunRecord, agents_at_work, find_run, lock_run, read_run
from famulus.engine.status import change_run
from famulus.engine.window import is_spent, open_unit_exists
from famulus.errors import ConflictError, FamulusError
from famulus.model.database import Database
from famulus.model.states import ENDED_RUNS, LIVE_RUNS, OPEN_RUNS, LoadingStatus, RunStatus
from famulus.model.tables import TaskRunTable
from famulus.model.transaction import Transaction
from famulus.operate import lease
from famulus.operate.awaited_visits import stop_awaiting
from famulus.plugins import Plugins

_log = logging.getLogger(__name__)

#: Is called with the number of units that a step has expired.
OnStep = Callable[[int], object]

#: The cause of an end on request.
FINISHED = "finished"
#: Causes of an end by itself, as events store them.
NO_SUBMISSION = "no submission"
LIFETIME_OVER = "lifetime over"
BUDGET_SPENT = "budget"


def _ignore(_changed: int) -> None:
    pass


@frozen(kw_only=True)
class DueEnd:
    """The end of a run: finished, or only stopped."""

    is_final: bool
    cause: str


def due_end(tx: Transaction, record: RunRecord, *, awaits_reports: bool) -> DueEnd | None:
    """Return the end that a run has reached, or None while it goes on.

    :param awaits_reports: whether the platform reports when a visit was submitted.
    """
    if record.status is RunStatus.STOPPING:
        idle = not agents_at_work(tx, record.id)[0]
        if not idle:
            return None
        if record.is_finishing:
            return DueEnd(is_final=True, cause=FINISHED)
        return DueEnd(is_final=False, cause="no worker at work")
    if record.status is not RunStatus.RUNNING:
        return None
    is_awaited = awaits_reports and is_report_awaited(tx, record.id)
    if record.loading is not LoadingStatus.LOADING and not open_unit_exists(tx, record.id):
        return None if is_awaited else DueEnd(is_final=True, cause="all done")
    at_work, _ = agents_at_work(tx, record.id)
    if is_spent(tx, record.id) and not is_awaited and not at_work:
        return DueEnd(is_final=False, cause=BUDGET_SPENT)
    patience = timedelta(seconds=record.no_submission_patience)
    if tx.now - quiet_since(tx, record) >= patience:
        return DueEnd(is_final=True, cause=NO_SUBMISSION)
    if tx.now >= record.closes_at and not at_work:
        return DueEnd(is_final=True, cause=LIFETIME_OVER)
    return None


def begin_stop(tx: Transaction, run: int, cause: str) -> bool:
    """Close the run to new workers; return whether it was open before."""
    record = lock_run(tx, run)
    if record.status not in OPEN_RUNS:
        return False
    close_all(tx, run)
    return change_run(tx, run=run, old=record.status, new=RunStatus.STOPPING, cause=cause)


def end_stop(
    tx: Transaction, run: int, cause: str, *, served_until: datetime | None = None
) -> bool:
    """Stop a run that is no longer served; return whether it was going on before.

    :param served_until: when it was last served; by default, now.
    """
    begin_stop(tx, run, cause)
    record = read_run(tx, run)
    if record.status is not RunStatus.STOPPING:
        return False
    stamp = TaskRunTable.update(ended_at=served_until or tx.now, is_finishing=False)
    tx.execute(stamp.where(TaskRunTable.id == run))
    return change_run(tx, run=run, old=RunStatus.STOPPING, new=RunStatus.STOPPED, cause=cause)


def order_stop(tx: Transaction, run: int, *, now: bool) -> bool:
    """Stop a run on request; return whether it is stopped already.

    Otherwise its operator stops it once no worker is at work, even if it was ordered to finish it.
    If the run is finished and its operator waits for visits on the platform, it waits no more.

    :param now: do not wait for workers who are at work.
    :raises famulus.ConflictError: when the run is not going on.
    """
    record = lock_run(tx, run)
    if stop_awaiting(tx, record):
        return True
    if record.status not in LIVE_RUNS:
        raise ConflictError(f"run {run} is {record.status.value} already")
    if not lease.is_operated(tx, record):
        return end_stop(tx, run, "stopped", served_until=lease.last_sign(record))
    if now:
        return end_stop(tx, run, "stopped")
    begin_stop(tx, run, "stopped")
    _set_finishing(tx, run, value=False)
    return False


def order_finish(tx: Transaction, run: int) -> bool:
    """Close a run to new workers, for its operator to finish it once no worker is at work.

    Return whether it has an operator; otherwise nothing is changed.
    """
    record = lock_run(tx, run)
    if record.status not in LIVE_RUNS or not lease.is_operated(tx, record):
        return False
    begin_stop(tx, run, "finishing")
    _set_finishing(tx, run, value=True)
    return True


def _set_finishing(tx: Transaction, run: int, *, value: bool) -> None:
    tx.execute(TaskRunTable.update(is_finishing=value).where(TaskRunTable.id == run))


def finish_run(database: Database, run: int, cause: str, on_step: OnStep = _ignore) -> bool:
    """End a run for good and expire what is open; return whether this call has ended it.

    :param on_step: see :func:`expire_rest`.
    """
    finished = database.write(lambda tx: begin_finish(tx, run, cause))
    expire_rest(database, run, on_step)
    return finished


def begin_finish(tx: Transaction, run: int, cause: str) -> bool:
    """Mark a run finished; :func:`expire_rest` does the rest.

    Return whether this call has ended it.
    """
    record = lock_run(tx, run)
    if record.status in ENDED_RUNS:
        return False
    if record.status is RunStatus.LAUNCHING:
        change_run(tx, run=run, old=record.status, new=RunStatus.STOPPING, cause=cause)
        record = read_run(tx, run)
    tx.execute(TaskRunTable.update(ended_at=tx.now).where(TaskRunTable.id == run))
    close_all(tx, run, is_final=True)
    return change_run(tx, run=run, old=record.status, new=RunStatus.FINISHED, cause=cause)


def expire_rest(database: Database, run: int, on_step: OnStep = _ignore) -> None:
    """End the attempts and expire the units of a run that is finished.

    Calling this again completes a finish that was interrupted.

    :param on_step: called after each step with the number of units it has expired. Each step is
        short, so that other runs' submissions come in between.
    """
    while database.write(partial(end_open_agents, run=run)):
        on_step(0)
    while expired := database.write(partial(expire_units, run=run)):
        on_step(expired)


def clean_up(database: Database, run: int, open_there: int | None = None) -> bool:
    """Complete what a killed operator has left undone in a run that no process operates.

    Enqueue closing its places, and complete its finish. Return whether it had open places.

    :param open_there: how many places can still be taken according to the platform, if known.
    """

    def close(tx: Transaction) -> tuple[bool, RunStatus]:
        record = lock_run(tx, run)
        if lease.is_operated(tx, record):
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


def complete_end(
    database: Database, plugins: Plugins, run: int, closing_limits: ClosingLimits
) -> None:
    """Complete the end of a run that a killed process has left incomplete.

    :raises famulus.UnavailableError: when its places are still open after a bounded time.
    """
    if find_run(database, run).status is RunStatus.FINISHED:
        expire_rest(database, run)
    with database.read() as tx:
        is_closed = read_closing(tx, run) is None
    if not is_closed:
        close_run(database, plugins, run, closing_limits)


def close_run(
    database: Database, plugins: Plugins, run: int, closing_limits: ClosingLimits
) -> None:
    """Close the places of a run that this process does not operate, and deliver what else is due.

    :raises famulus.UnavailableError: when places are still open after a bounded time.
    """
    with database.read() as tx:
        closing = read_closing(tx, run)
    try:
        bound = bind_provider(database, plugins, run)
    except FamulusError as error:
        if closing is not None:
            why = evolve(closing, error=str(error), is_under_way=False)
            raise PlacesOpenError(describe_open(find_run(database, run), why)) from error
        _log.warning("run %d: what is due cannot be delivered now: %s", run, error)
        return
    if closing is not None:
        bound.close_places(closing_limits)
    bound.deliver()
