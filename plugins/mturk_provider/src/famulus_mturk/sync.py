"""What MTurk says of visits. It is asked for what was submitted, and for who is at work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import define, field

from famulus import VisitReport, VisitStatus
from famulus_mturk.calls import Mturk, RefusedError
from famulus_mturk.meanings import Meaning

if TYPE_CHECKING:
    from famulus import Clock, RunView, VisitView
    from famulus_mturk.hit_types import HitTypes
    from famulus_mturk.records import HitRecords

#: Between two looks at a HIT that somebody is at work on.
_LOOK = timedelta(minutes=1)
#: MTurk's numbers may be older than somebody's arrival: "nobody has accepted it" only counts for
#: those who came before that.
_SETTLES = timedelta(minutes=2)
#: What MTurk calls a HIT that can be worked on, and one that has expired or was submitted.
_OPEN, _OVER = ("Assignable", "Unassignable"), ("Reviewable", "Reviewing")
_STATUSES: Mapping[str, VisitStatus] = {
    "Submitted": VisitStatus.SUBMITTED,
    "Approved": VisitStatus.APPROVED,
    "Rejected": VisitStatus.REJECTED,
}


@define(eq=False, kw_only=True)
class Sync:
    """Reports on the visits of one run. One HIT has one assignment, so that its status tells.

    Costs a call for a hundred HITs that were submitted, two for each of these, and one a minute for
    each that somebody is at work on. A report is noted once the caller asks for the next one: what
    is lost on the way is reported again.
    """

    mturk: Mturk
    records: HitRecords
    types: HitTypes
    clock: Clock
    #: when a HIT was looked at last
    _looked: dict[str, datetime] = field(factory=dict, init=False)

    def reports(self, run: RunView, visits: Sequence[VisitView]) -> Iterator[VisitReport]:
        """Yield what MTurk says of the run's visits now, as far as it says anything."""
        waiting = self._by_hit(run.id, visits)
        yield from self._submitted(run, waiting)
        rows = self.records.by_hit(run.id, list(waiting))
        if waiting.keys() - rows.keys() and not self.records.is_any_unnamed(run.id):
            for hit in waiting.keys() - rows.keys():
                yield from _left(waiting[hit])
        for hit, row in rows.items():
            if row.ended:
                yield from self._of_ended(row, waiting[hit])
            elif self._is_due(hit):
                yield from self._of_open(row, waiting[hit])

    def look(self, run: RunView, visits: Sequence[VisitView]) -> Iterator[VisitReport]:
        """Yield which of those at work MTurk no longer has at work. Notes nothing."""
        waiting = self._by_hit(run.id, visits)
        for hit, row in self.records.by_hit(run.id, list(waiting)).items():
            if not row.ended:
                yield from self._of_open(row, waiting[hit], is_noted=False)

    def _submitted(
        self, run: RunView, waiting: Mapping[str, Sequence[VisitView]]
    ) -> Iterator[VisitReport]:
        """Read the HITs that have become reviewable, whoever of them is known here."""
        hit_type = self.types.known(run.id)
        if hit_type is None:
            return
        listed = [
            hit["HITId"]
            for hit in self.mturk.pages(
                "list_reviewable_hits", "HITs", HITTypeId=hit_type, Status="Reviewable"
            )
        ]
        for hit, row in self.records.by_hit(run.id, listed).items():
            is_read = row.worker_name is not None
            if not is_read:
                is_read = yield from self._read(row, waiting.get(hit, ()))
            if is_read:
                # It is listed no more; whoever asks next pays for what is new.
                self._begin_review(hit)

    def _of_open(
        self, row: Any, visits: Sequence[VisitView], *, is_noted: bool = True
    ) -> Iterator[VisitReport]:
        found = self._hit(row.hit_id)
        if found is None or found["HITStatus"] == "Disposed":
            yield from _left(visits)
            return
        status, settled = found["HITStatus"], self.clock() - _SETTLES
        if status in _OVER:
            if is_noted:
                yield from self._read(row, visits)
            return
        # There is room for one: it is the last who came, once they are not gone as well.
        *gone, last = visits
        if status == "Assignable" and (came := _came(last)) is not None and came <= settled:
            gone.append(last)
        if status in _OPEN:
            for visit in gone:
                yield _report(visit, VisitStatus.RETURNED)

    def _of_ended(self, row: Any, visits: Sequence[VisitView]) -> Iterator[VisitReport]:
        """Report on a HIT whose submission is known here, and approved by now if that is due."""
        for visit in visits:
            if row.worker_name is None:
                yield _report(visit, VisitStatus.EXPIRED)
            elif (row.worker_name, row.assignment_id) != (visit.worker_name, visit.reference):
                yield _report(visit, VisitStatus.RETURNED)
            elif row.approved_at is None or self.clock().timestamp() >= row.approved_at:
                yield from self._read_again(row)

    def _read(self, row: Any, visits: Sequence[VisitView]) -> Generator[VisitReport, None, bool]:
        """Report on a HIT that is over; return whether MTurk has said how."""
        submission = self._submission(row.hit_id)
        if submission is not None:
            yield _report_of(submission)
            for visit in visits:
                if (visit.worker_name, visit.reference) != _key(submission):
                    yield _report(visit, VisitStatus.RETURNED)
            self.records.submitted(row, submission)
            return True
        hit = self._hit(row.hit_id)
        if hit is not None and _is_undecided(hit):
            return False
        for visit in visits:
            yield _report(visit, VisitStatus.EXPIRED)
        self.records.end(row)
        return True

    def _read_again(self, row: Any) -> Iterator[VisitReport]:
        submission = self._submission(row.hit_id)
        if submission is not None:
            yield _report_of(submission)
            self.records.submitted(row, submission)

    def _hit(self, hit: str) -> Mapping[str, Any] | None:
        """Return a HIT as it is now; None where MTurk does not know it."""
        try:
            found: Mapping[str, Any] = self.mturk.call("get_hit", HITId=hit)["HIT"]
        except RefusedError as error:
            if error.meaning is Meaning.MISSING:
                return None
            raise
        return found

    def _submission(self, hit: str) -> Mapping[str, Any] | None:
        try:
            return next(
                self.mturk.pages("list_assignments_for_hit", "Assignments", HITId=hit), None
            )
        except RefusedError as error:
            if error.meaning is Meaning.MISSING:
                return None
            raise

    def _begin_review(self, hit: str) -> None:
        try:
            self.mturk.call("update_hit_review_status", HITId=hit)
        except RefusedError as error:
            if error.meaning not in (Meaning.STATE, Meaning.MISSING):
                raise

    def _is_due(self, hit: str) -> bool:
        """Say whether a HIT is to be looked at now, and take it that it is."""
        now = self.clock()
        last = self._looked.get(hit, datetime.min.replace(tzinfo=UTC))
        if now - last < _LOOK:
            return False
        self._looked[hit] = now
        return True

    def _by_hit(self, run: int, visits: Sequence[VisitView]) -> dict[str, list[VisitView]]:
        """Sort visits by the HIT they say they have accepted, and by when their workers came last;
        those who never came here are found by their submission. Which of these HITs are the run's,
        its records say.
        """
        found: dict[str, list[VisitView]] = defaultdict(list)
        unnamed = [visit.reference for visit in visits if "hitId" not in visit.query]
        rows = self.records.by_assignment(run, unnamed)
        for visit in sorted(visits, key=_order):
            row = rows.get(visit.reference)
            hit = visit.query.get("hitId") or (row.hit_id if row is not None else None)
            if hit is not None:
                found[hit].append(visit)
        return found


