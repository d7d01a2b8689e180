"""How workers leave: pages after work, the platform's last step, the link to the next unit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from html import escape
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode, urlsplit

from attrs import field, frozen

from famulus.catalogue import _, _n
from famulus.contracts.completion import (
    Completion,
    GoTo,
    Nothing,
    OwnPage,
    PostForm,
    ReturnPlace,
    ShowCode,
    VisitOutcome,
)
from famulus.contracts.views import RefusalReason
from famulus.engine.own_work import OwnWork
from famulus.engine.pages.document import (
    actions,
    notice,
    paragraph,
    script,
    without_style,
)
from famulus.engine.pages.own_page import own_work_html
from famulus.translation import Translator

# json.dumps constructs an encoder on each call with arguments other than the defaults.
_as_json = json.JSONEncoder(ensure_ascii=False).encode


class Lead(StrEnum):
    """The situation in which a page asks for the last step; it decides how the sentence begins."""

    AFTER_WORK = "after work"
    #: after a refusal that is final
    AFTER_REFUSAL = "after a refusal"
    #: below a button to stay, for the next unit or to try again
    BESIDE_STAYING = "beside staying"


def _asked(lead: Lead, action: str) -> str:
    """Return the sentence that asks for the last step."""
    match lead:
        # Translators: {action} is one of the texts "continue to where you came from.", and so on.
        case Lead.AFTER_WORK:
            return _("One more step: {action}", action=action)
        case Lead.AFTER_REFUSAL:
            return _("Please {action}", action=action)
        case Lead.BESIDE_STAYING:
            return _("If you would rather leave, please {action}", action=action)


_STORED = _("Thank you! Your answers are stored.")
_NEXT_UNIT = _("Next unit")
_CONTINUE = _("Continue")
_AS_DATA = _("As data")
_NO_ANSWER = _("no answer")
# Translators: an empty list as an answer: a worker has found nothing to mark, or chosen nothing
_NOTHING = _("nothing")
_MAY_GO_ON = (VisitOutcome.COMPLETED, VisitOutcome.WITHDREW)
_NOTHING_NOW = _("There is nothing more for you to do right now.")
_NO_MORE: Mapping[RefusalReason, str] = MappingProxyType(
    {
        RefusalReason.ALL_DONE: _("You have done all there is for you in this task."),
        RefusalReason.MAXIMUM_REACHED: _(
            "You have reached the maximum number of units one person may do in this task."
        ),
        RefusalReason.RUN_COMPLETE: _("All of this task has been done."),
        RefusalReason.RUN_CLOSED: _("This task is no longer accepting work."),
        RefusalReason.RUN_STOPPED: _("This task has been paused; it may go on later."),
    }
)
#: The default of :attr:`famulus.ReturnPlace.noun`, which is no word of a platform.
_TASK = "task"
_CLOSE = _("You can close this page.")
_LATE = _(
    "They came after the time for this one was over: they are stored and marked late, and another"
    " worker may have got it meanwhile."
)
_TOO_LONG = _("It is too long to be shown here whole; this is how it begins. All of it is stored.")
_SENT = _("What you sent")
#: Bytes of answers that a page repeats, twice: as a table and as data. This bounds the size of a
#: reply to any submission.
_MOST_REPEATED = 8000
#: Seconds to read what the page says, before the browser goes on by itself.
READING_PAUSE = 10
# Translators: {seconds} is a number that counts down.
_GOES_ON = _("Seconds until this page goes on by itself: {seconds}")
_STAY = _("Stay on this page")


def may_offer_next(completion: Completion, outcome: VisitOutcome) -> bool:
    """Return whether a page offers the next unit, if the worker would get one."""
    return completion.next_query is not None and outcome in _MAY_GO_ON


@frozen
class WayOut:
    """How a worker leaves after an outcome."""

    outcome: VisitOutcome
    completion: Completion
    #: why the worker would get no next unit; it replaces the link to one
    no_more: RefusalReason | None = None
    #: what the worker's own page lists; None for another completion, or where it is unknown
    own_work: OwnWork | None = None
    #: the URL parameters that lead back to the worker's own page
    own_query: Mapping[str, str] = MappingProxyType({})
    #: the URL parameters that a refused worker came with
    refused_query: Mapping[str, str] = MappingProxyType({})
    #: how many units the provider lets the worker do; None if it sets no limit of its own
    most_left: int | None = None
    #: the blueprint's text for the page that confirms stored answers, as HTML
    thank_you: str = ""

    #: whether the page offers the next unit, if the worker would get one
    may_offer_next: bool = field(init=False)
    #: the URL parameters of the link to the next unit; None if none is offered
    next_query: Mapping[str, str] | None = field(init=False)

    @may_offer_next.default
    def _may_offer_next(self) -> bool:
        return may_offer_next(self.completion, self.outcome)

    @next_query.default
    def _next_query(self) -> Mapping[str, str] | None:
        is_offered = self.may_offer_next and self.no_more is None
        return self.completion.next_query if is_offered else None

    @property
    def left(self) -> int | None:
        """The largest number of units left for the worker.

        None if the number is unknown, or if a sentence of the page says that no unit is left.
        """
        step, work = self.completion, self.own_work
        if not isinstance(step, OwnPage) or work is None or self.outcome not in _MAY_GO_ON:
            return None
        if self.next_query is None:
            return 0 if self.no_more is None else None
        bounds = [bound for bound in (work.left, self.most_left) if bound]
        return min(bounds, default=None)

    @property
    def leads_on(self) -> bool:
        """Whether there is a last step that the worker has to take on the platform."""
        return not isinstance(self.completion, (Nothing, OwnPage))

    @property
    def scripts(self) -> str:
        """The scripts that the HTML of this way out needs, as HTML."""
        return script("done.js") if self.leads_on else ""


def stored_document(
    title: str,
    translate: Translator,
    answers: Any,
    late: bool,
    way_out: WayOut,
    *,
    shows_answers: bool = False,
) -> str:
    """Return the page for stored answers, with what the worker does next.

    :param shows_answers: whether the worker sees the data.
    """
    late_note = ""
    if late:
        note = escape(translate(_LATE))
        late_note = f'<p class="famulus-note famulus-note-late">{note}</p>\n'
    after = READING_PAUSE if late or way_out.thank_you else 0
    thanks = ""
    if way_out.thank_you:
        thanks = f'<div id="famulus-thank-you">{way_out.thank_you}</div>\n'
    step = way_out_html(way_out, translate, after=after)
    # A code that is to be copied comes before all that could push it off the screen.
    is_code = isinstance(way_out.completion, ShowCode)
    shown = _answers(answers, translate) if shows_answers else ""
    return notice(
        title,
        translate,
        _STORED,
        late_note + (step + thanks if is_code else thanks + step) + shown + way_out.scripts,
        mood="good",
        head=refresh_html(way_out, after),
    )


def already_document(title: str, translate: Translator, way_out: WayOut) -> str:
    """Return the page for a worker who comes back after submitting.

    The browser does not go on by itself: a platform that sends workers back here would cause a
    loop.
    """
    stored = translate(_("Your answers are stored. Thank you!"))
    body = paragraph(stored) + way_out_html(way_out, translate) + way_out.scripts
    is_own = isinstance(way_out.completion, OwnPage)
    heading = _("Your work in this task") if is_own else _("You have submitted this one already")
    return notice(title, translate, heading, body, mood="good")


def given_back_document(title: str, translate: Translator, way_out: WayOut) -> str:
    """Return the page after a worker has given a unit back."""
    text = _("It is no longer yours, and another worker can do it.")
    step = way_out_html(way_out, translate, after=READING_PAUSE)
    body = paragraph(translate(text)) + step + way_out.scripts
    return notice(title, translate, _("You have given this one back"), body)


def submit_json(
    outcome: str, message: str, html: str, fields: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Return the reply to the page's script.

    :param outcome: ``stored`` and ``conflict`` replace the page by ``html`` (an empty text reloads
        the page's address); ``invalid``, ``refused`` and ``error`` show ``message`` in the form,
        which stays as it is.
    :param html: a page, sent without its style sheet, which the page of the script already has.
    :param message: with ``stored`` and no ``html``, a message makes the next page confirm that the
        onboarding was passed.
    :param fields: with ``invalid``, a sentence for each field that is not right.
    """
    reply = {"outcome": outcome, "message": message, "html": without_style(html)}
    return json.dumps({**reply, "fields": dict(fields)} if fields else reply)


