"""The stored rows of sets of bonuses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from famulus import UnavailableError
from famulus_prolific.account_tables import ProlificBulk

if TYPE_CHECKING:
    from famulus import Database, Transaction
    from famulus_prolific.account_lock import Hold


@frozen(kw_only=True)
class BulkRecord:
    """The stored row of a set of bonuses; times are in seconds since 1970."""

    #: grows with each set
    number: int
    run_id: int
    started_at: int | None
    accepted_at: int | None
    abandoned: bool


@frozen(kw_only=True)
class BulkRecords:
    """The rows of one database. Each change is a short transaction of its own.

    A set is either started, once and by one process, or abandoned, by any process. A started set is
    never abandoned, and an abandoned set is never started.
    """

    database: Database

    def read(self, bulks: Collection[str]) -> Mapping[str, BulkRecord]:
        """Return the sets of bonuses with these ids."""
        query = ProlificBulk.select().where(ProlificBulk.bulk_id << sorted(bulks))
        with self.database.read() as tx:
            return {row.bulk_id: _record(row) for row in tx.rows(query)}

    def add(self, run: int, bulk: str) -> None:
        """Store a set that was set up, and is not paid."""
        insert = ProlificBulk.insert(bulk_id=bulk, run_id=run, abandoned=False)
        self.database.write(lambda tx: tx.execute(insert.on_conflict_ignore()))

    def start(self, bulk: str, hold: Hold) -> None:
        """Store that a set is about to be paid.

        :raises famulus.UnavailableError: when it must not be paid, because it was started or
            abandoned, or the hold is lost.
        """

        def job(tx: Transaction) -> None:
            hold.renew(tx)
            now = int(tx.now.timestamp())
            started = ProlificBulk.update(started_at=now).where(_which(bulk), _UNTOUCHED)
            if not tx.execute(started).rowcount:
                raise UnavailableError(f"the bonuses {bulk} are settled by another process")

        self.database.write(job)

    def accept(self, bulk: str) -> None:
        """Store that Prolific has accepted the payment of a set."""

        def job(tx: Transaction) -> None:
            now = int(tx.now.timestamp())
            tx.execute(ProlificBulk.update(accepted_at=now).where(_which(bulk)))

        self.database.write(job)

    def withdraw(self, bulk: str) -> None:
        """Store that a set that was started is certainly not paid."""
        update = ProlificBulk.update(started_at=None, abandoned=True).where(_which(bulk))
        self.database.write(lambda tx: tx.execute(update))

    def abandon(self, bulk: str) -> bool:
        """Mark a set as never to be paid, unless it was started; return whether it is marked."""

        def job(tx: Transaction) -> bool:
            tx.execute(ProlificBulk.update(abandoned=True).where(_which(bulk), _UNTOUCHED))
            row = tx.row(ProlificBulk.select(ProlificBulk.abandoned).where(_which(bulk)))
            return row is not None and bool(row.abandoned)

        return self.database.write(job)


_UNTOUCHED = ProlificBulk.started_at.is_null() & (ProlificBulk.abandoned == False)  # noqa: E712


def _which(bulk: str) -> Any:
    return ProlificBulk.bulk_id == bulk


def _record(row: Any) -> BulkRecord:
    return BulkRecord(
        number=row.id,
        run_id=row.run_id,
        started_at=row.started_at,
        accepted_at=row.accepted_at,
        abandoned=bool(row.abandoned),
    )
