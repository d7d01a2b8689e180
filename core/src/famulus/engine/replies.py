"""Replies that do not depend on what a worker has: refusals, apologies, and their form for the
page's own script.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from famulus.contracts.views import Refusal, RefusalReason, Reply
from famulus.engine import pages
from famulus.engine.qualifications.rules import FailedOnboarding

NO_ROOM = (
    "This task has no room for more files, so nothing was stored. Your answers are still"
    " here: please tell the requester, and submit again later."
)


@frozen
class Replies:
    """Makes replies of a run whose pages bear a title."""

    title: str

    def page(self, status: int, body: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Return a page as it is."""
        return Reply(status=status, body=body, headers=headers or {})

    def answer(
        self, outcome: str, status: int, page: str, as_json: bool, message: str = ""
    ) -> Reply:
        """Return a page; for the page's script, with the outcome beside it."""
        if not as_json:
            return self.page(status, page)
        return Reply(
            status=status,
            body=pages.submit_json(outcome, message, page),
            content_type="application/json",
        )

    def refused(
        self, refusal: Refusal, as_json: bool = False, *, passed: bool | None = None
    ) -> Reply:
        """Tell a worker why not.

        :param passed: whether to say that they have just passed the onboarding; None for a run that
            has none.
        """
        if isinstance(refusal, FailedOnboarding):
            status, page = 200, pages.failed_onboarding_document(self.title)
        else:
            status = 404 if refusal.reason is RefusalReason.UNKNOWN_LINK else 403
            page = pages.refusal_document(self.title, refusal, reference=None, passed=passed)
        if as_json:
            message = "This form is not one of ours, or not of this run."
            return self.answer("refused", status, page, True, message=message)
        return self.page(status, page, headers={"X-Famulus-Refusal": refusal.reason.value})

    def conflict(self, as_json: bool) -> Reply:
        """Tell a worker that other answers of theirs are stored already."""
        return self.answer("conflict", 409, pages.conflict_document(self.title), as_json)

    def not_stored(self, outcome: str, message: str, as_json: bool, page: str = "") -> Reply:
        """Tell a worker why their answers are not stored, and what to do.

        :param outcome: ``invalid`` or ``too_large``.
        :param page: the form with what they have sent; where it is empty, they are sent back.
        """
        status = 413 if outcome == "too_large" else 422
        page = page or pages.invalid_document(self.title, message)
        return self.answer(outcome, status, page, as_json, message=message)

    def notice(self, status: int, heading: str, text: str, as_json: bool) -> Reply:
        """Tell a browser what is wrong with its request."""
        outcome = "too_large" if status == 413 else "error"
        page = pages.notice_document(self.title, heading, text, str(status))
        return self.answer(outcome, status, page, as_json, message=text)

    def busy(self) -> Reply:
        """Ask a browser to come again soon."""
        return self.page(503, pages.busy_document(self.title), headers={"Retry-After": "2"})

    def apology(self, reference: str, as_json: bool) -> Reply:
        """Tell a worker that it is our fault; the log has the same reference."""
        page = pages.apology_document(self.title, reference)
        message = f"Something went wrong here. Reference: {reference}"
        return self.answer("error", 500, page, as_json, message=message)

    def undecided(self, reference: str, as_json: bool) -> Reply:
        """Tell a worker that their answers to the onboarding could not be judged."""
        page = pages.undecided_document(self.title, reference)
        message = f"Your answers could not be checked; try again later. Reference: {reference}"
        return self.answer("error", 500, page, as_json, message=message)
