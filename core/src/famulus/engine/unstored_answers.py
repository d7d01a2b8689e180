"""Replies to answers that are not stored; the worker must not lose them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from famulus.catalogue import _
from famulus.contracts.views import Form, Reply
from famulus.engine.attempts import Attempt
from famulus.engine.replies import Replies
from famulus.engine.task_pages import TaskPages
from famulus.errors import InvalidAnswers

#: Bytes of a form, and of a message that may quote it, that its page repeats when the answers are
#: refused. The browser has kept those of a larger one.
_MOST_REFILLED = 16_000
#: Characters of a blueprint's message about answers that it refuses, which may repeat them.
_LONGEST_MESSAGE = 2000
_NO_ROOM = _(
    "This task has no room for more files, so nothing was stored. Your answers are still"
    " here: please write to the requester, and submit again later."
)
_FILES_AGAIN = _("If you had chosen files, please choose them again.")


@frozen
class NotStored:
    """Why answers are not stored."""

    #: ``invalid`` or ``too_large``, as the page's script knows it
    outcome: str
    #: for the worker
    message: str
    #: a sentence for each field that is not right
    fields: Mapping[str, str] = MappingProxyType({})

    @classmethod
    def invalid(cls, error: InvalidAnswers) -> NotStored:
        """Return the reason for answers that the blueprint refuses."""
        return cls("invalid", error.message, error.fields)

    @classmethod
    def too_large(cls, message: str = _NO_ROOM) -> NotStored:
        """Return the reason for a form that is too large."""
        return cls("too_large", message)


@frozen(eq=False)
class UnstoredAnswers:
    """Makes the replies of one run. Used by many threads."""

    pages: TaskPages

    def reply(
        self, attempt: Attempt, form: Form, reason: NotStored, as_json: bool, replies: Replies
    ) -> Reply:
        """Return the reply to a form whose answers are not stored.

        The page's script keeps the form; a browser without the script gets the form with the
        answers.
        """
        outcome = reason.outcome
        message = replies.translate(reason.message)[:_LONGEST_MESSAGE]
        fields = {name: replies.translate(text) for name, text in reason.fields.items()}
        texts = [message, *(text for field in form.fields for text in field)]
        size = sum(len(text.encode(errors="replace")) for text in texts)
        if as_json or attempt.submission is not None or size > _MOST_REFILLED:
            return replies.not_stored(outcome, message, as_json, fields=fields)
        if form.files or form.empty_files:
            message = f"{message} {replies.translate(_FILES_AGAIN)}"
        page = self.pages.refused_page(attempt, form, message, fields, replies.translate)
        return replies.not_stored(outcome, message, False, page=page)
