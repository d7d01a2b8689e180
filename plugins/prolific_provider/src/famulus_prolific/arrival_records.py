"""The stored submissions that Prolific has confirmed, so that it is asked once for each."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from attrs import frozen

from famulus_prolific.tables import ProlificArrival, ProlificToken

if TYPE_CHECKING:
    from famulus import Database, Transaction
    from famulus_prolific.arrivals import Arrived


@frozen(kw_only=True)
class ArrivalRecords:
    """Reads and writes the rows of one database."""

    database: Database

    def worker_of(self, run: int, submission: str) -> str | None:
        """Return the worker of a submission to the study of a run; None if it is not stored."""
        row_of = (ProlificArrival.run_id == run) & (ProlificArrival.submission_id == submission)
        query = ProlificArrival.select(ProlificArrival.worker_name).where(row_of)
        with self.database.read() as tx:
            row = tx.row(query)
        return None if row is None else str(row.worker_name)

    def is_verified(self, run: int, arrived: Arrived) -> bool:
        """Return whether the token of an arrival was stored with this submission and worker."""
        query = ProlificToken.select(ProlificToken.id).where(
            ProlificToken.run_id == run,
            ProlificToken.submission_id == arrived.session,
            ProlificToken.worker_name == arrived.worker,
            ProlificToken.digest == _digest(arrived.token),
        )
        with self.database.read() as tx:
            return tx.row(query) is not None

    def add(self, run: int, arrived: Arrived, *, with_token: bool) -> None:
        """Store the worker of a submission to the study of a run, which never changes.

        :param with_token: whether the token has been verified and is stored too, as its digest.
        """
        key = {"run_id": run, "submission_id": arrived.session, "worker_name": arrived.worker}
        rows = [ProlificArrival.insert(**key)]
        if with_token:
            rows.append(ProlificToken.insert(**key, digest=_digest(arrived.token)))

        def job(tx: Transaction) -> None:
            for row in rows:
                tx.execute(row.on_conflict_ignore())

        self.database.write(job)

    def forget(self, worker: str) -> None:
        """Delete the stored submissions of a worker, and their tokens."""

        def job(tx: Transaction) -> None:
            for table in (ProlificArrival, ProlificToken):
                tx.execute(table.delete().where(table.worker_name == worker))

        self.database.write(job)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