def way_out_html(
    way: WayOut,
    translate: Translator,
    *,
    lead: Lead = Lead.AFTER_WORK,
    after: int | None = None,
) -> str:
    """Return the last step and the link to the next unit as HTML.

    :param lead: how the sentence that asks for the step begins.
    :param after: seconds until a browser takes the step by itself; None for never.
    """
    goes_on = way.next_query is not None
    step = (
        _step(way, translate, Lead.BESIDE_STAYING, None)
        if goes_on
        else _step(way, translate, lead, after)
    )
    if isinstance(way.completion, OwnPage):
        return _next(way, translate) + step + _come_back(way, translate)
    if goes_on:
        return _next(way, translate) + step
    no_more = translate(_no_more(way))
    if step or lead is not Lead.AFTER_WORK:
        return (paragraph(no_more) if no_more else "") + step
    return paragraph(" ".join(filter(None, [no_more, translate(_CLOSE)])))


def _next(way: WayOut, translate: Translator) -> str:
    """Return the link to the next unit, or why there is none."""
    if way.next_query is None:
        no_more = _no_more(way)
        return paragraph(translate(no_more)) if no_more else ""
    # Relative to the task's other pages.
    link = escape(f"./?{urlencode(way.next_query)}")
    label = escape(translate(_NEXT_UNIT))
    return actions(f'<a id="famulus-next-unit" class="famulus-button" href="{link}">{label}</a>')


