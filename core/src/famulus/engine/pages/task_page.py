"""The page a worker works on, and the preview of it."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from attrs import frozen

from famulus.contracts.views import Page
from famulus.engine.pages.document import attributes, document, script

#: The hidden field that says, signed, which agent the form belongs to.
TOKEN_FIELD = "famulus_token"
#: What became of a unit that was given back, for the page's script.
OUTCOME_HEADER = "X-Famulus-Outcome"
#: The parameter of a form's address that admits its body. It may appear in access logs.
TICKET_PARAMETER = "ticket"
#: The hidden field that is the same at every attempt to send one page's form.
SUBMISSION_FIELD = "famulus_submission"


@frozen(kw_only=True)
class TaskFrame:
    """What a task page is made from beside the blueprint's part.

    ``token`` answers for the worker and stands in the form; ``ticket`` only admits the form's body
    and stands in its address. ``storage_key`` names the agent among the answers that its browser
    keeps; ``seconds_left`` is None when the work has no deadline.
    """

    title: str
    description: str
    page: Page
    token: str
    ticket: str
    submission_id: str
    storage_key: str
    seconds_left: int | None
    onboarding: bool = False
    can_give_back: bool = True


def task_document(frame: TaskFrame) -> str:
    """Return the page with the form: complete without scripts, safer with ours.

    Our script runs before the author's, which stand in the form where they stand in the author's
    page. What may wait for another host comes last, and still in the form.
    """
    page = frame.page
    onboarding = ' data-onboarding=""' if frame.onboarding else ""
    sending = (
        f'{_SENDING} action="{escape(_address("submit", frame.ticket))}"'
        f' data-storage-key="{escape(frame.storage_key)}"{onboarding}'
    )
    body = (
        f'<main id="famulus-page">\n'
        f"{_header(frame.title, frame.description, _time(frame.seconds_left))}"
        f"{_form(page, sending)}"
        f"{_hidden(TOKEN_FIELD, frame.token)}{_hidden(SUBMISSION_FIELD, frame.submission_id)}"
        f"{script('answers.js', 'clock.js', 'worker.js', element_id='famulus-script')}"
        f'<div id="famulus-task" class="famulus-task">\n{page.body}\n</div>\n'
        f"{_actions(_address('give-back', frame.ticket), frame.can_give_back)}{script('parsed.js')}"
        f'<div class="famulus-task">\n{page.scripts}\n</div>\n</form>\n</main>\n'
    )
    return _document(frame.title, body, page)


def preview_document(title: str, description: str, page: Page | None) -> str:
    """Return the page for somebody who has not accepted: to look at, not to fill in.

    The author's scripts find a form as on the task page, one that browsers never send.
    """
    inside = ""
    if page is not None:
        inside = (
            f"{_form(page, _NEVER_SENT)}"
            '<fieldset id="famulus-task" class="famulus-task" disabled>\n'
            # Controls in a fieldset's first legend are never disabled, so that one is ours.
            f'<legend class="famulus-unseen">Preview</legend>\n{page.body}\n{page.scripts}\n'
            "</fieldset>\n</form>\n"
        )
    body = f'<main id="famulus-page">\n{_PREVIEW}{_header(title, description)}{inside}</main>\n'
    return document(title, body) if page is None else _document(title, body, page)


def _document(title: str, body: str, page: Page) -> str:
    return document(
        title,
        body,
        head=page.head,
        html_attributes=page.html_attributes,
        body_attributes=page.body_attributes,
    )


def _form(page: Page, sending: str) -> str:
    """Return the start tag of the form; how it is sent is not the page's to decide."""
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
_PREVIEW = (
    '<p class="famulus-frame famulus-note" id="famulus-preview"><strong>This is a'
    " preview.</strong> You can read it, but not answer yet. Accept the task where you found it"
    " to begin.</p>\n"
)


def _header(title: str, description: str, time: str = "") -> str:
    text = "" if description in ("", title) else description
    described = f'<p class="famulus-description">{escape(text)}</p>\n' if text else ""
    return (
        f'<header class="famulus-frame famulus-header">\n<div class="famulus-heading">\n'
        f'<h1 class="famulus-title">{escape(title)}</h1>\n{time}</div>\n{described}</header>\n'
    )


def _time(seconds: int | None) -> str:
    if seconds is None:
        return ""
    minutes = max(1, round(seconds / 60))
    return (
        f'<p id="famulus-time" class="famulus-time" data-seconds="{seconds}">'
        f"<noscript>{minutes} min left when this page was opened</noscript></p>\n"
    )


def _hidden(name: str, value: str) -> str:
    # Firefox puts the values of before a reload back into hidden fields unless told not to.
    return f'<input type="hidden" name="{name}" value="{escape(value)}" autocomplete="off">\n'


def _address(name: str, ticket: str) -> str:
    return f"{name}?{urlencode({TICKET_PARAMETER: ticket})}"


def _actions(give_back_address: str, can_give_back: bool) -> str:
    give_back = (
        '<button id="famulus-give-back" class="famulus-quiet-button" type="submit"'
        f' formaction="{escape(give_back_address)}" formnovalidate>Give back</button>\n'
    )
    return (
        '<div id="famulus-alert" class="famulus-frame famulus-alert" role="alert" tabindex="-1"'
        " hidden></div>\n"
        '<div class="famulus-frame famulus-actions">\n'
        '<button id="famulus-submit" class="famulus-button" type="submit">Submit</button>\n'
        f"{give_back if can_give_back else ''}</div>\n"
        '<div id="famulus-status" class="famulus-frame famulus-status" role="status" hidden>'
        "</div>\n"
        '<div id="famulus-notice" class="famulus-unseen" role="status"></div>\n'
    )
