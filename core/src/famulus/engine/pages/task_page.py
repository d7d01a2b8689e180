"""The page that a worker works on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from html import escape
from urllib.parse import quote

from attrs import define, evolve, frozen

from famulus.catalogue import _, _n
from famulus.contracts.views import Page
from famulus.engine.pages.document import assembled, beginning, script
from famulus.engine.pages.frame import (
    Header,
    TaskInfo,
    around_attributes,
    onboarding_note,
    own_language,
    passed_note,
    submit_button,
    task_attributes,
)
from famulus.engine.pages.script_texts import script_texts
from famulus.engine.worker_progress import UnitNumber
from famulus.html_attributes import attributes
from famulus.translation import Language, Translator

#: The hidden field with the signed number of the attempt that the form belongs to.
TOKEN_FIELD = "famulus_token"
#: The header with the outcome of giving a unit back, for the page's script.
OUTCOME_HEADER = "X-Famulus-Outcome"
#: The parameter of a form's address that admits its body; it may appear in access logs.
TICKET_PARAMETER = "ticket"
#: The hidden field that stays the same whenever one page's form is sent again.
SUBMISSION_FIELD = "famulus_submission"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
#: Headers that a layout keeps: most pages are opened with the whole time left.
_KEPT_HEADERS = 256
_SENDING = ' method="post" enctype="multipart/form-data" accept-charset="utf-8"'
_NOT_THE_PAGES = frozenset({"action", "method", "enctype", "accept-charset", "target"}) | {
    "data-storage-key",
    "data-onboarding",
}
_NO_PAGE = Page(body="")
_NOT_STORED = _("Your answers are not stored yet.")
_GIVE_BACK = _("Give back")


@define(kw_only=True)
class TaskFrame:
    """The content that differs between the task pages of a run."""

    page: Page
    #: identifies the attempt, in a field of the form
    token: str
    #: only admits the form's body, in the form's address
    ticket: str
    submission_id: str
    #: identifies the attempt among the drafts that a browser keeps
    storage_key: str
    #: None if there is no deadline
    seconds_left: int | None
    #: which of the worker's units it is; None if that is unknown
    number: UnitNumber | None = None
    #: whether the page shows that the onboarding was passed; None for a run that has none
    passed: bool | None = None
    #: why answers that were just sent have not been stored; empty if none were
    message: str = ""


@frozen(eq=False, kw_only=True)
class TaskLayout:
    """The HTML that all task pages of a run share in one language; made once."""

    translate: Translator
    #: of the task, where its page states no other
    own: Language
    is_onboarding: bool
    #: the document up to the page's own head
    beginning: str
    #: of a page that states no language: attributes of what is around the task, and of the task
    around: str
    task: str
    not_stored: str
    #: by :attr:`TaskFrame.passed`
    notes: Mapping[bool | None, str]
    scripts: str
    #: of a page that holds submissions
    hold_script: str
    parsed_script: str
    #: of a page that has no attributes for it
    submit_button: str
    give_back: str
    #: by the seconds that are left, the number of the unit, and the most that there can be
    header: Callable[[int | None, int | None, int | None], str]

    @classmethod
    def of(cls, info: TaskInfo, translate: Translator, *, is_onboarding: bool) -> TaskLayout:
        """Make the layout for the pages of a run's units, or for those of its onboarding."""
        own, language = own_language(info), translate.language
        notes: dict[bool | None, str]
        if is_onboarding:
            notes = dict.fromkeys((None, False, True), onboarding_note(info, translate))
            # That note states what a unit pays, and that the onboarding pays nothing.
            header = Header.of(evolve(info, reward=""), translate)
        else:
            hidden = passed_note(translate, is_shown=False) + script("passed.js")
            notes = {None: "", True: passed_note(translate, is_shown=True), False: hidden}
            header = Header.of(info, translate)
        return cls(
            translate=translate,
            own=own,
            is_onboarding=is_onboarding,
            beginning=beginning(translate(info.title)),
            around=around_attributes(_NO_PAGE, language, own),
            task=task_attributes(_NO_PAGE, language, own),
            not_stored=escape(translate(_NOT_STORED)),
            notes=notes,
            scripts=script(
                "drafts.js",
                "answers.js",
                "texts.js",
                "clock.js",
                "worker.js",
                element_id="famulus-script",
                texts=script_texts(language.tag),
            ),
            hold_script=script("hold.js", element_id="famulus-hold"),
            parsed_script=script("parsed.js"),
            submit_button=submit_button(_NO_PAGE, translate),
            give_back=escape(translate(_GIVE_BACK)),
            header=lru_cache(_KEPT_HEADERS)(partial(_header, header, translate)),
        )


