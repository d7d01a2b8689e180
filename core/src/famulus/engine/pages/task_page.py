"""The page that a worker works on, with its header and notes, and the preview of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from urllib.parse import quote, urlencode

from attrs import evolve, frozen

from famulus.catalogue import _, _n
from famulus.contracts.views import Page
from famulus.engine.pages.document import document, script
from famulus.engine.pages.script_texts import script_texts
from famulus.engine.units import UnitNumber
from famulus.html_attributes import attributes
from famulus.translation import ENGLISH, LANGUAGES, Language, Translator

#: The hidden field with the signed number of the attempt that the form belongs to.
TOKEN_FIELD = "famulus_token"
#: The header with the outcome of giving a unit back, for the page's script.
OUTCOME_HEADER = "X-Famulus-Outcome"
#: The parameter of a form's address that admits its body; it may appear in access logs.
TICKET_PARAMETER = "ticket"
#: The hidden field that stays the same whenever one page's form is sent again.
SUBMISSION_FIELD = "famulus_submission"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MAIL_ADDRESS = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"]+")
#: The id of the note, and the hash of the address at which the page's script shows it.
PASSED_ID = "famulus-passed"
PASSED = _("You have passed the introduction.")
CONTACT = _("Contact: {contact}")


@frozen(kw_only=True)
class TaskInfo:
    """The facts about a run that its pages show."""

    title: str
    description: str = ""
    #: what one unit pays, as text; empty where it pays nothing
    reward: str = ""
    #: the name of the account that pays; empty where it means nothing to workers
    requester: str = ""
    #: how workers reach the requester: a mail address, a web address or a sentence
    contact: str = ""
    #: the tag of the language of all pages; empty where the browser decides
    language: str = ""


@frozen(kw_only=True)
class TaskFrame:
    """The content of a task page."""

    info: TaskInfo
    page: Page
    #: identifies the attempt, in a field of the form
    token: str
    #: only admits the form's body, in the form's address
    ticket: str
    submission_id: str
    #: identifies the attempt among the drafts that a browser keeps
    storage_key: str
    #: None where there is no deadline
    seconds_left: int | None
    onboarding: bool = False
    #: which of the worker's units it is; None where that is unknown
    number: UnitNumber | None = None
    #: whether the page shows that the onboarding was passed; None for a run that has none
    passed: bool | None = None
    #: why answers that were just sent have not been stored; empty where none were
    message: str = ""


def task_document(frame: TaskFrame, translate: Translator) -> str:
    """Return the page with the form, which works without JavaScript too.

    Our script runs before the author's, which stay where they are in the author's page. What may
    wait for another host comes last in the form.
    """
    page = frame.page
    # The onboarding's note states what a unit pays, and that the onboarding pays nothing.
    info = evolve(frame.info, reward="") if frame.onboarding else frame.info
    onboarding = ' data-onboarding=""' if frame.onboarding else ""
    sending = (
        f'{_SENDING} action="{escape(_address("submit", frame.ticket))}"'
        f' data-storage-key="{escape(frame.storage_key)}"{onboarding}'
    )
    own = own_language(frame.info)
    texts = script_texts(translate.language.tag)
    scripts = script(
        "answers.js", "texts.js", "clock.js", "worker.js", element_id="famulus-script", texts=texts
    )
    body = (
        f'<main id="famulus-page"{around_attributes(page, translate.language, own)}>\n'
        f"{_notes(frame, translate)}"
        f"{header(info, translate, _time(frame.seconds_left, translate), number=frame.number)}"
        f"{_form(page, sending)}"
        f"{_hidden(TOKEN_FIELD, frame.token)}{_hidden(SUBMISSION_FIELD, frame.submission_id)}"
        f'{scripts}<div id="famulus-task" class="famulus-task"'
        f"{_task_attributes(page, translate.language, own)}>\n{page.body}\n</div>\n"
        f"{_actions(page, translate, _address('give-back', frame.ticket))}{script('parsed.js')}"
        f'<div class="famulus-task">\n{page.scripts}\n</div>\n</form>\n</main>\n'
    )
    return _document(frame.info.title, body, page, own)


def preview_document(info: TaskInfo, translate: Translator, page: Page | None) -> str:
    """Return the page for a person who has not accepted: to look at, not to fill in.

    The author's scripts find a form as on the task page, one that browsers never send.
    """
    inside = around = ""
    own = own_language(info)
    if page is not None:
        # Scripts that know our button by an id find one that is not shown.
        button = _submit(page, translate) if "id" in page.submit_attributes else ""
        scripts = (f"<div hidden>{button}</div>\n" if button else "") + page.scripts
        around = around_attributes(page, translate.language, own)
        task = _task_attributes(page, translate.language, own)
        legend = translate(_("Preview"))
        inside = disabled_form(page, legend, scripts=scripts, task=task)
    body = (
        f'<main id="famulus-page"{around}>\n{_preview_note(translate)}'
        f"{header(info, translate)}{inside}</main>\n"
    )
    if page is None:
        return document(info.title, body, translate.language)
    return _document(info.title, body, page, own)


def own_language(info: TaskInfo) -> Language:
    """Return the language of a task that its page does not state."""
    return LANGUAGES.get(info.language, ENGLISH)


def around_attributes(page: Page, language: Language, own: Language) -> str:
    """Return the attributes of what is around a task, where its language is not the page's.

    :param language: of our own parts.
    :param own: of the task, unless its page states another one.
    """
    stated = _page_language(page, own)
    return "" if stated == language.attributes else attributes(language.attributes)


def _task_attributes(page: Page, language: Language, own: Language) -> str:
    """Return the attributes with which a task keeps its language among our own parts."""
    stated = _page_language(page, own)
    return "" if stated == language.attributes else attributes(stated)


def _page_language(page: Page, own: Language) -> Mapping[str, str]:
    given = {name.lower(): value for name, value in page.html_attributes.items()}
    lang = given.get("lang", own.tag)
    direction = own.direction if lang == own.tag else "ltr"
    return {"lang": lang, "dir": given.get("dir", direction)}


def _shown(language: Language) -> Mapping[str, str]:
    return language.attributes


def disabled_form(page: Page, legend: str, *, scripts: str = "", task: str = "") -> str:
    """Return the form of a page as HTML, to look at: browsers never send it.

    :param legend: its name for those who cannot see it.
    :param scripts: the page's scripts that are loaded from other hosts.
    :param task: attributes of the task, as HTML.
    """
    return (
        f"{_form(page, _NEVER_SENT)}"
        f'<fieldset id="famulus-task" class="famulus-task"{task} disabled>\n'
        # Controls in a fieldset's first legend are never disabled, so that one is ours.
        f'<legend class="famulus-unseen">{escape(legend)}</legend>\n{page.body}\n{scripts}\n'
        "</fieldset>\n</form>\n"
    )


def _notes(frame: TaskFrame, translate: Translator) -> str:
    if frame.message:
        not_stored = escape(translate(_("Your answers are not stored yet.")))
        return (
            '<div id="famulus-not-stored" class="famulus-frame famulus-alert" role="alert">'
            f"<strong>{not_stored}</strong> {escape(frame.message)}</div>\n"
        )
    if frame.onboarding:
        return onboarding_note(frame.info, translate)
    if frame.passed is None:
        return ""
    return passed_note(translate, is_shown=frame.passed) + (
        "" if frame.passed else script("passed.js")
    )


def _document(title: str, body: str, page: Page, own: Language) -> str:
    return document(
        title,
        body,
        own,
        head=page.head,
        html_attributes=page.html_attributes,
        body_attributes=page.body_attributes,
    )


def _form(page: Page, sending: str) -> str:
    """Return the start tag of the form; a page cannot change how it is sent."""
    own = {
        name: value
        for name, value in page.form_attributes.items()
        if name.lower() not in _NOT_THE_PAGES
    }
    return f"<form{attributes({'id': 'famulus-form', **own})}{sending}>\n"


_SENDING = ' method="post" enctype="multipart/form-data" accept-charset="utf-8"'
_NEVER_SENT = ' method="dialog"'
_NOT_THE_PAGES = frozenset({"action", "method", "enctype", "accept-charset", "target"}) | {
    "data-storage-key",
    "data-onboarding",
}
_SUBMIT_ID = "famulus-submit"
_NOT_THE_PAGES_TO_SAY = frozenset({"type", "value", "class", "name", "form"}) | {
    "formaction",
    "formenctype",
    "formmethod",
    "formtarget",
}


def _preview_note(translate: Translator) -> str:
    text = _("You can read it, but not answer yet. Accept the task where you found it to begin.")
    return _note("famulus-preview", translate(_("This is a preview.")), translate(text))


def _note(element_id: str, strong: str, text: str) -> str:
    return (
        f'<p class="famulus-frame famulus-note" id="{element_id}"><strong>{escape(strong)}</strong>'
        f" {escape(text)}</p>\n"
    )


def _time(seconds: int | None, translate: Translator) -> str:
    if seconds is None:
        return ""
    return (
        f'<p id="famulus-time" class="famulus-time" data-seconds="{seconds}">'
        f"<noscript>{escape(translate(_time_left(seconds)))}</noscript></p>\n"
    )


def _time_left(seconds: int) -> str:
    """Return a time in the units that the page's clock uses: ``30 min``, ``3 h``, ``6 days``."""
    if seconds >= 2 * _DAY:
        return _n(
            "{count} day left when this page was opened",
            "{count} days left when this page was opened",
            count=seconds // _DAY,
        )
    if seconds >= 2 * _HOUR:
        return _("{count} h left when this page was opened", count=seconds // _HOUR)
    minutes = max(1, round(seconds / _MINUTE))
    return _("{count} min left when this page was opened", count=minutes)


def _hidden(name: str, value: str) -> str:
    # Without autocomplete="off", Firefox restores the values of hidden fields after a reload.
    return f'<input type="hidden" name="{name}" value="{escape(value)}" autocomplete="off">\n'


def _address(name: str, ticket: str) -> str:
    return f"{name}?{urlencode({TICKET_PARAMETER: ticket})}"


def _submit(page: Page, translate: Translator) -> str:
    """Return the Submit button: an ``<input>``, as scripts written for other platforms expect."""
    own = {
        name: value
        for name, value in page.submit_attributes.items()
        if name.lower() not in _NOT_THE_PAGES_TO_SAY
    }
    submit = attributes({"type": "submit", "value": translate(_("Submit"))})
    if not own:
        return f'<input id="{_SUBMIT_ID}" class="famulus-button"{submit}>\n'
    hidden = " hidden" if "hidden" in own else ""
    return (
        f'<span id="{_SUBMIT_ID}"{hidden}><input class="famulus-page-button"{attributes(own)}'
        f"{submit}></span>\n"
    )


def _actions(page: Page, translate: Translator, give_back_address: str) -> str:
    give_back = (
        '<button id="famulus-give-back" class="famulus-quiet-button" type="submit"'
        f' formaction="{escape(give_back_address)}" formnovalidate>'
        f"{escape(translate(_('Give back')))}</button>\n"
    )
    return (
        '<div id="famulus-alert" class="famulus-frame famulus-alert" role="alert" tabindex="-1"'
        " hidden></div>\n"
        '<div class="famulus-frame famulus-actions">\n'
        f"{_submit(page, translate)}{give_back}</div>\n"
        '<div id="famulus-status" class="famulus-frame famulus-status" role="status" hidden>'
        "</div>\n"
        '<div id="famulus-notice" class="famulus-unseen" role="status"></div>\n'
    )


def header(
    info: TaskInfo, translate: Translator, time: str = "", *, number: UnitNumber | None = None
) -> str:
    """Return the header as HTML.

    :param time: the time left, as HTML.
    :param number: which of the worker's units this is; None leaves it out.
    """
    text = "" if info.description in ("", info.title) else info.description
    described = f'<p class="famulus-description" dir="auto">{escape(text)}</p>\n' if text else ""
    return (
        f'<header class="famulus-frame famulus-header">\n<div class="famulus-heading">\n'
        f'<h1 class="famulus-title" dir="auto">{escape(info.title)}</h1>\n{time}</div>\n'
        f"{described}{_facts(info, translate, number)}</header>\n"
    )


def onboarding_note(info: TaskInfo, translate: Translator) -> str:
    """Return the note on the page of an onboarding."""
    strong = translate(_("This is an introduction, before your first unit."))
    text = (
        _(
            "It is not paid. You have one try: what you submit decides whether you can go on to the"
            " units, which pay {reward} each.",
            reward=info.reward,
        )
        if info.reward
        else _(
            "It is not paid. You have one try: what you submit decides whether you can go on to the"
            " units."
        )
    )
    return _note("famulus-onboarding", strong, translate(text))


def passed_note(translate: Translator, *, is_shown: bool) -> str:
    """Return the note that the onboarding was passed; hidden until the page's script shows it."""
    hidden = "" if is_shown else " hidden"
    return (
        f'<p class="famulus-frame famulus-note famulus-note-good" id="{PASSED_ID}" role="status"'
        f"{hidden}>{escape(translate(PASSED))}</p>\n"
    )


def _facts(info: TaskInfo, translate: Translator, number: UnitNumber | None) -> str:
    facts = []
    if info.reward:
        facts.append(escape(translate(_("{reward} per unit", reward=info.reward))))
    if number is not None:
        facts.append(escape(translate(_unit(number))))
    if info.requester:
        requester = _("Requester: {requester}", requester=info.requester)
        facts.append(escape(translate(requester)))
    if info.contact:
        facts.append(translate.html(CONTACT, contact=contact_html(info.contact)))
    items = "".join(f"<li>{fact}</li>\n" for fact in facts)
    return f'<ul class="famulus-facts">\n{items}</ul>\n' if facts else ""


def _unit(number: UnitNumber) -> str:
    if number.most is None:
        return _("Unit {number}", number=number.number)
    return _("Unit {number} of at most {most}", number=number.number, most=number.most)


def contact_html(contact: str) -> str:
    """Return an address as a link that leaves the page open, and anything else as text."""
    shown = escape(contact)
    if _MAIL_ADDRESS.fullmatch(contact):
        return f'<a href="mailto:{escape(quote(contact, safe="@"))}">{shown}</a>'
    if _WEB_ADDRESS.fullmatch(contact):
        return f'<a href="{shown}" target="_blank" rel="noopener noreferrer">{shown}</a>'
    return shown
