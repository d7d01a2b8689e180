"""Submissions: lists, and the decisions of researchers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from famulus_prolific.fake.changes import SCREEN_OUT, Changes
from famulus_prolific.fake.completions import Completions
from famulus_prolific.fake.errors import bad_request, missing
from famulus_prolific.fake.exchange import ApiReply, Request
from famulus_prolific.fake.paging import page
from famulus_prolific.fake.payouts import Payouts
from famulus_prolific.fake.records import Rejection, Submission, SubmissionStatus
from famulus_prolific.fake.state import State
from famulus_prolific.fake.submission_views import submission_detail, submission_row

CATEGORIES = frozenset(
    {
        "TOO_QUICKLY",
        "TOO_SLOWLY",
        "FAILED_INSTRUCTIONS",
        "INCOMP_LONGITUDINAL",
        "FAILED_CHECK",
        "LOW_EFFORT",
        "MALINGERING",
        "NO_CODE",
        "BAD_CODE",
        "NO_DATA",
        "UNSUPP_DEVICE",
        "OTHER",
    }
)
#: letters of a rejection's message
SHORTEST_MESSAGE = 100
_Decision = Callable[[Submission, Request], None]


class Submissions:
    """The operations on submissions."""

    def __init__(
        self, state: State, changes: Changes, payouts: Payouts, completions: Completions
    ) -> None:
        self._state = state
        self._changes = changes
        self._payouts = payouts
        self._completions = completions
        done = SubmissionStatus
        #: the decision, the status that it is possible in, and what it leads to
        self._decisions: dict[str, tuple[_Decision, SubmissionStatus, set[SubmissionStatus]]] = {
            "APPROVE": (self._approve, done.AWAITING_REVIEW, {done.APPROVED}),
            "REJECT": (self._reject, done.AWAITING_REVIEW, {done.REJECTED}),
            "UNREJECT": (self._unreject, done.REJECTED, {done.AWAITING_REVIEW}),
            "SCREEN_OUT": (self._screen_out, done.AWAITING_REVIEW, {done.SCREENED_OUT}),
            "START": (self._start, done.RESERVED, {done.ACTIVE}),
            "RETURN": (self._return, done.AWAITING_REVIEW, {done.RETURNED}),
            "UNRETURN": (self._unreturn, done.RETURNED, {done.AWAITING_REVIEW}),
            "COMPLETE": (
                self._complete,
                done.ACTIVE,
                {
                    done.AWAITING_REVIEW,
                    done.APPROVED,
                    done.PARTIALLY_APPROVED,
                    done.SCREENED_OUT,
                },
            ),
        }

    def list_all(self, request: Request) -> ApiReply:
        """List submissions, newest first; only those of the study that the query names, if any."""
        study_id = request.query.get("study")
        if study_id is None:
            return self._listed(request, list(self._state.submissions.values()))
        return self._listed(request, self._state.study(study_id).submissions)

    def list_of_study(self, request: Request) -> ApiReply:
        """List the submissions of a study, newest first."""
        return self._listed(request, self._state.study(request.path["id"]).submissions)

    def counts(self, request: Request) -> ApiReply:
        """Count the submissions of a study by status."""
        found = self._state.study(request.path["id"]).submissions
        counts = {str(one): sum(each.status is one for each in found) for one in SubmissionStatus}
        return ApiReply(body={**counts, "TOTAL": len(found)})

    def get(self, request: Request) -> ApiReply:
        """Show a submission."""
        submission = self._state.submission(request.path["id"])
        return ApiReply(body=submission_detail(self._state, submission))

    def transition(self, request: Request) -> ApiReply:
        """Change the status of a submission; the same request again is ignored."""
        submission, action = (
            self._state.submission(request.path["id"]),
            request.member("action", str),
        )
        if action not in self._decisions:
            raise bad_request({"action": [f"'{action}' is not a valid choice."]})
        decide, possible_in, results = self._decisions[action]
        if submission.status is possible_in:
            decide(submission, request)
        elif submission.status not in results:
            raise self._impossible(submission, action)
        return ApiReply(body=submission_detail(self._state, submission))

    def bulk_approve(self, request: Request) -> ApiReply:
        """Approve many submissions; those that cannot be approved are left as they are."""
        found = [self._state.submission(one) for one in self._bulk_ids(request)]
        if self._state.facts.bulk_approval_is_strict:
            allowed = {SubmissionStatus.AWAITING_REVIEW, SubmissionStatus.APPROVED}
            for submission in found:
                if submission.status not in allowed:
                    raise self._impossible(submission, "APPROVE")
        takes = self._state.facts.bulk_approval_takes
        if takes:
            self._state.timeline.at(self._state.now + takes, lambda: self._approve_all(found))
        else:
            self._approve_all(found)
        return ApiReply(body="The request to bulk approve has been made successfully.")

    def request_return(self, request: Request) -> ApiReply:
        """Ask a participant to return a submission; they may decline."""
        submission = self._state.submission(request.path["id"])
        if not request.texts("request_return_reasons"):
            raise bad_request({"request_return_reasons": ["At least one reason is required."]})
        if submission.status not in {
            SubmissionStatus.ACTIVE,
            SubmissionStatus.AWAITING_REVIEW,
        }:
            raise self._impossible(submission, "request-return")
        submission.return_requested = submission.return_requested or self._state.now
        return ApiReply(body=submission_detail(self._state, submission))

    def _bulk_ids(self, request: Request) -> list[str]:
        if "submission_ids" in request.members:
            return request.texts("submission_ids")
        study = self._state.study(request.member("study_id", str))
        of = {one.participant_id: one.id for one in study.submissions}
        wanted = request.texts("participant_ids")
        for participant_id in wanted:
            if participant_id not in of:
                raise missing("Participant", participant_id)
        return [of[one] for one in wanted]

    def _approve_all(self, submissions: list[Submission]) -> None:
        for submission in submissions:
            if submission.status is SubmissionStatus.AWAITING_REVIEW:
                self._payouts.approve(submission)

    def _approve(self, submission: Submission, request: Request) -> None:
        self._payouts.approve(submission)

    def _reject(self, submission: Submission, request: Request) -> None:
        message, category = (
            request.member("message", str),
            request.member("rejection_category", str),
        )
        if len(message) < SHORTEST_MESSAGE:
            detail = f"Ensure this field has at least {SHORTEST_MESSAGE} characters."
            raise bad_request({"message": [detail]})
        if category not in CATEGORIES:
            raise bad_request({"rejection_category": [f"'{category}' is not a valid choice."]})
        most = self._state.facts.most_rejections
        rejected = sum(
            one.status is SubmissionStatus.REJECTED for one in self._state.submissions.values()
        )
        if most is not None and rejected >= most:
            raise bad_request("You have reached the limit of rejections.")
        self._payouts.reject(submission, Rejection(category=category, message=message))

    def _unreject(self, submission: Submission, request: Request) -> None:
        submission.rejection = None
        self._changes.submission(submission, SubmissionStatus.AWAITING_REVIEW)
        self._completions.await_review(submission)

    def _screen_out(self, submission: Submission, request: Request) -> None:
        actions = [one.action(SCREEN_OUT) for one in submission.study.codes]
        for action in actions:
            if action is not None:
                self._payouts.screen_out(submission, action)
                return
        raise bad_request("No completion code of this study screens out.")

    def _start(self, submission: Submission, request: Request) -> None:
        submission.started_at = self._state.now
        self._changes.submission(submission, SubmissionStatus.ACTIVE)

    def _return(self, submission: Submission, request: Request) -> None:
        self._refuse_returning()
        self._changes.submission(submission, SubmissionStatus.RETURNED)

    def _unreturn(self, submission: Submission, request: Request) -> None:
        self._refuse_returning()
        self._changes.submission(submission, SubmissionStatus.AWAITING_REVIEW)
        self._completions.await_review(submission)

    def _complete(self, submission: Submission, request: Request) -> None:
        self._completions.by_researcher(
            submission,
            request.member("completion_code", str),
            request.members.get("completion_code_data"),
        )

    def _refuse_returning(self) -> None:
        if not self._state.facts.researchers_may_return:
            raise self._state.wrong_state("Only participants can return submissions.")

    def _impossible(self, submission: Submission, action: str) -> Exception:
        return self._state.wrong_state(
            f"The action {action} is not possible while the submission is {submission.status}."
        )

    def _listed(self, request: Request, found: list[Submission]) -> ApiReply:
        state = self._state
        rows: list[dict[str, Any]] = [
            submission_row(state, one) for one in reversed(found) if not state.late(one.reserved_at)
        ]
        return page(rows, request)
