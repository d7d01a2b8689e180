"""Telling a platform what is to be told: every row at least once, again after a failure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from attrs import frozen

from famulus.contracts.provider import Provider, RunView
from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.model.states import OutboxStatus
from famulus.model.tables import Outbox, literal
from famulus.model.transaction import Row, Transaction
from famulus.work.outbox import Telling

_log = logging.getLogger(__name__)

#: Rows of one round.
_ROUND = 50
_LONGEST_WAIT = timedelta(minutes=10)


@frozen(kw_only=True)
class Messenger:
    """Speaks to the platform of one run, as its requester. Commands make one as the operator does:
    a row that two of them tell has no second effect."""

    database: Database
    provider: Provider
    #: reads the run as it is now
    run: Callable[[], RunView]

    def deliver(self) -> int:
        """Tell what is due; return how many rows were done."""
        run = self.run()
        with self.database.read() as tx:
            due = tx.rows(
                Outbox.select()
                .where(
                    Outbox.run == run.id,
                    Outbox.status == literal(OutboxStatus.PENDING),
                    Outbox.next_attempt_at <= tx.now,
                )
                .order_by(Outbox.id)
                .limit(_ROUND)
            )
        return sum(self._deliver_one(run, row) for row in due)

    def _deliver_one(self, run: RunView, row: Row) -> bool:
        try:
            self._tell(run, row)
        except Exception as error:  # noqa: BLE001 - third-party code; kept with the row, tried again
            if not isinstance(error, UnavailableError):
                _log.exception("run %d: %s", run.id, row.key)
            reason = f"{type(error).__name__}: {error}"
            self.database.write(lambda tx: _postpone(tx, row, reason))
            return False
        done = Outbox.update(status=OutboxStatus.DONE, error="", attempts=row.attempts + 1)
        self.database.write(lambda tx: tx.execute(done.where(Outbox.id == row.id)))
        return True

    def _tell(self, run: RunView, row: Row) -> None:
        tell = _HOW.get(row.kind)
        if tell is None:
            raise LookupError(f"nobody knows how to tell {row.kind!r}")
        tell(self.provider, run, row)


def _open_places(provider: Provider, run: RunView, row: Row) -> None:
    first = row.payload["first"]
    provider.open_places(run, range(first, first + row.payload["count"]))


def _close_places(provider: Provider, run: RunView, _: Row) -> None:
    provider.close_places(run)


_HOW: Mapping[str, Callable[[Provider, RunView, Row], None]] = {
    Telling.OPEN_PLACES: _open_places,
    Telling.CLOSE_PLACES: _close_places,
}


def _postpone(tx: Transaction, row: Row, reason: str) -> None:
    wait = min(timedelta(seconds=2 ** min(row.attempts, 20)), _LONGEST_WAIT)
    query = Outbox.update(
        attempts=row.attempts + 1, next_attempt_at=tx.now + wait, error=reason
    ).where(Outbox.id == row.id)
    tx.execute(query)
