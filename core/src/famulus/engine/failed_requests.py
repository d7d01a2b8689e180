"""Requests that fail: the reply to the worker, and what the operator finds in the log."""

from __future__ import annotations

import logging
import secrets

from attrs import frozen

from famulus.contracts.views import Refusal, RefusalReason, Reply
from famulus.engine.onboarding import JudgedElsewhereError, UndecidedError
from famulus.engine.replies import Replies
from famulus.errors import UnavailableError
from famulus.model.outages import DatabaseUnavailableError, Outage

_log = logging.getLogger(__name__)


class UnsignedError(Exception):
    """A form without a valid token of this run."""


@frozen(eq=False)
class FailedRequests:
    """Makes the replies to failed requests of one run. Used by many threads."""

    run_id: int
    outage: Outage

    def reply(self, error: BaseException, replies: Replies, as_json: bool) -> Reply:
        """Return the reply to a request that raised ``error``. Called while it is being handled."""
        match error:
            case UnsignedError():
                return replies.refused(Refusal(reason=RefusalReason.UNKNOWN_LINK), as_json)
            case JudgedElsewhereError():
                return replies.busy()
            case UnavailableError():
                self.note(error)
                return replies.busy()
        reference = secrets.token_hex(4)
        if isinstance(error, UndecidedError):
            _log.exception(
                "run %d, reference %s: the onboarding could not be judged", self.run_id, reference
            )
            return replies.undecided(reference, as_json)
        _log.exception("run %d, reference %s", self.run_id, reference)
        return replies.apology(reference, as_json)

    def note(self, cause: Exception) -> None:
        """Log once why requests cannot be served, however many of them fail for this cause."""
        # The database has logged its own outage.
        if not isinstance(cause, DatabaseUnavailableError):
            self.outage.failed(cause)
