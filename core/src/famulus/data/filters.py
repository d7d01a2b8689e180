"""Filters of submissions: by status of the unit, by time, by worker."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from famulus.data.scope import Scope, check_worker
from famulus.engine.answers import COUNTS
from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.states import DONE_UNITS, UnitStatus
from famulus.model.tables import AgentTable, UnitTable, WorkerTable
from famulus.names import read_name
from famulus.options.suggest import did_you_mean


@frozen(kw_only=True)
class Filter:
    """Conditions on submissions; without conditions, all submissions pass."""

    #: statuses of the unit that the submission has completed
    statuses: Collection[UnitStatus] = ()
    #: the earliest time of submission
    since: datetime | None = None
    #: numbers of workers
    workers: Collection[int] | None = None

    def apply(self, query: Any) -> Any:
        """Add the conditions on status and worker to a query of attempts and their units."""
        if self.statuses:
            query = query.where(COUNTS, UnitTable.status << list(self.statuses))
        if self.workers is not None:
            query = query.where(AgentTable.worker << list(self.workers))
        return query


def make_filter(
    database: Database,
    scope: Scope,
    *,
    statuses: Collection[str] = (),
    since: datetime | None = None,
    workers: Collection[str] = (),
) -> Filter:
    """Make a filter from the names of statuses and workers.

    :raises famulus.NotFoundError: when one of the workers has not worked on the task.
    :raises famulus.UsageError: for a status that no answers can have, or a time without a zone.
    """
    if since is not None and since.tzinfo is None:
        raise UsageError(f"{since} has no time zone; give an aware time")
    return Filter(
        statuses=unit_statuses(statuses, among=DONE_UNITS),
        since=since,
        workers=_numbers(database, scope, workers) if workers else None,
    )


def unit_statuses(
    words: Collection[str], *, among: Sequence[UnitStatus] = tuple(UnitStatus)
) -> list[UnitStatus]:
    """Return the statuses of the given names.

    :raises famulus.UsageError: for a name that is not in ``among``.
    """
    possible = [status.value for status in among]
    for word in words:
        if word not in possible:
            hint = did_you_mean(word, possible, otherwise="possible are")
            raise UsageError(f"{word!r} is not a status that can be selected{hint}")
    return [UnitStatus(word) for word in words]


def _numbers(database: Database, scope: Scope, names: Collection[str]) -> list[int]:
    names = [read_name(name, "worker") for name in names]
    with database.read() as tx:
        for name in names:
            check_worker(tx, scope, name)
        query = WorkerTable.select(WorkerTable.id).where(WorkerTable.name << names)
        return sorted(row.id for row in tx.rows(query))