def _come_back(way: WayOut, translate: Translator) -> str:
    if not way.own_query:
        return paragraph(translate(_CLOSE))
    # Not the address of this page: without a script, that is the form's.
    link = escape(f"./?{urlencode(way.own_query)}")
    label = escape(translate(_("the link to your page")))
    # Translators: {link} is the text "the link to your page".
    keep = _("You can close this page. To come back to it, keep {link}. It is for you alone.")
    anchor = f'<a id="famulus-own-page" href="{link}">{label}</a>'
    return f"<p>{translate.html(keep, link=anchor)}</p>\n"


def _no_more(way: WayOut) -> str:
    if not way.may_offer_next or way.no_more is None:
        return ""
    return _NO_MORE.get(way.no_more, _NOTHING_NOW)


def refresh_html(way: WayOut, after: int) -> str:
    """Return the HTML for a page's head that makes a browser without scripts go on."""
    step = way.completion
    if way.next_query is not None or not isinstance(step, GoTo) or not _is_web_address(step.url):
        return ""
    # One second after the script, whose way leaves no entry in the browser's history. Where the
    # script lets the worker stay, only a browser without scripts may follow.
    refresh = f'<meta http-equiv="refresh" content="{after + 1};url={escape(step.url)}">'
    return f"<noscript>{refresh}</noscript>" if after else refresh


def _step(way: WayOut, translate: Translator, lead: Lead, after: int | None) -> str:
    style = "famulus-quiet-button" if lead is Lead.BESIDE_STAYING else "famulus-button"
    match way.completion:
        case GoTo(url=url) | PostForm(url=url) if not _is_web_address(url):
            fault = _(
                "The address to go on to cannot be used. Please write to the requester"
                " (code: {code}).",
                code="bad_next_address",
            )
            return paragraph(translate(fault))
        case GoTo(url=url):
            asked = _asked(lead, _("continue to where you came from."))
            return (
                paragraph(translate(asked))
                + actions(
                    f'<a id="famulus-next" class="{style}" href="{escape(url)}"'
                    f"{_after(after)}>{escape(translate(_CONTINUE))}</a>"
                )
                + _goes_on(after, translate)
            )
        case PostForm(url=url, fields=fields):
            is_done = way.outcome is VisitOutcome.COMPLETED
            done = _("tell the platform that you are done.")
            leaving = _("tell the platform that you are leaving.")
            asked = _asked(lead, done if is_done else leaving)
            label = escape(translate(_CONTINUE))
            button = f'<button class="{style}" type="submit">{label}</button>'
            form = _form(url, fields, after, button)
            return paragraph(translate(asked)) + form + _goes_on(after, translate)
        case ShowCode(code=code, url=url):
            asked = _asked(lead, _("copy this code and enter it where you found the task."))
            return paragraph(translate(asked)) + _code(code, translate, url, style)
        case ReturnPlace(noun=noun, url=url):
            return paragraph(translate(_asked(lead, _returning(noun)))) + _return_link(
                noun, translate, url, style
            )
        case OwnPage() if way.own_work is not None:
            return own_work_html(way.own_work, translate, way.left)
    return ""


def _after(seconds: int | None) -> str:
    return "" if seconds is None else f' data-after-seconds="{seconds}"'


def _goes_on(after: int | None, translate: Translator) -> str:
    """Return how many seconds are left to read the page, and a button to stay on it, as HTML."""
    if not after:
        return ""
    # The script shows it. A screen reader reads the number once, and no change of it.
    seconds = f'<span id="famulus-seconds" role="timer">{after}</span>'
    return (
        f'<div id="famulus-goes-on" hidden><p>{translate.html(_GOES_ON, seconds=seconds)}</p>\n'
        '<button id="famulus-stay" class="famulus-small-button" type="button">'
        f"{escape(translate(_STAY))}</button></div>\n"
    )


