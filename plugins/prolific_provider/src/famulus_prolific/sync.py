"""Reports on visits, from the list of a study's submissions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import define, field

from famulus import VisitReport, VisitStatus
from famulus_prolific import submissions
from famulus_prolific.api import ProlificApi, ProlificRefusedError
from famulus_prolific.records import WithoutWork
from famulus_prolific.submissions import ReportedSubmission, list_submissions, read_submission

if TYPE_CHECKING:
    from famulus import Clock, RunView, VisitView
    from famulus_prolific.records import StudyRecord

#: How long the list is not read again while the numbers of submissions by status are the same.
_UNCHANGED = timedelta(minutes=10)
#: The most visits that are read one by one rather than from the list.
_FEW = 3
_STATUSES: Mapping[str, VisitStatus] = {
    submissions.AWAITING_REVIEW: VisitStatus.SUBMITTED,
    submissions.APPROVED: VisitStatus.APPROVED,
    submissions.REJECTED: VisitStatus.REJECTED,
    submissions.SCREENED_OUT: VisitStatus.SCREENED_OUT,
    submissions.RETURNED: VisitStatus.RETURNED,
    submissions.TIMED_OUT: VisitStatus.TIMED_OUT,
}
_OPEN = (submissions.RESERVED, submissions.ACTIVE)
_PAID = (VisitStatus.APPROVED, VisitStatus.SCREENED_OUT)


@define(eq=False, kw_only=True)
class Sync:
    """Reports on the visits of a run.

    Reads the numbers of the study's submissions by status first. Only if these numbers have
    changed, it reads the list, a hundred submissions per call.
    """

    api: ProlificApi
    clock: Clock
    #: returns the record of a run's study; None before it is made
    study_of: Callable[[int], StudyRecord | None]
    #: stores how many submissions without work a run has
    note_without_work: Callable[[int, WithoutWork], None]
    #: what a worker who is screened out is paid; None if the study pays them nothing
    screen_out_reward: Decimal | None = None
    #: the numbers of the last list that was read whole, with the rejections sent before, and the
    #: time of that reading
    _counts: Any = field(default=None, init=False)
    _read_at: datetime = field(default=datetime.min.replace(tzinfo=UTC), init=False)

    def reports(self, run: RunView) -> Iterator[VisitReport]:
        """Yield the status of each submission that has ended or was handed in."""
        record = self.study_of(run.id)
        if record is None or record.study_id is None:
            return
        began, counts = self.clock(), self._read_counts(record.study_id)
        # A rejection that was undone in the meantime leaves the numbers as they were.
        seen = None if counts is None else (counts, record.rejections)
        # The clock may have been set back.
        is_recent = abs(began - self._read_at) < _UNCHANGED
        if seen is not None and seen == self._counts and is_recent:
            return
        found = WithoutWork()
        for each in list_submissions(self.api, record.study_id):
            report = self._report(each, record.codes)
            if report is not None:
                yield report
            elif is_without_work(each, record.codes):
                found = _with(found, each)
        if found != record.without_work:
            self.note_without_work(run.id, found)
        self._counts, self._read_at = seen, began

    def look(self, run: RunView, visits: Sequence[VisitView]) -> Iterator[VisitReport]:
        """Yield the status of these visits; stores nothing."""
        record = self.study_of(run.id)
        if not visits or record is None or record.study_id is None:
            return
        names = {visit.reference: visit.worker_name for visit in visits}
        for found in self._looked_up(record.study_id, names.keys()):
            report = self._report(found, record.codes)
            if report is not None and report.worker_name == names[report.reference]:
                yield report

    def open(self, run: RunView) -> list[str]:
        """Return the ids of the submissions that are reserved or active; stores nothing.

        The list is only read if the numbers of submissions by status include any.
        """
        record = self.study_of(run.id)
        if record is None or record.study_id is None:
            return []
        counts = self._read_counts(record.study_id)
        if counts is not None and not any(int(counts.get(each) or 0) for each in _OPEN):
            return []
        return [
            each.id for each in list_submissions(self.api, record.study_id) if each.status in _OPEN
        ]

    def paid(self, run: RunView) -> Iterator[VisitReport]:
        """Yield the status of each submission that is paid; stores nothing."""
        record = self.study_of(run.id)
        if record is not None and record.study_id is not None:
            yield from (each for each in self._listed(record) if each.status in _PAID)

    def _looked_up(self, study: str, wanted: Set[str]) -> Iterator[ReportedSubmission]:
        """Yield the wanted submissions of a study: a few by single calls, more from the list.

        The list may lack the newest submissions, so some of the missing ones are read singly. An id
        that Prolific does not know is skipped: it may come from a made-up address.
        """
        left = set(wanted)
        if len(left) > _FEW:
            for found in list_submissions(self.api, study):
                if found.id in left:
                    left.remove(found.id)
                    yield found
                if not left:
                    return
        for reference in sorted(left)[:_FEW]:
            try:
                yield read_submission(self.api, reference)
            except ProlificRefusedError as error:
                if not error.is_missing:
                    raise

    def _listed(self, record: StudyRecord) -> Iterator[VisitReport]:
        assert record.study_id is not None
        for each in list_submissions(self.api, record.study_id):
            report = self._report(each, record.codes)
            if report is not None:
                yield report

    def _report(self, found: ReportedSubmission, codes: Mapping[str, str]) -> VisitReport | None:
        """Return the report on a submission; None if its status says nothing about a visit.

        A submission with the code of a refusal contains no work: its worker is asked to return it.
        Lists lack the amount of a partial approval, so it is known only for approvals made from
        here.
        """
        status = _STATUSES.get(found.status)
        if status is None or is_without_work(found, codes):
            return None
        is_paid = status is VisitStatus.SCREENED_OUT
        return VisitReport(
            worker_name=found.participant,
            reference=found.id,
            status=status,
            amount=self.screen_out_reward if is_paid else None,
        )

    def _read_counts(self, study: str) -> Any:
        """Return the numbers of a study's submissions by status; None if they are not known."""
        try:
            return self.api.get(f"studies/{study}/submissions/counts/")
        except ProlificRefusedError:
            return None


def is_without_work(found: ReportedSubmission, codes: Mapping[str, str]) -> bool:
    """Return whether a submission awaits its review although no work was done for it."""
    return found.status == submissions.AWAITING_REVIEW and is_refusal(found.code, codes)


def _with(known: WithoutWork, found: ReportedSubmission) -> WithoutWork:
    days = [each for each in (known.since, found.completed_on) if each is not None]
    return WithoutWork(number=known.number + 1, since=min(days, default=None))


def is_refusal(code: str, codes: Mapping[str, str]) -> bool:
    """Return whether a code is for workers who leave without having done the work."""
    outcomes = {text: outcome for outcome, text in codes.items()}
    return outcomes.get(code, "completed") != "completed"
