"""Pages with one message: why there is nothing to do, or what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlencode

from attrs import frozen

from famulus.contracts.views import Refusal, RefusalReason
from famulus.engine.pages.document import document, script
from famulus.engine.pages.task_page import contact_html, passed_note

Mood = Literal["plain", "good", "warn"]
_MARKS: Mapping[Mood, str] = MappingProxyType({"plain": "i", "good": "&#10003;", "warn": "!"})


@frozen
class _Words:
    heading: str
    text: str
    mood: Mood = "plain"
    again: bool = False


_R = RefusalReason
_REFUSALS: Mapping[RefusalReason, _Words] = MappingProxyType(
    {
        _R.NOT_QUALIFIED: _Words(
            "This task is not open to you",
            "It requires a qualification that you do not have. Thank you for your interest.",
        ),
        _R.ALL_DONE: _Words(
            "All done",
            "You have done all there is for you in this task. Thank you!",
            mood="good",
        ),
        _R.MAXIMUM_REACHED: _Words(
            "That was your last one",
            "You have reached the maximum number of units one person may do in this task. Thank"
            " you!",
            mood="good",
        ),
        _R.TOO_MANY_OPEN: _Words(
            "You have one open already",
            "Please finish or give back the one you have open first; it may be in another tab or"
            " window. Then come back here.",
            again=True,
        ),
        _R.PLACE_TAKEN: _Words(
            "Another worker is working on this one",
            "It was accepted by another person, who has neither finished it nor given it back."
            " Please return it where you found it and take another one. If no one else can take it,"
            " try again in a few minutes.",
            again=True,
        ),
        _R.NOTHING_LEFT: _Words(
            "Nothing to do right now",
            "There is nothing left for you at the moment: others are working on what remains. If"
            " one of them gives up, there may be something again, so you can try a little later.",
            again=True,
        ),
        _R.RUN_CLOSED: _Words(
            "This task is closed",
            "It is no longer accepting work. Thank you for your interest.",
        ),
        _R.RUN_STOPPED: _Words(
            "This task has been paused",
            "It gives out no work at the moment. It may go on later, so you are welcome to look"
            " again.",
            again=True,
        ),
        _R.BLOCKED: _Words(
            "You cannot work on this task",
            "The requester has decided not to give you work in this task. If you think that is a"
            " mistake, please write to the requester.",
        ),
        _R.UNKNOWN_LINK: _Words(
            "This link does not work",
            "It may be incomplete or out of date. Please open the task again"
            " from where you found it.",
            mood="warn",
        ),
        _R.TIME_OVER: _Words(
            "The time for this one is over",
            "It was not submitted in time, and another worker may have it now. You are welcome to"
            " open the task again from where you found it.",
            mood="warn",
        ),
    }
)


def refusal_document(
    title: str,
    refusal: Refusal,
    *,
    reference: str | None,
    again_query: Mapping[str, str] | None = None,
    passed: bool | None = None,
    contact: str = "",
) -> str:
    """Return the page with the reason why this worker gets no work now.

    :param again_query: parameters of the link "Try again"; None loads the page's own address.
    :param passed: whether to add that the worker has just passed the onboarding; None for a run
        that has none.
    :param contact: how a blocked worker reaches the requester, to whom the page refers them.
    """
    words = _REFUSALS[refusal.reason]
    body = paragraph(words.text) + (paragraph(refusal.detail) if refusal.detail else "")
    if refusal.reason is RefusalReason.BLOCKED:
        body += _contact(contact)
    if words.again:
        again = "" if again_query is None else query_link(again_query)
        body += actions(f'<a class="famulus-button" href="{escape(again)}">Try again</a>')
    body += _codes(refusal.reason.value, reference)
    if passed is not None:
        body = passed_note(is_shown=passed) + body
    end = script("passed.js") if passed is False else ""
    return notice(title, words.heading, body, mood=words.mood, end=end)


def failed_onboarding_document(title: str) -> str:
    """Return the page for a worker who has failed the onboarding."""
    text = (
        "You did not pass the introduction, so there are no units for you in this task: thank you"
        " for the time you took to try."
    )
    body = paragraph(text) + _codes(RefusalReason.NOT_QUALIFIED.value)
    return notice(title, "Thank you for trying", body)


def given_back_document(title: str) -> str:
    """Return the page after a worker has given a unit back."""
    text = "It is no longer yours, and another worker can do it. You can close this page."
    return notice(title, "You have given this one back", paragraph(text))


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
        " browser has kept your answers, and nothing is stored twice. If it happens again, please"
        " write to the requester, with the reference below."
    )
    return notice(
        title,
        "Sorry, something went wrong",
        paragraph(text) + _contact(contact) + _codes("error", reference),
        mood="warn",
    )


def undecided_document(title: str, reference: str, contact: str = "") -> str:
    """Return the page for an onboarding that could not be judged; the log has the reference."""
    text = (
        "Your answers to the introduction could not be checked just now. The fault is on our side,"
        " and it does not count against you: please come back later and submit them again. If it"
        " happens again, please write to the requester, with the reference below."
    )
    return notice(
        title,
        "Please try again later",
        paragraph(text) + _contact(contact) + _codes("error", reference),
        mood="warn",
    )


def notice_document(title: str, heading: str, text: str, code: str) -> str:
    """Return the page for a request that cannot be answered."""
    return notice(title, heading, paragraph(text) + _codes(code), mood="warn")


def busy_document(title: str) -> str:
    """Return the page for a request that can be repeated in a moment."""
    text = (
        "The server cannot answer just now. Please load this page again in a moment. If you were"
        " submitting, go back and press Submit again: your browser has kept your answers."
    )
    return notice(title, "One moment, please", paragraph(text) + _codes("busy"))


def notice(
    title: str,
    heading: str,
    body: str,
    *,
    mood: Mood = "plain",
    head: str = "",
    end: str = "",
) -> str:
    """Return a page with one message; ``body``, ``head`` and ``end`` are HTML."""
    content = (
        f'<main class="famulus-result" tabindex="-1">\n'
        f'<p class="famulus-kicker">{escape(title)}</p>\n'
        f'<div class="famulus-mark famulus-mark-{mood}" aria-hidden="true">{_MARKS[mood]}</div>\n'
        f"<h1>{escape(heading)}</h1>\n{body}</main>\n{end}"
    )
    return document(f"{heading} · {title}", content, head=head)


def _codes(code: str, reference: str | None = None) -> str:
    """Return the details that a worker may be asked for, such as a code, as HTML."""
    referred = f" · reference: {reference}" if reference else ""
    return f'<p class="famulus-codes">{escape(f"code: {code}{referred}")}</p>\n'


def _contact(contact: str) -> str:
    """Return how workers reach the requester as a paragraph of HTML; nothing where it is unset."""
    return f"<p>Contact: {contact_html(contact)}</p>\n" if contact else ""


def paragraph(text: str) -> str:
    """Return text as a paragraph of HTML."""
    return f"<p>{escape(text)}</p>\n"


def actions(controls: str) -> str:
    """Return buttons or links, which are HTML, on their own line."""
    return f'<div class="famulus-actions">{controls}</div>\n'


def query_link(query: Mapping[str, str]) -> str:
    """Return the address of the task with a query, relative to its other pages; not escaped."""
    return f"./?{urlencode(query)}"