def _is_undecided(hit: Mapping[str, Any]) -> bool:
    """Return whether a HIT without a listed submission was extended meanwhile, or has one that is
    not listed yet.
    """
    status = hit["HITStatus"]
    return status in _OPEN or (status in _OVER and not hit["NumberOfAssignmentsAvailable"])


def _came(visit: VisitView) -> datetime | None:
    return visit.last_arrived_at or visit.arrived_at


def _order(visit: VisitView) -> tuple[datetime, int]:
    return _came(visit) or datetime.min.replace(tzinfo=UTC), visit.id


def _left(visits: Sequence[VisitView]) -> Iterator[VisitReport]:
    """Report that whoever is at work on a HIT that MTurk does not have is not: what is done here is
    left to a person, as its reward may have been paid before the HIT was deleted.
    """
    for visit in visits:
        if visit.done_at is None:
            yield _report(visit, VisitStatus.RETURNED)


def _key(submission: Mapping[str, Any]) -> tuple[str, str]:
    return str(submission["WorkerId"]), str(submission["AssignmentId"])


def _report_of(submission: Mapping[str, Any]) -> VisitReport:
    worker, assignment = _key(submission)
    return VisitReport(
        worker_name=worker,
        reference=assignment,
        status=_STATUSES[submission["AssignmentStatus"]],
    )


def _report(visit: VisitView, status: VisitStatus) -> VisitReport:
    return VisitReport(worker_name=visit.worker_name, reference=visit.reference, status=status)
