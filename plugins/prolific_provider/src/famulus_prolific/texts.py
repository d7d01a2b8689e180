"""Texts for participants: a study's description is HTML on Prolific."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from famulus import Plan, Problem

#: An element with an end, or one that needs none: a lone "<b>" may be a comparison.
_MARKUP = re.compile(r"<([a-z][a-z0-9]*)\b[^<>]*>.*</\1\s*>|<br\s*/?>", re.IGNORECASE | re.DOTALL)


def description_html(text: str) -> str:
    """Return a description in HTML, as Prolific requires: plain text is escaped, HTML unchanged."""
    return text if _MARKUP.search(text) else escape(text, quote=False)


def text_problems(plan: Plan) -> Iterator[Problem]:
    """Yield a warning if Prolific and the page of the task show a description differently."""
    if _MARKUP.search(plan.task.task_description or ""):
        message = (
            "contains HTML, which Prolific renders but the page of the task shows as text; "
            "put what needs formatting on the page of the task"
        )
        yield plan.problem("task.task_description", message, warning=True)
