"""The actions of participants: reserve, start, enter a code, return."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from famulus_prolific.fake.changes import Changes, count, open_places
from famulus_prolific.fake.completions import Completions
from famulus_prolific.fake.errors import ParticipantRefusedError
from famulus_prolific.fake.filters import lets_in
from famulus_prolific.fake.records import (
    AT_WORK,
    Study,
    StudyStatus,
    Submission,
    SubmissionStatus,
)
from famulus_prolific.fake.signing import Signing
from famulus_prolific.fake.state import Profile, State
from famulus_prolific.fake.timings import RESERVATION

_LATE = frozenset({SubmissionStatus.TIMED_OUT})
_RETURNABLE = AT_WORK | {SubmissionStatus.AWAITING_REVIEW}


class Marketplace:
    """The participants' side. The caller holds the lock."""

    def __init__(
        self, state: State, changes: Changes, completions: Completions, signing: Signing
    ) -> None:
        self._state = state
        self._changes = changes
        self._completions = completions
        self._signing = signing

    def studies(self, participant_id: str) -> list[Study]:
        """Return the studies that a participant finds, newest first."""
        found = reversed(self._state.studies.values())
        return [one for one in found if self._refusal(one, participant_id) is None]

    def reserve(self, study_id: str, participant_id: str) -> Submission:
        """Reserve a place, which lasts ten minutes."""
        state = self._state
        study = state.studies.get(study_id)
        refusal = "There is no such study." if study is None else None
        if study is not None:
            refusal = self._refusal(study, participant_id)
        if study is None or refusal is not None:
            raise ParticipantRefusedError(refusal)
        submission = Submission(
            id=state.new_id(),
            study=study,
            participant_id=participant_id,
            reserved_at=state.now,
            deadline=state.now + RESERVATION,
        )
        study.submissions.append(submission)
        state.submissions[submission.id] = submission
        state.timeline.at(submission.deadline, lambda: self._expire(submission))
        self._changes.submission(submission, SubmissionStatus.RESERVED)
        return submission

    def start(self, submission_id: str, participant_id: str) -> str:
        """Start, or come back to, a submission; return the address of the researcher's site."""
        state, submission = self._state, self.own(submission_id, participant_id)
        if submission.status is SubmissionStatus.RESERVED:
            minutes = submission.study.fields["maximum_allowed_time"]
            submission.started_at = state.now
            submission.deadline = state.now + timedelta(minutes=minutes)
            state.timeline.at(submission.deadline, lambda: self._time_out(submission))
            self._changes.submission(submission, SubmissionStatus.ACTIVE)
        if submission.status is not SubmissionStatus.ACTIVE:
            raise ParticipantRefusedError(f"This submission is {submission.status}.")
        return self.address(submission)

    def address(self, submission: Submission) -> str:
        """Return the address of the researcher's site for one submission."""
        study = submission.study
        values = {
            "PROLIFIC_PID": submission.participant_id,
            "STUDY_ID": study.id,
            "SESSION_ID": submission.id,
        }
        url = str(study.fields["external_study_url"])
        for name, value in values.items():
            url = url.replace(f"{{{{%{name}%}}}}", quote(value, safe=""))
        if not study.fields.get("is_external_study_url_secure"):
            return url
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True)
        token = self._signing.token(
            str(study.fields["external_study_url"]),
            submission,
            {**dict(query), "workspace_id": self._state.projects[study.project]},
        )
        return urlunsplit(parts._replace(query=urlencode([*query, ("prolific_token", token)])))

    def enter_code(
        self, participant_id: str, code: str | None, submission_id: str | None = None
    ) -> Submission:
        """Hand in a submission, with a code or without; repeating the code changes nothing.

        Without an id, hand in the participant's current submission, or else their latest one.
        """
        if submission_id is not None:
            submission = self.own(submission_id, participant_id)
        else:
            submission = self._latest(participant_id)
        status, late = submission.status, self._state.facts.late_codes_accepted
        if status is SubmissionStatus.ACTIVE or (late and status in _LATE):
            self._completions.by_participant(submission, code)
        elif submission.completed_at is None or submission.entered_code != code:
            raise ParticipantRefusedError(f"This submission is {status}.")
        return submission

    def give_back(self, submission_id: str, participant_id: str) -> None:
        """Return a submission, even after handing it in."""
        submission = self.own(submission_id, participant_id)
        if submission.status not in _RETURNABLE:
            raise ParticipantRefusedError(f"This submission is {submission.status}.")
        self._changes.submission(submission, SubmissionStatus.RETURNED)

    def own(self, submission_id: str, participant_id: str) -> Submission:
        """Return a participant's own submission."""
        submission = self._state.submissions.get(submission_id)
        if submission is None or submission.participant_id != participant_id:
            raise ParticipantRefusedError("You have no such submission.")
        return submission

    def submissions_of(self, participant_id: str) -> list[Submission]:
        """Return all of a participant's submissions, newest first."""
        found = reversed(self._state.submissions.values())
        return [one for one in found if one.participant_id == participant_id]

    def _latest(self, participant_id: str) -> Submission:
        mine = self.submissions_of(participant_id)
        begun = [one for one in mine if one.status is SubmissionStatus.ACTIVE] or mine
        if not begun:
            raise ParticipantRefusedError("You have no submission to complete.")
        return begun[0]

    def _refusal(self, study: Study, participant_id: str) -> str | None:
        state = self._state
        if study.status is not StudyStatus.ACTIVE or not open_places(study):
            return "This study is full or not open."
        if study.is_test is not state.participants.get(participant_id, Profile()).is_test:
            return "You are not eligible for this study."
        if not lets_in(state, study.fields.get("filters") or [], participant_id):
            return "You are not eligible for this study."
        limits = study.fields.get("submissions_config") or {}
        if self._has_been(study, participant_id, limits.get("max_submissions_per_participant", 1)):
            return "You have already taken part in this study."
        most = limits.get("max_concurrent_submissions")
        if most and most > 0 and count(study, AT_WORK) >= most:
            return "Too many participants are at work. Please try again later."
        return None

    def _has_been(self, study: Study, participant_id: str, most: int) -> bool:
        mine = [one for one in study.submissions if one.participant_id == participant_id]
        if any(one.status in AT_WORK for one in mine):
            return True
        if self._state.facts.returned_may_come_back:
            mine = [one for one in mine if one.status is not SubmissionStatus.RETURNED]
        return most >= 0 and len(mine) >= most

    def _expire(self, submission: Submission) -> None:
        if submission.status is not SubmissionStatus.RESERVED:
            return
        end = self._state.facts.expired_reservation
        if end != "removed":
            self._changes.submission(submission, SubmissionStatus(end))
            return
        submission.study.submissions.remove(submission)
        del self._state.submissions[submission.id]
        self._changes.settle(submission.study)

    def _time_out(self, submission: Submission) -> None:
        if submission.status is SubmissionStatus.ACTIVE:
            self._changes.submission(submission, SubmissionStatus.TIMED_OUT)
