"""The stored members of participant groups, with whom a group that is made again is filled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from famulus_prolific.account_tables import ProlificMember

if TYPE_CHECKING:
    from famulus import Database, Transaction

#: Rows of one statement.
_BATCH = 200


@frozen(kw_only=True)
class MemberRecords:
    """Reads and writes the rows of one database."""

    database: Database

    def read(self, requester: int, name: str) -> list[str]:
        """Return the workers in a group, in the order in which they were added."""
        query = (
            ProlificMember.select(ProlificMember.worker_name)
            .where(ProlificMember.requester_id == requester, ProlificMember.name == name)
            .order_by(ProlificMember.id)
        )
        with self.database.read() as tx:
            return [str(row.worker_name) for row in tx.rows(query)]

    def add(self, requester: int, name: str, workers: Sequence[str]) -> None:
        """Store that workers were added to a group."""

        def job(tx: Transaction) -> None:
            for some in batches(workers):
                rows = [
                    {"requester_id": requester, "name": name, "worker_name": each} for each in some
                ]
                tx.execute(ProlificMember.insert_many(rows).on_conflict_ignore())

        self.database.write(job)

    def remove(self, requester: int, name: str, workers: Sequence[str]) -> None:
        """Store that workers are in a group no more."""

        def job(tx: Transaction) -> None:
            for some in batches(workers):
                theirs = ProlificMember.delete().where(
                    ProlificMember.requester_id == requester,
                    ProlificMember.name == name,
                    ProlificMember.worker_name << [*some],
                )
                tx.execute(theirs)

        self.database.write(job)

    def forget(self, worker: str) -> None:
        """Delete a worker from the stored members of all groups."""
        theirs = ProlificMember.delete().where(ProlificMember.worker_name == worker)
        self.database.write(lambda tx: tx.execute(theirs))


def batches(workers: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield workers in parts for one call or one statement each."""
    return (workers[first : first + _BATCH] for first in range(0, len(workers), _BATCH))
