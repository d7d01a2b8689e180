"""The page on which a reviewer looks at a unit: what the worker saw and what they answered.

Answers are untrusted text, and a script on the page could turn the values of fields into markup. So
no script runs on this page, and it sends nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from famulus.contracts.views import Page
from famulus.engine.pages.document import document
from famulus.engine.pages.frame import around_attributes
from famulus.engine.pages.preview_page import disabled_form
from famulus.engine.pages.way_out import answers_list
from famulus.translation import ENGLISH, Translator

#: Images, style sheets and fonts are shown as to workers; everything else is forbidden.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline' http: https: file:; "
    "img-src http: https: file: data:; media-src http: https: file: data:; "
    "font-src http: https: file: data:; form-action 'none'"
)


def review_document(
    title: str,
    page: Page | None,
    answers: Any,
    *,
    facts: Sequence[tuple[str, str]],
    assets: str = "",
) -> str:
    """Return the page of one unit.

    :param page: what the blueprint's ``review_page`` returned; None shows only the answers.
    :param facts: facts about the unit, as pairs of a name, which may repeat, and a text.
    :param assets: the URL of the folder with the page's own files; empty if there is none.
    """
    base = f'<base href="{escape(assets)}">\n' if assets else ""
    head = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n{base}'
    rows = "".join(f"<dt>{escape(name)}</dt>\n<dd>{escape(text)}</dd>\n" for name, text in facts)
    shown = "" if page is None else disabled_form(page, "What the worker saw and answered")
    around = "" if page is None else around_attributes(page, ENGLISH, ENGLISH)
    body = (
        f'<main id="famulus-page"{around}>\n<header class="famulus-frame famulus-header">\n'
        f'<h1 class="famulus-title">{escape(title)}</h1>\n'
        f'<dl class="famulus-answers">\n{rows}</dl>\n</header>\n{shown}'
        f'<section class="famulus-frame famulus-review">\n{_all_answers(answers)}</section>\n'
        "</main>\n"
    )
    if page is None:
        return document(title, body, ENGLISH, head=head)
    return document(
        title,
        body,
        ENGLISH,
        head=head + page.head,
        html_attributes=page.html_attributes,
        body_attributes=page.body_attributes,
    )


def _all_answers(answers: Any) -> str:
    listed = answers_list(answers, "All answers", Translator(ENGLISH))
    if listed:
        return listed
    text = json.dumps(answers, ensure_ascii=False, indent=2)
    return f'<h2>All answers</h2>\n<pre class="famulus-json" tabindex="0">{escape(text)}</pre>\n'
