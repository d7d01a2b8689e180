"""Serving a finished run while visits of it are open on its platform.

A worker may hold a place whose page was not opened yet, or an open page. As long as the run is
served, they are shown how to leave. Deliveries, payments and reviews of the run go on.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from attrs import define, evolve, field

from famulus.clock import has_passed
from famulus.engine.outbox.delivery import OutboxDelivery
from famulus.engine.places.closing import ClosingLimits, close_places
from famulus.engine.platform.bound_provider import BoundProvider
from famulus.engine.runs import RunRecord, lock_run, read_run
from famulus.errors import reason
from famulus.model.database import Database
from famulus.model.outages import DatabaseUnavailableError
from famulus.model.states import RunStatus
from famulus.model.tables import IS_ENDED_VISIT, VisitTable
from famulus.model.transaction import Transaction
from famulus.operate import lease
from famulus.operate.awaited_visits import store_wait

_log = logging.getLogger(__name__)

#: Platforms hold a place for about ten minutes until its worker begins, and an open page says after
#: a minute how to leave. A requester expects the command to return.
_LONGEST_WAIT = timedelta(minutes=10)
#: The most references in one query.
_BATCH = 500


@define(eq=False)
class OpenVisits:
    """Waits for the visits of a finished run that are open on its platform.

    The wait is stored with the run: it ends when ``awaited_until`` is removed or passed, and with
    the lease. It never lasts longer than ten minutes, or than the time for one unit if that is
    shorter.
    """

    bound: BoundProvider
    holder: lease.Holder
    _asked_at: datetime | None = field(default=None, init=False)

    def begin(self, delivery: OutboxDelivery, limits: ClosingLimits) -> None:
        """Begin to wait if the run has just finished and visits of it are open.

        Its places are closed first, so that no worker takes one after the platform was asked. If
        they cannot be closed at once, or the platform does not answer, there is no wait.
        """
        if self._record().status is not RunStatus.FINISHED or not self._count():
            return
        if close_places(delivery, evolve(limits, pauses=(0.0,))) is not None:
            return
        if number := self._count():
            self.database.write(lambda tx: self._begin(tx, number))

    def look(self) -> None:
        """Ask the platform again, if that is due; end the wait if no visit is open."""
        every = timedelta(seconds=self.bound.provider.sync_seconds)
        is_due = has_passed(self.database.clock(), self._asked_at, every)
        if not is_due or not self.is_awaiting():
            return
        number = self._count()
        self.database.write(lambda tx: self._update(tx, number))

    def is_awaiting(self) -> bool:
        """Return whether the server has to stay."""
        if not self.is_over:
            return False
        until = self._record().awaited_until
        return until is not None and self.database.clock() < until

    @property
    def is_over(self) -> bool:
        """Whether this operator has finished the run. Does not read the database."""
        return self._asked_at is not None

    @property
    def database(self) -> Database:
        """The database of the run."""
        return self.bound.database

    def _begin(self, tx: Transaction, number: int) -> None:
        record = lock_run(tx, self.bound.record.id)
        if lease.is_ours(record, self.holder):
            wait = min(timedelta(seconds=record.assignment_duration_in_seconds), _LONGEST_WAIT)
            store_wait(tx, record.id, number, tx.now + wait)

    def _update(self, tx: Transaction, number: int) -> None:
        record = lock_run(tx, self.bound.record.id)
        if lease.is_ours(record, self.holder) and record.awaited_until is not None:
            store_wait(tx, record.id, number, record.awaited_until if number else None)

    def _count(self) -> int:
        """Return how many visits are open on the platform and have not ended here.

        0 if the platform does not show them, or does not answer.
        """
        self._asked_at = self.database.clock()
        run = self.bound.record.id
        try:
            found = self.bound.provider.open_visits(self.bound.run_view())
            references = list(dict.fromkeys(found or ()))
        except DatabaseUnavailableError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party; the run ends
            _log.warning(
                "run %d: the platform cannot be asked about open visits: %s", run, reason(error)
            )
            return 0
        with self.database.read() as tx:
            return len(references) - sum(
                _count_ended(tx, run, references[start : start + _BATCH])
                for start in range(0, len(references), _BATCH)
            )

    def _record(self) -> RunRecord:
        with self.database.read() as tx:
            return read_run(tx, self.bound.record.id)


def _count_ended(tx: Transaction, run: int, references: list[str]) -> int:
    """Return how many of these visits have ended here, or have their work stored."""
    query = (
        VisitTable.select(VisitTable.reference)
        .where(
            VisitTable.run == run,
            VisitTable.reference << references,
            IS_ENDED_VISIT | VisitTable.done_at.is_null(False),
        )
        .distinct()
    )
    return len(tx.rows(query))
