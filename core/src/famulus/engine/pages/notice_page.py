"""Pages with one message: what has happened, or what went wrong."""

from __future__ import annotations

from html import escape

from famulus.catalogue import _
from famulus.engine.pages.document import notice, paragraph
from famulus.engine.pages.frame import CONTACT, contact_html
from famulus.translation import Translator


def invalid_document(title: str, translate: Translator, message: str) -> str:
    """Return the page for answers that the blueprint refuses, without the form."""
    back = _("Please go back with your browser's Back button: it has kept your answers.")
    body = f'<p class="famulus-note famulus-note-late">{escape(message)}</p>\n' + paragraph(
        translate(back)
    )
    heading = _("Something is missing or not right")
    return notice(title, translate, heading, body, mood="warn")


def conflict_document(title: str, translate: Translator) -> str:
    """Return the page for answers of a worker who has other answers stored for the unit."""
    text = _(
        "You submitted other answers to this one before. They are stored and have not been changed;"
        " what you sent just now was not stored. There is nothing more for you to do here."
    )
    heading = _("This one is submitted already")
    return notice(title, translate, heading, paragraph(translate(text)))


def apology_document(title: str, translate: Translator, reference: str, contact: str = "") -> str:
    """Return the page for an internal error, with the reference that the log has too."""
    text = _(
        "The fault is on our side. If you were submitting, go back and press Submit again: your"
        " browser has kept your answers, and nothing is stored twice."
    )
    return _fault(title, translate, _("Sorry, something went wrong"), text, reference, contact)


def undecided_document(title: str, translate: Translator, reference: str, contact: str = "") -> str:
    """Return the page for an onboarding that could not be judged, with the reference in the log."""
    text = _(
        "Your answers to the introduction could not be checked just now. The fault is on our side,"
        " and it does not count against you: please come back later and submit them again."
    )
    return _fault(title, translate, _("Please try again later"), text, reference, contact)


def notice_document(title: str, translate: Translator, heading: str, text: str, code: str) -> str:
    """Return the page for a request that cannot be answered."""
    body = paragraph(translate(text)) + codes(translate, code)
    return notice(title, translate, heading, body, mood="warn")


def busy_document(title: str, translate: Translator) -> str:
    """Return the page for a request that can be repeated in a moment."""
    text = _(
        "The server cannot answer just now. Please load this page again in a moment. If you were"
        " submitting, go back and press Submit again: your browser has kept your answers."
    )
    body = paragraph(translate(text)) + codes(translate, "busy")
    return notice(title, translate, _("One moment, please"), body)


def _fault(
    title: str, translate: Translator, heading: str, text: str, reference: str, contact: str
) -> str:
    again = _("If it happens again, please write to the requester, with the reference below.")
    words = paragraph(f"{translate(text)} {translate(again)}")
    body = words + contact_line(translate, contact) + codes(translate, "error", reference)
    return notice(title, translate, heading, body, mood="warn")


def codes(translate: Translator, code: str, reference: str | None = None) -> str:
    """Return the details that a worker may be asked for, such as a code, as HTML."""
    text = translate(
        _("code: {code} · reference: {reference}", code=code, reference=reference)
        if reference
        else _("code: {code}", code=code)
    )
    return f'<p class="famulus-codes">{escape(text)}</p>\n'


def contact_line(translate: Translator, contact: str) -> str:
    """Return an HTML paragraph on how to reach the requester; empty text without a contact."""
    if not contact:
        return ""
    text = translate.html(CONTACT, contact=contact_html(contact))
    return f"<p>{text}</p>\n"
