"""Verdicts on submissions. Each can be sent again: what Prolific already has is confirmed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

import famulus
from famulus import (
    Approve,
    Outcome,
    Reject,
    RequestReturn,
    Result,
    UnavailableError,
    VisitVerdict,
    VisitView,
)
from famulus_prolific import submissions
from famulus_prolific.api import CallLostError, ProlificApi, ProlificRefusedError
from famulus_prolific.submissions import ReportedSubmission, list_submissions, read_submission

#: Seconds until a verdict is sent again on a submission that is not handed in yet, or whose
#: approval is in progress.
_NOT_YET, _IN_PROGRESS = 30, 10
#: What becomes of money for submissions that Prolific does not approve any more.
_ENDED: Mapping[str, str] = {
    submissions.RETURNED: "the participant has returned it",
    submissions.TIMED_OUT: "its time was over before it was handed in",
    submissions.REJECTED: "it is rejected",
    submissions.APPROVED: "it is approved and paid",
    submissions.PARTIALLY_APPROVED: "a part of its reward is paid",
    submissions.SCREENED_OUT: "it is screened out",
}


@frozen(kw_only=True)
class Verdicts:
    """Sends the verdicts of one account."""

    api: ProlificApi
    #: returns the study of a run; raises :class:`famulus.RefusedError` where it has none
    study_of: Callable[[int], str]
    #: called with the run before each rejection
    note_rejection: Callable[[int], None]

    def decide(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        """Send verdicts, approvals together.

        :raises famulus.UnavailableError: when Prolific cannot be reached.
        """
        approvals = [each for each in verdicts if isinstance(each.verdict, Approve)]
        yield from self._approve_all(approvals)
        for each in verdicts:
            if not isinstance(each.verdict, Approve):
                yield each.key, self._result(each)

    def _approve_all(self, verdicts: Sequence[VisitVerdict]) -> Iterator[tuple[str, Result]]:
        left = {each.visit.reference: each for each in verdicts}
        if len(left) > 1 and self._approve_together([*left]):
            for found in self._found(verdicts):
                if found.status == submissions.APPROVED:
                    yield left.pop(found.id).key, Outcome.CONFIRMED
                elif found.status == submissions.AWAITING_REVIEW:
                    message = "Prolific is still approving the submission"
                    result = UnavailableError(message, retry_after=_IN_PROGRESS)
                    yield left.pop(found.id).key, result
        for each in left.values():
            yield each.key, self._result(each)

    def _approve_together(self, references: Sequence[str]) -> bool:
        """Approve submissions by one call, carried out later; return whether Prolific accepts it.

        A single submission that cannot be approved may make Prolific refuse the call.
        """
        try:
            self.api.post("submissions/bulk-approve/", {"submission_ids": [*references]})
        except ProlificRefusedError:
            return False
        return True

    def _found(self, verdicts: Sequence[VisitVerdict]) -> Iterator[ReportedSubmission]:
        """Yield the submissions of verdicts, read from the lists of their studies."""
        for run in dict.fromkeys(each.visit.run_id for each in verdicts):
            asked = {each.visit.reference for each in verdicts if each.visit.run_id == run}
            for found in list_submissions(self.api, self.study_of(run)):
                if found.id in asked:
                    asked.discard(found.id)
                    yield found
                if not asked:
                    break

    def _result(self, given: VisitVerdict) -> Result:
        """Send one verdict and return its result, or the error that concerns this verdict only."""
        visit, verdict = given.visit, given.verdict
        try:
            if isinstance(verdict, Approve):
                return self._approve(visit)
            if isinstance(verdict, RequestReturn):
                return self._request_return(visit, verdict.reason)
            if isinstance(verdict, Reject):
                return self._reject(visit, verdict)
        except CallLostError:
            raise
        except (famulus.RefusedError, UnavailableError) as error:
            return error
        return famulus.RefusedError(f"Prolific does not support the verdict {verdict!r}")

    def _approve(self, visit: VisitView) -> Outcome:
        body = {"action": "APPROVE"}
        try:
            return self._transition(visit, body, submissions.APPROVED)
        except _MismatchError as mismatch:
            if mismatch.status != submissions.REJECTED:
                raise
        # The documentation lists the action, and says that a rejection is final.
        self._transition(visit, {"action": "UNREJECT"}, submissions.AWAITING_REVIEW)
        return self._transition(visit, body, submissions.APPROVED)

    def _reject(self, visit: VisitView, verdict: Reject) -> Outcome:
        if not verdict.category:
            raise famulus.RefusedError("Prolific rejects nothing without a category")
        body = {
            "action": "REJECT",
            "message": verdict.reason,
            "rejection_category": verdict.category,
        }
        self.note_rejection(visit.run_id)
        return self._transition(visit, body, submissions.REJECTED)

    def _request_return(self, visit: VisitView, reason: str) -> Outcome:
        """Ask for a return, unless that was done before, since each request sends a message."""
        found = read_submission(self.api, visit.reference)
        if found.is_return_requested or found.status == submissions.RETURNED:
            return Outcome.CONFIRMED
        if found.status != submissions.AWAITING_REVIEW:
            raise _mismatch(visit, found.status, "a return cannot be requested")
        self.api.post(
            f"submissions/{visit.reference}/request-return/", {"request_return_reasons": [reason]}
        )
        return Outcome.CONFIRMED

    def _transition(self, visit: VisitView, body: Mapping[str, Any], wanted: str) -> Outcome:
        """Give a submission the wanted status, unless it already has it.

        :raises _MismatchError: when its status does not allow that.
        :raises famulus.UnavailableError: when Prolific has accepted the change, but the submission
            still awaits review.
        """
        refused: ProlificRefusedError | None = None
        try:
            reply = self.api.post(f"submissions/{visit.reference}/transition/", dict(body))
            status = submissions.plain_status((reply or {}).get("status"))
        except ProlificRefusedError as error:
            refused, status = error, ""
        if status != wanted:
            # A second request is ignored, as is, perhaps, one that comes too late.
            status = read_submission(self.api, visit.reference).status
        if status == wanted:
            return Outcome.CONFIRMED
        if refused is not None and status == submissions.AWAITING_REVIEW:
            raise refused
        if status == submissions.AWAITING_REVIEW:
            message = f"Prolific has not made the submission {wanted.lower()} yet"
            raise UnavailableError(message, retry_after=_IN_PROGRESS)
        raise _mismatch(
            visit, status, f"Prolific cannot change it to {wanted.lower()}"
        ) from refused


class _MismatchError(famulus.RefusedError):
    """A submission has a status in which the verdict cannot be sent."""

    def __init__(self, message: str, status: str) -> None:
        super().__init__(message)
        self.status = status


def _mismatch(visit: VisitView, status: str, result: str) -> famulus.FamulusError:
    if status in (submissions.RESERVED, submissions.ACTIVE):
        message = f"the submission {visit.reference} is not handed in yet on Prolific"
        return UnavailableError(message, retry_after=_NOT_YET)
    why = _ENDED.get(status, f"its status is {status}")
    return _MismatchError(f"{why}, and {result}: the submission {visit.reference}", status)
