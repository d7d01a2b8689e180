"""The page of a task for its author: a form without the frame, sent to the author's own program."""

from __future__ import annotations

from html import escape

from famulus.contracts.views import Page
from famulus.engine.pages.document import document
from famulus.html_attributes import attributes
from famulus.translation import ENGLISH


def author_document(title: str, page: Page, *, action: str, above: str = "") -> str:
    """Return a blueprint's page as a whole document, for a preview while its author writes it.

    The task looks as workers see it. The form is sent to ``action``; it has no token and stores no
    draft.

    :param above: HTML above the task.
    """
    sending = attributes({
        "id": "famulus-form",
        **page.form_attributes,
        "method": "post",
        "enctype": "multipart/form-data",
        "action": action,
    })  # fmt: skip
    body = (
        f'<main id="famulus-page">\n<header class="famulus-frame famulus-header">\n'
        f'<h1 class="famulus-title">{escape(title)}</h1>\n</header>\n'
        f'<div class="famulus-frame famulus-review">{above}</div>\n<form{sending}>\n'
        f'<div id="famulus-task" class="famulus-task">\n{page.body}\n</div>\n'
        '<div class="famulus-frame famulus-actions">'
        '<button class="famulus-button" type="submit">Submit</button></div>\n'
        f'<div class="famulus-task">\n{page.scripts}\n</div>\n</form>\n</main>\n'
    )
    return document(
        title,
        body,
        ENGLISH,
        head=page.head,
        html_attributes=page.html_attributes,
        body_attributes=page.body_attributes,
    )
