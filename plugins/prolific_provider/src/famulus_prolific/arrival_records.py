"""The stored submissions that Prolific has confirmed, so that it is asked once for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from famulus_prolific.tables import ProlificArrival

if TYPE_CHECKING:
    from famulus import Database


@frozen(kw_only=True)
class ArrivalRecords:
    """Reads and writes the rows of one database."""

    database: Database

    def worker_of(self, run: int, submission: str) -> str | None:
        """Return the worker of a submission to the study of a run; None where it is not stored."""
        row_of = (ProlificArrival.run_id == run) & (ProlificArrival.submission_id == submission)
        query = ProlificArrival.select(ProlificArrival.worker_name).where(row_of)
        with self.database.read() as tx:
            row = tx.row(query)
        return None if row is None else str(row.worker_name)

    def add(self, run: int, submission: str, worker: str) -> None:
        """Store the worker of a submission to the study of a run, which never changes."""
        row = ProlificArrival.insert(run_id=run, submission_id=submission, worker_name=worker)
        self.database.write(lambda tx: tx.execute(row.on_conflict_ignore()))

    def forget(self, worker: str) -> None:
        """Delete the stored submissions of a worker."""
        theirs = ProlificArrival.delete().where(ProlificArrival.worker_name == worker)
        self.database.write(lambda tx: tx.execute(theirs))
