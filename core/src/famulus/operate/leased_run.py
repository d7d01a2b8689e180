"""The decisions that an operator makes by itself about a run.

Each decision is based on the run's row in the transaction that acts on it: values that were read
earlier may be outdated. No decision is made while the lease is expired: the operator was suspended,
and has to renew the lease first, which accounts for that time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from attrs import frozen

from famulus.contracts.architect import Deployed
from famulus.contracts.provider_views import Capabilities
from famulus.engine.deadlines import (
    give_back_pause,
    mark_unreported,
    time_out,
)
from famulus.engine.outbox.outbox_rows import make_run_due
from famulus.engine.places.place_changes import open_missing
from famulus.engine.runs import RunRecord, lock_run, read_run
from famulus.engine.window import adjust_window, is_window_off
from famulus.model.database import Database
from famulus.model.states import OPEN_RUNS, RunStatus
from famulus.model.tables import TaskRunTable
from famulus.model.transaction import Transaction
from famulus.operate import lease
from famulus.operate.ending import (
    DueEnd,
    begin_finish,
    due_end,
    end_stop,
    expire_rest,
)

_log = logging.getLogger(__name__)

T = TypeVar("T")


class _LostError(Exception):
    """Another operator has taken the run over."""


@frozen(kw_only=True)
class LeasedRun:
    """The changes that an operator makes to a run while it has the run's lease.

    Nothing is changed once another operator has taken the run over.
    """

    database: Database
    run: int
    holder: lease.Holder
    #: whether the platform reports when a visit was submitted
    awaits_reports: bool

    def renew(self) -> bool:
        """Renew the lease; return whether it is still this operator's.

        If it was not renewed for a while, because the machine was suspended, its clock was set or
        the database was unavailable, that time counts neither for workers at work nor for
        ``no_submission_patience``.
        """

        def act(tx: Transaction) -> timedelta | None:
            record = read_run(tx, self.run)
            pause = None
            if lease.is_ours(record, self.holder) and record.ended_at is None:
                # Before the run's row is written: submissions lock it last, after their agent's.
                pause = _account_for_pause(tx, record)
            if not lease.renew(tx, self.run, self.holder):
                raise _LostError
            return pause

        try:
            # After a power failure, the next operator gives back the time since an earlier renewal.
            pause = self.database.write_unsynced(act)
        except _LostError:
            return False
        if pause is not None:
            _log.warning(
                "run %d: it was not operated for %.0f seconds: this machine was suspended, its "
                "clock was set or the database was unavailable; workers get that time back",
                self.run,
                pause.total_seconds(),
            )
        return True

    def time_out(self) -> int:
        """End some of the attempts whose time is over; return how many were ended."""

        def act(tx: Transaction) -> int:
            # The run's row is not locked here: submissions lock it last, this would lock it first.
            if not lease.is_valid(tx, read_run(tx, self.run), self.holder):
                return 0
            return time_out(tx, self.run, reported_by_platform=self.awaits_reports)

        return self.database.write(act)

    def adjust_window(self, *, is_strict: bool = True) -> int:
        """Make the open units fit the window and the budget; return how many units were moved.

        :param is_strict: see :func:`famulus.engine.window.adjust_window`.
        """
        with self.database.read() as tx:
            is_open = read_run(tx, self.run).status in OPEN_RUNS
            if not is_open or not is_window_off(tx, self.run, is_strict=is_strict):
                return 0
        return self._decide(
            lambda tx, _: adjust_window(tx, self.run, is_strict=is_strict), 0, OPEN_RUNS
        )

    def open_places(self, capabilities: Capabilities) -> int | None:
        """Enqueue opening places for free units; return the result of :func:`open_missing`."""
        unknown: int | None = None
        return self._decide(
            lambda tx, _: open_missing(tx, self.run, capabilities), unknown, (RunStatus.RUNNING,)
        )

    def mark_unreported(self, answered_at: datetime) -> int:
        """Mark visits ``unknown`` that the platform has not reported in time; return how many.

        :param answered_at: when the platform last answered.
        """

        def act(tx: Transaction) -> int:
            record = read_run(tx, self.run)
            if not lease.is_valid(tx, record, self.holder):
                return 0
            return mark_unreported(tx, self.run, record.submission_timeout, answered_at)

        return self.database.write(act)

    def end(self) -> bool:
        """End the run if it is over, or stopping and idle; return whether it was ended here."""
        with self.database.read() as tx:
            if due_end(tx, read_run(tx, self.run), awaits_reports=self.awaits_reports) is None:
                return False
        ended = self._decide(self._end, None)
        if ended is not None and ended.is_final:
            expire_rest(self.database, self.run)
        return ended is not None

    def stop(self, cause: str) -> bool:
        """Stop the run, if it is still this operator's; return whether it was going on."""

        def act(tx: Transaction) -> bool:
            record = lock_run(tx, self.run)
            return lease.is_ours(record, self.holder) and end_stop(tx, self.run, cause)

        return self.database.write(act)

    def publish(self, deployed: Deployed, instance: str) -> bool:
        """Store where the run is served from now on; return whether this operator may serve it."""
        query = TaskRunTable.update(
            url=deployed.url, handle=deployed.handle, instance=instance
        ).where(TaskRunTable.id == self.run, TaskRunTable.lease_holder == self.holder.name)
        return bool(self.database.write(lambda tx: tx.execute(query).rowcount))

    def _decide(
        self,
        act: Callable[[Transaction, RunRecord], T],
        otherwise: T,
        statuses: tuple[RunStatus, ...] = tuple(RunStatus),
    ) -> T:
        def decide(tx: Transaction) -> T:
            record = lock_run(tx, self.run)
            if not lease.is_valid(tx, record, self.holder) or record.status not in statuses:
                return otherwise
            return act(tx, record)

        return self.database.write(decide)

    def _end(self, tx: Transaction, record: RunRecord) -> DueEnd | None:
        end = due_end(tx, record, awaits_reports=self.awaits_reports)
        if end is None:
            return None
        if end.is_final:
            has_ended = begin_finish(tx, self.run, end.cause)
        else:
            has_ended = end_stop(tx, self.run, end.cause)
        return end if has_ended else None


def _account_for_pause(tx: Transaction, record: RunRecord) -> timedelta | None:
    """If the last renewal is too long ago, give workers that time back and return it; else None."""
    last_look = lease.last_sign(record)
    if last_look is None:
        return None
    seconds = (tx.now - last_look).total_seconds()
    if -lease.RENEWAL_SECONDS <= seconds <= lease.LEASE_SECONDS:
        return None
    # The times of next attempts may be of a clock that was set back.
    make_run_due(tx, record.id)
    return give_back_pause(tx, record.id, last_look)
