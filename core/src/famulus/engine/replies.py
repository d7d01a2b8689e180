"""Replies of a gateway that need no database: refusals, errors and apologies."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from famulus.catalogue import _
from famulus.contracts.views import Refusal, RefusalReason, Reply
from famulus.engine import pages
from famulus.engine.qualifications.rules import FailedOnboarding
from famulus.translation import Translator, choose_language

_NOT_OURS = _("This form does not belong to this task. Please open the task again.")


@frozen
class Replies:
    """Makes the replies of one run in the language of a request."""

    title: str
    translate: Translator
    #: how workers reach the requester; empty if that is unset
    contact: str = ""

    def page(self, status: int, body: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Return the reply with a page."""
        return Reply(status=status, body=body, headers=headers or {})

    def answer(
        self,
        outcome: str,
        status: int,
        page: str,
        as_json: bool,
        *,
        message: str = "",
        fields: Mapping[str, str] = MappingProxyType({}),
    ) -> Reply:
        """Return the reply with a page; for the page's script, JSON with the outcome."""
        if not as_json:
            return self.page(status, page)
        return Reply(
            status=status,
            body=pages.submit_json(outcome, message, page, fields),
            content_type="application/json",
        )

    def refused(
        self,
        refusal: Refusal,
        as_json: bool = False,
        *,
        passed: bool | None = None,
        way_out: pages.WayOut | None = None,
    ) -> Reply:
        """Return the reply to a worker who is refused.

        :param passed: whether to add that the worker has just passed the onboarding; None for a run
            that has none.
        :param way_out: how a worker who holds a place leaves; None for other workers.
        """
        if isinstance(refusal, FailedOnboarding):
            status = 200
            page = pages.failed_onboarding_document(
                self.title,
                self.translate,
                refusal.detail,
                way_out,
                is_screened_out=refusal.is_screened_out,
            )
        else:
            status = 404 if refusal.reason is RefusalReason.UNKNOWN_LINK else 403
            page = pages.refusal_document(
                self.title,
                self.translate,
                refusal,
                passed=passed,
                contact=self.contact,
                way_out=way_out,
            )
        if as_json:
            message = self.translate(_NOT_OURS)
            return self.answer("refused", status, page, True, message=message)
        return self.page(status, page, headers={"X-Famulus-Refusal": refusal.code})

    def conflict(self, as_json: bool) -> Reply:
        """Return the reply to answers of a worker who has other answers stored."""
        page = pages.conflict_document(self.title, self.translate)
        return self.answer("conflict", 409, page, as_json)

    def not_stored(
        self,
        outcome: str,
        message: str,
        as_json: bool,
        *,
        page: str = "",
        fields: Mapping[str, str] = MappingProxyType({}),
    ) -> Reply:
        """Return the reply to answers that are not stored.

        :param outcome: ``invalid`` or ``too_large``.
        :param page: the form with the answers; without it, a page that refers to the Back button.
        :param fields: a sentence for each field that is not right.
        """
        status = 413 if outcome == "too_large" else 422
        page = page or pages.invalid_document(self.title, self.translate, message)
        return self.answer(outcome, status, page, as_json, message=message, fields=fields)

    def notice(self, status: int, heading: str, text: str, as_json: bool) -> Reply:
        """Return the reply to a request that cannot be answered."""
        outcome = "too_large" if status == 413 else "error"
        page = pages.notice_document(self.title, self.translate, heading, text, str(status))
        return self.answer(outcome, status, page, as_json, message=self.translate(text))

    def busy(self) -> Reply:
        """Return the reply to a request that can be repeated in a moment."""
        page = pages.busy_document(self.title, self.translate)
        return self.page(503, page, headers={"Retry-After": "2"})

    def apology(self, reference: str, as_json: bool) -> Reply:
        """Return the reply after an internal error, with the reference that the log has too."""
        page = pages.apology_document(self.title, self.translate, reference, self.contact)
        message = _("Something went wrong here. Reference: {reference}", reference=reference)
        return self.answer("error", 500, page, as_json, message=self.translate(message))

    def undecided(self, reference: str, as_json: bool) -> Reply:
        """Return the reply to an onboarding that could not be judged."""
        page = pages.undecided_document(self.title, self.translate, reference, self.contact)
        message = _(
            "Your answers could not be checked; try again later. Reference: {reference}",
            reference=reference,
        )
        return self.answer("error", 500, page, as_json, message=self.translate(message))


def replies_in(info: pages.TaskInfo, accept_language: str) -> Replies:
    """Return the replies of a run in the language of a request.

    :param accept_language: the request's ``Accept-Language`` header.
    """
    translate = Translator(choose_language(info.language, accept_language, info.languages))
    return Replies(translate(info.title), translate, translate(info.contact))
