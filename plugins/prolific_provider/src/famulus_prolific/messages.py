"""Messages to participants, which Prolific shows them in its own inbox."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

import famulus
from famulus import UnavailableError
from famulus_prolific.api import CallLostError, ProlificApi, ProlificRefusedError
from famulus_prolific.submissions import list_submissions

#: Participants per call; Prolific documents no limit.
_AT_ONCE = 100


@frozen(kw_only=True)
class Messages:
    """Sends messages about one study."""

    api: ProlificApi
    #: the study's id
    study: str

    def participants(self) -> list[str]:
        """Return the participants with a submission to the study, in any status."""
        found = (each.participant for each in list_submissions(self.api, self.study))
        return [*dict.fromkeys(found)]

    def send(self, participants: Sequence[str], text: str) -> None:
        """Send a message to each of these participants.

        :raises famulus.UnavailableError: when it was not sent to all; the error names those who may
            have it.
        :raises famulus.RefusedError: when Prolific refuses the message; the error also names them.
        """
        sent: list[str] = []
        for first in range(0, len(participants), _AT_ONCE):
            ids = [*participants[first : first + _AT_ONCE]]
            try:
                self._send(ids, text)
            except CallLostError as error:
                maybe = [*sent, *ids] if error.maybe_done else sent
                raise UnavailableError(f"{error}; {_said(maybe)}") from error
            except ProlificRefusedError as error:
                raise famulus.RefusedError(f"{error}; {_said(sent)}") from error
            sent += ids

    def _send(self, participants: Sequence[str], text: str) -> None:
        self.api.post(
            "messages/bulk/", {"ids": [*participants], "body": text, "study_id": self.study}
        )


def _said(participants: Sequence[str]) -> str:
    if not participants:
        return "no message was sent"
    return f"these may have the message, so do not send it to them again: {', '.join(participants)}"
