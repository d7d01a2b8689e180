"""The outcome of a run when its operator has released it."""

from __future__ import annotations

from attrs import frozen

from famulus.data.wage import Wage, read_wage
from famulus.engine.places.closing import read_closing
from famulus.engine.runs import RunRecord, find_run
from famulus.model.database import Database
from famulus.model.tables import IS_RARE_EVENT, EventTable
from famulus.operate.progress import Progress, read_progress


@frozen(kw_only=True)
class RunEnding:
    """A run when its operator has released it. ``cause`` is why its status last changed."""

    record: RunRecord
    progress: Progress
    wage: Wage
    cause: str
    #: whether its places may still be open on the platform
    is_open: bool = False


def read_ending(database: Database, run: int) -> RunEnding:
    """Read a run, its progress and the cause of its status."""
    record = find_run(database, run)
    newest = (
        EventTable.select(EventTable.cause)
        .where(
            EventTable.run == run,
            IS_RARE_EVENT,
            EventTable.subject == "run",
            EventTable.new == record.status.value,
        )
        .order_by(EventTable.id.desc())
        .limit(1)
    )
    with database.read() as tx:
        row = tx.row(newest)
        is_open = read_closing(tx, run) is not None
        wage = read_wage(tx, record)
    return RunEnding(
        record=record,
        progress=read_progress(database, run),
        wage=wage,
        cause=row.cause if row else "",
        is_open=is_open,
    )
