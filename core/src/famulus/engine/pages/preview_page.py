"""The preview of a task, and other pages that show its form but never send it."""

from __future__ import annotations

from html import escape

from famulus.catalogue import _
from famulus.contracts.views import Page
from famulus.engine.pages.document import document
from famulus.engine.pages.frame import (
    TaskInfo,
    around_attributes,
    header,
    note,
    own_language,
    submit_button,
    task_attributes,
)
from famulus.engine.pages.task_page import form_tag
from famulus.translation import Translator

_NEVER_SENT = ' method="dialog"'
_PREVIEW = _("Preview")


def preview_document(info: TaskInfo, translate: Translator, page: Page | None) -> str:
    """Return the page for a person who has not accepted the task; its form cannot be filled in.

    The author's scripts find the same form as on the task page, but browsers never send it.
    """
    inside = around = ""
    own = own_language(info)
    if page is not None:
        # Scripts that know our button by an id find one that is not shown.
        button = submit_button(page, translate) if "id" in page.submit_attributes else ""
        scripts = (f"<div hidden>{button}</div>\n" if button else "") + page.scripts
        around = around_attributes(page, translate.language, own)
        task = task_attributes(page, translate.language, own)
        legend = translate(_PREVIEW)
        inside = disabled_form(page, legend, scripts=scripts, task=task)
    body = (
        f'<main id="famulus-page"{around}>\n{_preview_note(translate)}'
        f"{header(info, translate)}{inside}</main>\n"
    )
    title = translate(info.title)
    if page is None:
        return document(title, body, translate.language)
    return document(
        title,
        body,
        own,
        head=page.head,
        html_attributes=page.html_attributes,
        body_attributes=page.body_attributes,
    )


def disabled_form(page: Page, legend: str, *, scripts: str = "", task: str = "") -> str:
    """Return the form of a page as HTML, with its fields disabled; browsers never send it.

    :param legend: the form's name for screen readers.
    :param scripts: the page's scripts that are loaded from other hosts.
    :param task: attributes of the task, as HTML.
    """
    return (
        f"{form_tag(page, _NEVER_SENT)}"
        f'<fieldset id="famulus-task" class="famulus-task"{task} disabled>\n'
        # Controls in a fieldset's first legend are never disabled, so that one is ours.
        f'<legend class="famulus-unseen">{escape(legend)}</legend>\n{page.body}\n{scripts}\n'
        "</fieldset>\n</form>\n"
    )


def _preview_note(translate: Translator) -> str:
    text = _("You can read it, but not answer yet. Accept the task where you found it to begin.")
    return note("famulus-preview", translate(_("This is a preview.")), translate(text))
