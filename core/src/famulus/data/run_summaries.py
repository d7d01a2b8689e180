"""All runs of a database, for lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from famulus.engine.runs import (
    RunRecord,
    operator_of,
    run_record,
    select_runs,
    unit_counts_of_all,
)
from famulus.model.database import Database
from famulus.model.states import DONE_UNITS, UnitStatus
from famulus.model.tables import TaskRunTable


@frozen(kw_only=True)
class RunSummary:
    """A run, its unit counts by status, and the process that operates it."""

    record: RunRecord
    units: Mapping[UnitStatus, int]
    #: None if no process operates it, whatever its status
    operated_by: str | None

    @property
    def total(self) -> int:
        """The number of units that exist so far."""
        return sum(self.units.values())

    @property
    def done(self) -> int:
        """The number of units with answers."""
        return sum(self.units.get(status, 0) for status in DONE_UNITS)


def list_runs(database: Database) -> Sequence[RunSummary]:
    """Return all runs, the newest first; none if the database does not exist yet."""
    if not database.exists:
        return []
    with database.read() as tx:
        units = unit_counts_of_all(tx)
        records = map(run_record, tx.rows(select_runs().order_by(TaskRunTable.id.desc())))
        return [
            RunSummary(record=each, units=units.get(each.id, {}), operated_by=operator_of(tx, each))
            for each in records
        ]