def task_document(layout: TaskLayout, frame: TaskFrame) -> str:
    """Return the page with the form, which works without JavaScript too.

    Our scripts run before the author's scripts, which stay in their place in the author's page.
    Scripts that may wait for another host come last in the form.
    """
    page, number = frame.page, frame.number
    around, task = layout.around, layout.task
    if page.html_attributes:
        around = around_attributes(page, layout.translate.language, layout.own)
        task = task_attributes(page, layout.translate.language, layout.own)
    button = layout.submit_button
    if page.submit_attributes:
        button = submit_button(page, layout.translate)
    query = f"{TICKET_PARAMETER}={quote(frame.ticket, safe='')}"
    onboarding = ' data-onboarding=""' if layout.is_onboarding else ""
    sending = (
        f'{_SENDING} action="submit?{query}"'
        f' data-storage-key="{escape(frame.storage_key)}"{onboarding}'
    )
    if number is None:
        header = layout.header(frame.seconds_left, None, None)
    else:
        header = layout.header(frame.seconds_left, number.number, number.most)
    # Without autocomplete="off", Firefox restores the values of hidden fields after a reload.
    before = (
        f'<main id="famulus-page"{around}>\n'
        f"{_alert(layout, frame) if frame.message else layout.notes[frame.passed]}{header}"
        f"{form_tag(page, sending)}"
        f'<input type="hidden" name="{TOKEN_FIELD}" value="{escape(frame.token)}"'
        ' autocomplete="off">\n'
        f'<input type="hidden" name="{SUBMISSION_FIELD}" value="{escape(frame.submission_id)}"'
        ' autocomplete="off">\n'
    )
    after = (
        f'<div id="famulus-task" class="famulus-task"{task}>\n{page.body}\n</div>\n'
        '<div id="famulus-alert" class="famulus-frame famulus-alert" role="alert" tabindex="-1"'
        " hidden></div>\n"
        f'<div class="famulus-frame famulus-actions">\n{button}'
        '<button id="famulus-give-back" class="famulus-quiet-button" type="submit"'
        f' formaction="give-back?{query}" formnovalidate>{layout.give_back}</button>\n</div>\n'
        '<div id="famulus-status" class="famulus-frame famulus-status" role="status" hidden>'
        "</div>\n"
        '<div id="famulus-notice" class="famulus-unseen" role="status"></div>\n'
        f"{layout.parsed_script}"
        f'<div class="famulus-task">\n{page.scripts}\n</div>\n</form>\n</main>\n'
    )
    return assembled(
        layout.beginning,
        (before, layout.scripts, after),
        layout.own,
        head=layout.hold_script + page.head if page.holds_submissions else page.head,
        html_attributes=page.html_attributes,
        body_attributes=page.body_attributes,
    )


def form_tag(page: Page, sending: str) -> str:
    """Return the start tag of the form; a page cannot change how it is sent."""
    own = attributes({"id": "famulus-form", **page.form_attributes}, without=_NOT_THE_PAGES)
    return f"<form{own}{sending}>\n"


def _alert(layout: TaskLayout, frame: TaskFrame) -> str:
    return (
        '<div id="famulus-not-stored" class="famulus-frame famulus-alert" role="alert">'
        f"<strong>{layout.not_stored}</strong> {escape(frame.message)}</div>\n"
    )


def _header(
    header: Header,
    translate: Translator,
    seconds: int | None,
    number: int | None,
    most: int | None,
) -> str:
    time = "" if seconds is None else _time(translate, seconds)
    return header.html(time, "" if number is None else _unit(translate, number, most))


def _time(translate: Translator, seconds: int) -> str:
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


def _unit(translate: Translator, number: int, most: int | None) -> str:
    text = _("Unit {number} of at most {most}", number=number, most=most)
    if most is None:
        text = _("Unit {number}", number=number)
    return f"<li>{escape(translate(text))}</li>\n"
