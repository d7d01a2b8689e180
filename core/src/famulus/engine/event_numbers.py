"""Whether events of a run have been added since the last look.

On SQLite, where numbers of events are in the order of the commits, an index of the events by run
would only save reading the events of other runs once. So there is no such index, and each reader
remembers how far it has looked.
"""

from __future__ import annotations

import peewee
from attrs import define

from famulus.model.database_kind import DatabaseKind
from famulus.model.statements import Param, Statement
from famulus.model.tables import EventTable
from famulus.model.transaction import Transaction

_NEWEST = Statement(EventTable.select(peewee.fn.MAX(EventTable.id)))
_NEWEST_OF_RUN = Statement(
    EventTable.select(EventTable.id)
    .where(EventTable.run == Param("run"))
    .order_by(EventTable.xact.desc(), EventTable.id.desc())
    .limit(1)
)
_NEWEST_SINCE = Statement(
    EventTable.select(peewee.fn.MAX(EventTable.id)).where(
        EventTable.run == Param("run"), EventTable.id > Param("after")
    )
)


def newest_event(tx: Transaction) -> int:
    """Return the number of the newest event of all runs; 0 if there is none."""
    row = tx.one(_NEWEST)
    return int(row[0] or 0) if row else 0


@define(eq=False)
class NewestEvent:
    """The newest event of a run, as far as one reader has looked."""

    run: int
    _number: int = 0
    #: the newest event of all runs at the last look; None before the first
    _seen: int | None = None

    def read(self, tx: Transaction) -> int:
        """Return a number that changes once the run has a new event."""
        if tx.kind is DatabaseKind.POSTGRESQL:
            row = tx.one(_NEWEST_OF_RUN, run=self.run)
            return 0 if row is None else int(row[0])
        newest = newest_event(tx)
        if self._seen is not None and newest > self._seen:
            row = tx.one(_NEWEST_SINCE, run=self.run, after=self._seen)
            self._number = (row and row[0]) or self._number
        self._seen = newest
        return self._number
