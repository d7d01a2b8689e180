"""The stored rows of HITs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from famulus_mturk.tables import MturkBonus, MturkHit

if TYPE_CHECKING:
    from famulus import Database, Transaction

#: Ids of one query.
_BATCH = 500


@frozen(kw_only=True)
class HitAttempt:
    """An attempt to create a HIT. Times are in seconds since 1970."""

    at: int
    #: the time of the last attempt before it that may have created the HIT; None if there was none
    last_before: int | None = None


@frozen(kw_only=True)
class HitLookUp:
    """The stored data of some HITs at one moment."""

    #: by HIT id; HITs of other runs are left out
    rows: Mapping[str, Any]
    #: whether a HIT of the run may exist whose id is not stored yet
    is_any_unnamed: bool


@frozen(kw_only=True)
class HitRecords:
    """The rows of one database. Each change is a short transaction of its own."""

    database: Database

    def of_places(self, run: int, places: range) -> list[Any]:
        """Return the rows of places, as far as they exist."""
        return self._rows(run, MturkHit.place.between(places.start, places.stop - 1))

    def open(self, run: int) -> list[Any]:
        """Return the HITs that can still be accepted, as far as the rows show."""
        return self._rows(run, ~MturkHit.closed & ~MturkHit.ended & ~MturkHit.gone)

    def expired(self, run: int) -> list[Any]:
        """Return the HITs that expired without a submission before they were closed."""
        return self._rows(
            run, MturkHit.ended & MturkHit.worker_name.is_null() & ~MturkHit.closed & ~MturkHit.gone
        )

    def unclosed(self, run: int) -> list[Any]:
        """Return the HITs that are not closed and have no submission, expired or not.

        Expired ones are included, since a HIT that is extended just when a sync finds it expired
        can still be accepted.
        """
        return self._rows(run, ~MturkHit.closed & MturkHit.worker_name.is_null() & ~MturkHit.gone)

    def left(self, run: int) -> list[Any]:
        """Return the HITs that exist on MTurk and are not deleted."""
        return self._rows(run, MturkHit.hit_id.is_null(False) & ~MturkHit.gone)

    def by_hit(self, run: int, hits: Sequence[str]) -> dict[str, Any]:
        """Return rows by HIT id; HITs of other runs are left out."""
        return {row.hit_id: row for row in self._among(run, MturkHit.hit_id, hits)}

    def by_assignment(self, run: int, assignments: Sequence[str]) -> dict[str, Any]:
        """Return the rows of the run's HITs that hold these submissions."""
        rows = self._among(run, MturkHit.assignment_id, assignments)
        return {row.assignment_id: row for row in rows}

    def submissions_of(self, run: int, worker: str) -> list[str]:
        """Return the known assignments that a worker has submitted in a run."""
        return [row.assignment_id for row in self._rows(run, MturkHit.worker_name == worker)]

    def look_up(self, run: int, hits: Sequence[str]) -> HitLookUp:
        """Return rows by HIT id, and whether a HIT may exist whose id is not stored yet.

        Both are read at one moment: a HIT whose id is stored between two reads would be in neither.
        """
        unnamed = MturkHit.hit_id.is_null() & ~MturkHit.closed
        with self.database.read() as tx:
            found = [
                row
                for first in range(0, len(hits), _BATCH)
                for row in tx.rows(
                    _select(run, MturkHit.hit_id << list(hits[first : first + _BATCH]))
                )
            ]
            is_any_unnamed = tx.row(_select(run, unnamed).limit(1)) is not None
        return HitLookUp(rows={row.hit_id: row for row in found}, is_any_unnamed=is_any_unnamed)

    def begin(self, run: int, place: int) -> HitAttempt:
        """Store that a HIT is about to be created."""
        return self.database.write(lambda tx: _begin(tx, run, place))

    def undo(self, run: int, place: int, attempt: HitAttempt) -> None:
        """Store that an attempt has certainly not created a HIT, unless another one has begun."""
        which = _which(run, place) & MturkHit.hit_id.is_null()
        which &= MturkHit.last_tried_at == attempt.at
        if attempt.last_before is None:
            self.database.write(lambda tx: tx.execute(MturkHit.delete().where(which)))
        else:
            self._update(which, last_tried_at=attempt.last_before)

    def name(self, run: int, place: int, hit: str) -> None:
        """Store the id of a place's HIT."""
        self._update(_which(run, place), hit_id=hit)

    def close(self, row: Any) -> None:
        """Store that a HIT cannot be accepted any more."""
        self._update(MturkHit.id == row.id, closed=True)

    def end(self, row: Any) -> None:
        """Store that a HIT has expired without a submission."""
        self._update(MturkHit.id == row.id, ended=True)

    def revive(self, row: Any) -> None:
        """Store that an expired HIT can be accepted again."""
        self._update(MturkHit.id == row.id, ended=False)

    def submitted(self, row: Any, submission: Mapping[str, Any]) -> None:
        """Store a HIT's submission, and when MTurk will approve it automatically."""
        status: str = submission["AssignmentStatus"]
        due: datetime | None = submission.get("AutoApprovalTime")
        self._update(
            MturkHit.id == row.id,
            ended=True,
            worker_name=submission["WorkerId"],
            assignment_id=submission["AssignmentId"],
            approved_at=int(due.timestamp()) if due and status == "Submitted" else None,
            rejected=status == "Rejected",
        )

    def decided(self, run: int, assignment: str, *, rejected: bool) -> None:
        """Store the verdict that MTurk has for a submission."""
        which = (MturkHit.run_id == run) & (MturkHit.assignment_id == assignment)
        self._update(which, approved_at=None, rejected=rejected)

    def forget(self, row: Any) -> None:
        """Store that a HIT is deleted."""
        self._update(MturkHit.id == row.id, gone=True)

    def forget_worker(self, name: str, pseudonym: str) -> None:
        """Replace a worker's name and the ids of the worker's assignments."""

        def job(tx: Transaction) -> None:
            theirs = MturkHit.worker_name == name
            query = MturkHit.select(MturkHit.id, MturkHit.assignment_id).where(theirs)
            for row in tx.rows(query.order_by(MturkHit.id)):
                new = {"assignment_id": f"forgotten-{row.id}"}
                bonuses = MturkBonus.assignment_id == row.assignment_id
                tx.execute(MturkBonus.update(**new).where(bonuses))
                tx.execute(
                    MturkHit.update(worker_name=pseudonym, **new).where(MturkHit.id == row.id)
                )

        self.database.write(job)

    def _among(self, run: int, column: Any, values: Sequence[str]) -> list[Any]:
        rows = []
        for first in range(0, len(values), _BATCH):
            rows += self._rows(run, column << list(values[first : first + _BATCH]))
        return rows

    def _rows(self, run: int, condition: Any) -> list[Any]:
        with self.database.read() as tx:
            return tx.rows(_select(run, condition).order_by(MturkHit.place))

    def _update(self, which: Any, **values: Any) -> None:
        self.database.write(lambda tx: tx.execute(MturkHit.update(**values).where(which)))


def _begin(tx: Transaction, run: int, place: int) -> HitAttempt:
    now = int(tx.now.timestamp())
    added = tx.execute(
        MturkHit.insert(
            run_id=run,
            place=place,
            tried_at=now,
            last_tried_at=now,
            closed=False,
            ended=False,
            rejected=False,
            gone=False,
        ).on_conflict_ignore()
    )
    if added.rowcount:
        return HitAttempt(at=now)
    row = tx.row(MturkHit.select(MturkHit.last_tried_at).where(_which(run, place)))
    assert row is not None
    tx.execute(MturkHit.update(last_tried_at=now).where(_which(run, place)))
    return HitAttempt(at=now, last_before=row.last_tried_at)


def _select(run: int, condition: Any) -> Any:
    return MturkHit.select().where(MturkHit.run_id == run, condition)


def _which(run: int, place: int) -> Any:
    return (MturkHit.run_id == run) & (MturkHit.place == place)
