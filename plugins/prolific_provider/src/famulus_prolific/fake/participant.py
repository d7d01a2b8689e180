"""A participant as an object, for tests that need no browser."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from famulus_prolific.fake.marketplace import Marketplace
from famulus_prolific.fake.records import Study, Submission
from famulus_prolific.fake.state import State

Turn = Callable[[], AbstractContextManager[State]]


class Participant:
    """Does what a participant does on the site.

    Each method raises :class:`ParticipantRefusedError` if the site would refuse.
    """

    def __init__(self, participant_id: str, market: Marketplace, turn: Turn) -> None:
        self.id = participant_id
        self._market = market
        self._turn = turn

    def studies(self) -> list[Study]:
        """Return the studies that can be taken, newest first."""
        with self._turn():
            return self._market.studies(self.id)

    def reserve(self, study_id: str) -> Submission:
        """Reserve a place."""
        with self._turn():
            return self._market.reserve(study_id, self.id)

    def start(self, submission: Submission) -> str:
        """Start a submission, or open it again; return the address of the researcher's site."""
        with self._turn():
            return self._market.start(submission.id, self.id)

    def take(self, study_id: str) -> tuple[Submission, str]:
        """Reserve and start; return the submission and the address of the researcher's site."""
        submission = self.reserve(study_id)
        return submission, self.start(submission)

    def complete(self, submission: Submission, code: str | None) -> None:
        """Hand in with a code; None presses the button for participants without a code."""
        with self._turn():
            self._market.enter_code(self.id, code, submission.id)

    def give_back(self, submission: Submission) -> None:
        """Return a submission."""
        with self._turn():
            self._market.give_back(submission.id, self.id)
