"""Pages with one message: what has happened, or what went wrong."""

from __future__ import annotations

from html import escape

from famulus.engine.pages.document import notice, paragraph
from famulus.engine.pages.task_page import contact_html


def invalid_document(title: str, message: str) -> str:
    """Return the page for answers that the blueprint refuses, without the form."""
    back = "Please go back with your browser's Back button: it has kept your answers."
    body = f'<p class="famulus-note famulus-note-late">{escape(message)}</p>\n' + paragraph(back)
    return notice(title, "Something is missing or not right", body, mood="warn")


def conflict_document(title: str) -> str:
    """Return the page for answers of a worker who has other answers stored for the unit."""
    text = (
        "You submitted other answers to this one before. They are stored and have not been changed;"
        " what you sent just now was not stored. There is nothing more for you to do here."
    )
    return notice(title, "This one is submitted already", paragraph(text))


def apology_document(title: str, reference: str, contact: str = "") -> str:
    """Return the page for an error of ours; the log has the same reference."""
    text = (
        "The fault is on our side. If you were submitting, go back and press Submit again: your"
        " browser has kept your answers, and nothing is stored twice."
    )
    return _fault(title, "Sorry, something went wrong", text, reference, contact)


def undecided_document(title: str, reference: str, contact: str = "") -> str:
    """Return the page for an onboarding that could not be judged; the log has the reference."""
    text = (
        "Your answers to the introduction could not be checked just now. The fault is on our side,"
        " and it does not count against you: please come back later and submit them again."
    )
    return _fault(title, "Please try again later", text, reference, contact)


def notice_document(title: str, heading: str, text: str, code: str) -> str:
    """Return the page for a request that cannot be answered."""
    return notice(title, heading, paragraph(text) + codes(code), mood="warn")


def busy_document(title: str) -> str:
    """Return the page for a request that can be repeated in a moment."""
    text = (
        "The server cannot answer just now. Please load this page again in a moment. If you were"
        " submitting, go back and press Submit again: your browser has kept your answers."
    )
    return notice(title, "One moment, please", paragraph(text) + codes("busy"))


def _fault(title: str, heading: str, text: str, reference: str, contact: str) -> str:
    again = " If it happens again, please write to the requester, with the reference below."
    body = paragraph(text + again) + contact_line(contact) + codes("error", reference)
    return notice(title, heading, body, mood="warn")


def codes(code: str, reference: str | None = None) -> str:
    """Return the details that a worker may be asked for, such as a code, as HTML."""
    referred = f" · reference: {reference}" if reference else ""
    return f'<p class="famulus-codes">{escape(f"code: {code}{referred}")}</p>\n'


def contact_line(contact: str) -> str:
    """Return how workers reach the requester as a paragraph of HTML; nothing where it is unset."""
    return f"<p>Contact: {contact_html(contact)}</p>\n" if contact else ""
