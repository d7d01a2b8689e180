"""Which submissions are meant: by what has become of their unit, by time, by worker."""

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
from famulus.model.tables import Agent, Unit, Worker
from famulus.names import read_name
from famulus.options.suggest import did_you_mean


@frozen(kw_only=True)
class Filter:
    """Conditions that submissions must meet; an empty one lets all of them through."""

    #: of the unit that they have completed
    statuses: Collection[UnitStatus] = ()
    #: only what was submitted then or later
    since: datetime | None = None
    #: workers by their numbers
    workers: Collection[int] | None = None

    def apply(self, query: Any) -> Any:
        """Add the conditions to a select of agents and their units, but for that on the time."""
        if self.statuses:
            query = query.where(COUNTS, Unit.status << list(self.statuses))
        if self.workers is not None:
            query = query.where(Agent.worker << list(self.workers))
        return query


def make_filter(
    database: Database,
    scope: Scope,
    *,
    statuses: Collection[str] = (),
    since: datetime | None = None,
    workers: Collection[str] = (),
) -> Filter:
    """Check and look up what a filter is made of.

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
    """Return statuses by their names.

    :raises famulus.UsageError: for one that is not ``among`` those that make sense.
    """
    possible = [status.value for status in among]
    for word in words:
        if word not in possible:
            hint = did_you_mean(word, possible, otherwise="possible are")
            raise UsageError(f"{word!r} is no status to choose by{hint}")
    return [UnitStatus(word) for word in words]


def _numbers(database: Database, scope: Scope, names: Collection[str]) -> list[int]:
    names = [read_name(name, "worker") for name in names]
    with database.read() as tx:
        for name in names:
            check_worker(tx, scope, name)
        rows = tx.rows(Worker.select(Worker.id).where(Worker.name << names))
    return [row.id for row in rows]
