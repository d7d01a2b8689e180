"""All there is to say of one run at a moment."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from famulus.model.database import Database
from famulus.model.states import LIVE_RUNS
from famulus.operate import lease
from famulus.operate.progress import Progress, read_progress
from famulus.work.expiry import last_submission
from famulus.work.runs import RunRecord, find_run


@frozen(kw_only=True)
class RunReport:
    """A run, how it is getting on, and who looks after it: nobody, when ``operated_by`` is None."""

    record: RunRecord
    progress: Progress
    operated_by: str | None
    last_submission: datetime | None
    database: str

    @property
    def is_served(self) -> bool:
        """Whether somebody looks after the run and it is still going on."""
        return self.operated_by is not None and self.record.status in LIVE_RUNS


def read_report(database: Database, run: int) -> RunReport:
    """Look at a run.

    :raises famulus.NotFoundError: when there is none of that number.
    """
    record = find_run(database, run)
    with database.read() as tx:
        is_held = lease.is_held(tx, record)
        newest = last_submission(tx, run)
    return RunReport(
        record=record,
        progress=read_progress(database, run),
        operated_by=lease.shown(record.lease_holder) if is_held else None,
        last_submission=newest.submitted_at if newest else None,
        database=database.location.shown,
    )