def _returning(noun: str) -> str:
    if noun == _TASK:
        return _("return this task where you accepted it, so that another worker can take it.")
    # Translators: {noun} is a platform's own word, in the platform's language: HIT, submission.
    return _(
        "return this {noun} where you accepted it, so that another worker can take it.", noun=noun
    )


def _form(url: str, fields: Mapping[str, str], after: int | None, button: str) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n'
        for name, value in fields.items()
    )
    return (
        f'<form id="famulus-next" method="post" action="{escape(url)}"{_after(after)}>\n'
        f"{hidden}{actions(button)}</form>\n"
    )


def _code(code: str, translate: Translator, url: str, style: str) -> str:
    link = ""
    if _is_web_address(url):
        label = escape(translate(_("Go to where the code belongs")))
        link = actions(f'<a class="{style}" href="{escape(url)}">{label}</a>')
    copy, copied = (escape(translate(text)) for text in (_("Copy"), _("Copied")))
    return (
        f'<div class="famulus-code"><code id="famulus-completion-code" dir="ltr">{escape(code)}'
        '</code>\n<button id="famulus-copy" class="famulus-small-button" type="button"'
        f' data-copied="{copied}" hidden>{copy}</button></div>\n{link}'
    )


def _return_link(noun: str, translate: Translator, url: str, style: str) -> str:
    if not _is_web_address(url):
        return ""
    is_ours = noun == _TASK
    label = _("Return this task") if is_ours else _("Return this {noun}", noun=noun)
    # A frame may not be allowed to replace the page around it, and a platform's page refuses to be
    # shown in a frame.
    return actions(
        f'<a id="famulus-return" class="{style}" href="{escape(url)}" target="_blank"'
        f' rel="noopener">{escape(translate(label))}</a>'
    )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _answers(answers: Any, translate: Translator) -> str:
    text = _lines(answers)
    encoded = text.encode(errors="replace")
    if len(encoded) > _MOST_REPEATED:
        beginning = encoded[:_MOST_REPEATED].decode(errors="ignore")
        return (
            f"<h2>{escape(translate(_SENT))}</h2>\n{paragraph(translate(_TOO_LONG))}"
            f'<pre class="famulus-json" dir="ltr" tabindex="0">'
            f"{escape(beginning, quote=False)} …</pre>\n"
        )
    table = answers_list(answers, _SENT, translate)
    # Quotes are not escaped, so that the source of the page has the data as they are stored.
    return (
        f"{table}<h2>{escape(translate(_AS_DATA))}</h2>\n"
        f'<pre class="famulus-json" id="famulus-answers" dir="ltr" tabindex="0">'
        f"{escape(text, quote=False)}</pre>\n"
    )


def answers_list(answers: Any, heading: str, translate: Translator) -> str:
    """Return the answers as a list of names and values in HTML; nothing if they have no names."""
    if not isinstance(answers, Mapping) or not answers:
        return ""
    rows = "".join(
        f"<dt>{escape(str(name))}</dt>\n<dd>{_value(value, translate)}</dd>\n"
        for name, value in answers.items()
    )
    return f'<h2>{escape(translate(heading))}</h2>\n<dl class="famulus-answers">\n{rows}</dl>\n'


def _lines(answers: Any) -> str:
    """Return JSON with one line per answer. json's own indentation is twenty times slower."""
    if not isinstance(answers, Mapping) or not answers:
        return _as_json(answers)
    lines = (f"  {_as_json(str(name))}: {_as_json(value)}" for name, value in answers.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def _value(value: Any, translate: Translator) -> str:
    match value:
        case None | "":
            return f'<span class="famulus-none">{escape(translate(_NO_ANSWER))}</span>'
        case []:
            return f'<span class="famulus-none">{escape(translate(_NOTHING))}</span>'
        case {"name": str(name), "size": int(size), "type": str(kind)}:
            details = ", ".join(part for part in (translate(_size(size)), kind) if part)
            return f"{escape(name)} ({escape(details)})"
        case list():
            items = "".join(f"<li>{_value(item, translate)}</li>" for item in value)
            return f"<ul>{items}</ul>"
        case str():
            return escape(value)
    return escape(_as_json(value))


def _size(size: int) -> str:
    if size < 1000:
        return _n("{count} byte", "{count} bytes", count=size)
    if size < 1_000_000:
        return _("{size} kB", size=_tenths(size, 1000))
    return _("{size} MB", size=_tenths(size, 1_000_000))


def _tenths(size: int, unit: int) -> Decimal:
    return Decimal(f"{size / unit:.1f}")
