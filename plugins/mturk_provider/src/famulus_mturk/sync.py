"""Reports on visits, from MTurk's lists of submissions and the status of accepted HITs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from attrs import define, field

from famulus import VisitReport, VisitStatus
from famulus_mturk.calls import Mturk, MTurkRefusedError
from famulus_mturk.meanings import Meaning

if TYPE_CHECKING:
    from famulus import Clock, RunView, VisitView
    from famulus_mturk.hit_types import HitTypes
    from famulus_mturk.records import HitLookUp, HitRecords

#: The interval at which an accepted HIT is looked up.
_LOOK_UP = timedelta(minutes=1)
#: MTurk's data may be older than an arrival: a HIT without a worker only counts against visits that
#: arrived before this interval.
_LAG = timedelta(minutes=2)
#: Visits that are held in memory at a time.
_AT_ONCE = 500
#: Statuses of a HIT that can be worked on, and of one that has expired or was submitted.
_OPEN, _OVER = ("Assignable", "Unassignable"), ("Reviewable", "Reviewing")
_STATUSES: Mapping[str, VisitStatus] = {
    "Submitted": VisitStatus.SUBMITTED,
    "Approved": VisitStatus.APPROVED,
    "Rejected": VisitStatus.REJECTED,
}


@define(eq=False, kw_only=True)
class Sync:
    """Reports on the visits of one run. Each HIT has one assignment, so its status is enough.

    Makes a call per hundred submitted HITs, two per submitted HIT, and one per minute for each
    accepted HIT. A report is stored as delivered when the caller asks for the next one, so that a
    report that is lost is made again.
    """

    mturk: Mturk
    records: HitRecords
    types: HitTypes
    clock: Clock
    #: when a HIT was looked at last
    _looked: dict[str, datetime] = field(factory=dict, init=False)

    def reports(self, run: RunView, visits: Iterable[VisitView]) -> Iterator[VisitReport]:
        """Yield the current status of the run's visits, as far as MTurk reports one."""
        rest = iter(visits)
        # Without visits too: workers may have submitted who have never arrived here.
        yield from self._of_page(run, [*islice(rest, _AT_ONCE)])
        while page := [*islice(rest, _AT_ONCE)]:
            yield from self._of_page(run, page)

    def _of_page(self, run: RunView, visits: Sequence[VisitView]) -> Iterator[VisitReport]:
        waiting = self._by_hit(run.id, visits)
        yield from self._submitted(run, waiting)
        found = self.records.look_up(run.id, list(waiting))
        yield from _made_up(waiting, found)
        for hit, row in found.rows.items():
            if row.ended:
                yield from self._of_ended(row, waiting[hit])
            elif self._is_due(hit):
                yield from self._of_open(row, waiting[hit])

    def look(self, run: RunView, visits: Sequence[VisitView]) -> Iterator[VisitReport]:
        """Yield the open visits that MTurk reports as ended. Stores nothing."""
        waiting = self._by_hit(run.id, visits)
        found = self.records.look_up(run.id, list(waiting))
        yield from _made_up(waiting, found)
        for hit, row in found.rows.items():
            if not row.ended:
                yield from self._of_open(row, waiting[hit], is_noted=False)

    def _submitted(
        self, run: RunView, waiting: Mapping[str, Sequence[VisitView]]
    ) -> Iterator[VisitReport]:
        """Read the HITs that have become reviewable, with or without a stored visit."""
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
                # Takes it off MTurk's list, so that the next sync reads only new ones.
                self._begin_review(hit)

    def _of_open(
        self, row: Any, visits: Sequence[VisitView], *, is_noted: bool = True
    ) -> Iterator[VisitReport]:
        found = self._hit(row.hit_id)
        if found is None or found["HITStatus"] == "Disposed":
            yield from _left(visits)
            return
        status, latest = found["HITStatus"], self.clock() - _LAG
        if status in _OVER:
            if is_noted:
                yield from self._read(row, visits)
            return
        # A HIT has one worker: the last arrival, unless the HIT is free again.
        *gone, last = visits
        if status == "Assignable" and (came := _arrived_at(last)) is not None and came <= latest:
            gone.append(last)
        if status in _OPEN:
            for visit in gone:
                yield _report(visit, VisitStatus.RETURNED)

    def _of_ended(self, row: Any, visits: Sequence[VisitView]) -> Iterator[VisitReport]:
        """Report on a HIT with a known end; read it again once its automatic approval is due."""
        for visit in visits:
            if row.worker_name is None:
                yield _report(visit, VisitStatus.EXPIRED)
            elif (row.worker_name, row.assignment_id) != (visit.worker_name, visit.reference):
                yield _report(visit, VisitStatus.RETURNED)
            elif row.approved_at is None or self.clock().timestamp() >= row.approved_at:
                yield from self._read_again(row)

    def _read(self, row: Any, visits: Sequence[VisitView]) -> Generator[VisitReport, None, bool]:
        """Report on a HIT that is over; return whether its end is known."""
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
        """Return the current data of a HIT; None if MTurk has none."""
        try:
            found: Mapping[str, Any] = self.mturk.call("get_hit", HITId=hit)["HIT"]
        except MTurkRefusedError as error:
            if error.meaning is Meaning.MISSING:
                return None
            raise
        return found

    def _submission(self, hit: str) -> Mapping[str, Any] | None:
        try:
            return next(
                self.mturk.pages("list_assignments_for_hit", "Assignments", HITId=hit), None
            )
        except MTurkRefusedError as error:
            if error.meaning is Meaning.MISSING:
                return None
            raise

    def _begin_review(self, hit: str) -> None:
        try:
            self.mturk.call("update_hit_review_status", HITId=hit)
        except MTurkRefusedError as error:
            if error.meaning not in (Meaning.STATE, Meaning.MISSING):
                raise

    def _is_due(self, hit: str) -> bool:
        """Return whether a HIT is to be looked up now; if so, note the time of the look-up."""
        now = self.clock()
        last = self._looked.get(hit, datetime.min.replace(tzinfo=UTC))
        if now - last < _LOOK_UP:
            return False
        self._looked[hit] = now
        return True

    def _by_hit(self, run: int, visits: Sequence[VisitView]) -> dict[str, list[VisitView]]:
        """Group visits by HIT, ordered by their last arrival.

        The visit's parameters name the HIT; without an arrival, the visit's submission leads to it.
        The HIT may belong to another run; only the records show that.
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
    """Return whether a HIT without a listed submission may still get one.

    Such a HIT was extended in the meantime, or has a submission that is not listed yet.
    """
    status = hit["HITStatus"]
    return status in _OPEN or (status in _OVER and not hit["NumberOfAssignmentsAvailable"])


def _arrived_at(visit: VisitView) -> datetime | None:
    return visit.last_arrived_at or visit.arrived_at


def _order(visit: VisitView) -> tuple[datetime, int]:
    return _arrived_at(visit) or datetime.min.replace(tzinfo=UTC), visit.id


def _left(visits: Sequence[VisitView]) -> Iterator[VisitReport]:
    """Report as returned the open visits of a HIT that MTurk does not have any more.

    Visits with answers are left to a person: the reward may have been paid before the HIT was
    deleted.
    """
    for visit in visits:
        if visit.done_at is None:
            yield _report(visit, VisitStatus.RETURNED)


def _made_up(waiting: Mapping[str, Sequence[VisitView]], found: HitLookUp) -> Iterator[VisitReport]:
    """Report as returned visits that name no HIT of the run, unless a HIT's id is unknown yet."""
    if not found.is_any_unnamed:
        for hit in waiting.keys() - found.rows.keys():
            yield from _left(waiting[hit])


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
