"""Pages for workers who are refused: why they get no work now, one text for each reason."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from html import escape
from types import MappingProxyType
from urllib.parse import urlencode

from attrs import frozen

from famulus.catalogue import _
from famulus.contracts.views import PluginRefusal, Refusal, RefusalReason
from famulus.engine.pages.document import Mood, actions, notice, paragraph, script
from famulus.engine.pages.frame import passed_note
from famulus.engine.pages.notice_page import codes, contact_line
from famulus.engine.pages.way_out import READING_PAUSE, Lead, WayOut, way_out_html
from famulus.translation import Translator


class _Again(Enum):
    """Whether a page offers to try again, and what comes first on it."""

    NO = "no"
    #: the reason may pass without the requester: to try again comes first, and the browser stays
    FIRST = "first"
    #: only the requester can end the reason: the way out comes first, and the browser takes it
    LAST = "last"


@frozen
class _Words:
    heading: str
    text: str
    mood: Mood = "plain"
    again: _Again = _Again.NO


_R = RefusalReason
_REFUSALS: Mapping[RefusalReason, _Words] = MappingProxyType(
    {
        _R.NOT_QUALIFIED: _Words(
            _("This task is not open to you"),
            _("It requires a qualification that you do not have. Thank you for your interest."),
        ),
        _R.ALL_DONE: _Words(
            _("All done"),
            _("You have done all there is for you in this task. Thank you!"),
            mood="good",
        ),
        _R.MAXIMUM_REACHED: _Words(
            _("That was your last one"),
            _(
                "You have reached the maximum number of units one person may do in this task. Thank"
                " you!"
            ),
            mood="good",
        ),
        _R.TOO_MANY_OPEN: _Words(
            _("You have one open already"),
            _(
                "Please finish or give back the one you have open first; it may be in another tab"
                " or window. Then come back here."
            ),
            again=_Again.FIRST,
        ),
        _R.PLACE_TAKEN: _Words(
            _("Another worker is working on this one"),
            _(
                "It was accepted by another person, who has neither finished it nor given it back."
                " Please return it where you found it and take another one. If no one else can take"
                " it, try again in a few minutes."
            ),
            again=_Again.FIRST,
        ),
        _R.NOTHING_LEFT: _Words(
            _("Nothing to do right now"),
            _(
                "There is nothing left for you at the moment: others are working on what remains."
                " If one of them gives up, there may be something again, so you can try a little"
                " later."
            ),
            again=_Again.FIRST,
        ),
        _R.RUN_COMPLETE: _Words(
            _("This task is complete"),
            _("All of it has been done, so there is nothing left to do. Thank you for coming!"),
            mood="good",
        ),
        _R.RUN_CLOSED: _Words(
            _("This task is closed"),
            _("It is no longer accepting work. Thank you for your interest."),
        ),
        _R.RUN_STOPPED: _Words(
            _("This task has been paused"),
            _(
                "It gives out no work at the moment. It may go on later, so you are welcome to look"
                " again."
            ),
            again=_Again.LAST,
        ),
        _R.BLOCKED: _Words(
            _("You cannot work on this task"),
            _(
                "The requester has decided not to give you work in this task. If you think that is"
                " a mistake, please write to the requester."
            ),
        ),
        _R.UNKNOWN_LINK: _Words(
            _("This link does not work"),
            _(
                "It may be incomplete or out of date. Please open the task again from where you"
                " found it."
            ),
            mood="warn",
        ),
        _R.TIME_OVER: _Words(
            _("The time for this one is over"),
            _(
                "It was not submitted in time, and another worker may have it now. You are welcome"
                " to open the task again from where you found it."
            ),
            mood="warn",
        ),
    }
)


#: The heading and the text after an onboarding that was failed, and for a worker who is screened
#: out.
_FAILED = (
    _("Thank you for trying"),
    _(
        "You did not pass the introduction, so there are no units for you in this task: thank you"
        " for the time you took to try."
    ),
)
_SCREENED_OUT = (
    _("Thank you for taking part"),
    _("The rest of this task is for other people. You have done nothing wrong."),
)


def refusal_document(
    title: str,
    translate: Translator,
    refusal: Refusal,
    *,
    passed: bool | None = None,
    contact: str = "",
    way_out: WayOut | None = None,
) -> str:
    """Return the page with the reason why this worker gets no work now.

    :param passed: whether to add that the worker has just passed the onboarding; None for a run
        that has none.
    :param contact: how to reach the requester; only the page for a blocked worker shows it.
    :param way_out: how a worker who holds a place leaves; None for other workers.
    """
    words = _words(refusal)
    body = paragraph(translate(words.text))
    body += paragraph(translate(refusal.detail)) if refusal.detail else ""
    if refusal.reason is RefusalReason.BLOCKED:
        body += contact_line(translate, contact)
    # Where the way out leads nowhere, nothing can come before trying again.
    leads_on = way_out is not None and way_out.leads_on
    is_last = words.again is _Again.LAST and leads_on
    stays = words.again is not _Again.NO and not is_last
    if stays:
        body += _try_again(translate, way_out, "famulus-button")
    end = script("passed.js") if passed is False else ""
    if way_out is not None:
        body += (
            way_out_html(way_out, translate, lead=Lead.BESIDE_STAYING)
            if stays
            else way_out_html(way_out, translate, lead=Lead.AFTER_REFUSAL, after=READING_PAUSE)
        )
        end += way_out.scripts
    if is_last:
        body += _try_again(translate, way_out, "famulus-quiet-button")
    body += codes(translate, refusal.code)
    if passed is not None:
        body = passed_note(translate, is_shown=passed) + body
    return notice(title, translate, words.heading, body + end, mood=words.mood)


def _try_again(translate: Translator, way_out: WayOut | None, style: str) -> str:
    again = escape(translate(_("Try again")))
    return actions(f'<a class="{style}" href="{escape(_address(way_out))}">{again}</a>')


def _address(way_out: WayOut | None) -> str:
    """Return the address to try again at: the page's own, which may be that of a form."""
    return f"./?{urlencode(way_out.refused_query)}" if way_out and way_out.refused_query else ""


def _words(refusal: Refusal) -> _Words:
    if isinstance(refusal, PluginRefusal):
        return _Words(refusal.title, refusal.text)
    return _REFUSALS[refusal.reason]


def failed_onboarding_document(
    title: str,
    translate: Translator,
    message: str = "",
    way_out: WayOut | None = None,
    *,
    is_screened_out: bool = False,
) -> str:
    """Return the page for a worker who has failed the onboarding.

    :param message: the blueprint's message about these answers.
    :param way_out: how the worker leaves.
    :param is_screened_out: whether the worker has made no mistake.
    """
    heading, text = _SCREENED_OUT if is_screened_out else _FAILED
    said = paragraph(translate(message)) if message else ""
    body = paragraph(translate(text)) + said
    if way_out is not None:
        body += way_out_html(way_out, translate, lead=Lead.AFTER_REFUSAL, after=READING_PAUSE)
        body += way_out.scripts
    body += codes(translate, RefusalReason.NOT_QUALIFIED.value)
    return notice(title, translate, heading, body)
