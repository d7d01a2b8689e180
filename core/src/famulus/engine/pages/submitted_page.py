"""Pages after a submission is stored, and the reply to the page's script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode, urlsplit

from famulus.contracts.provider import (
    Completion,
    GoTo,
    PostForm,
    ShowAnswers,
    ShowCode,
)
from famulus.contracts.views import RefusalReason
from famulus.engine.pages.document import script
from famulus.engine.pages.notice_page import actions, notice, paragraph

_LATE = (
    "They came after the time for this one was over: they are stored and marked late, and another"
    " worker may have got it meanwhile."
)
_TOO_LONG = "It is too long to be shown here whole; this is how it begins. All of it is stored."
_NOTHING_NOW = "There is nothing more for you to do right now."
_NO_MORE: Mapping[RefusalReason, str] = MappingProxyType(
    {
        RefusalReason.ALL_DONE: "You have done all there is for you in this task.",
        RefusalReason.MAXIMUM_REACHED: (
            "You have reached the maximum number of units one person may do in this task."
        ),
        RefusalReason.RUN_CLOSED: "This task is no longer accepting work.",
        RefusalReason.RUN_STOPPED: "This task has been paused; it may go on later.",
    }
)
#: Bytes of answers that a page repeats, twice: as a table and as data. This bounds the size of a
#: reply to any submission.
_MOST_REPEATED = 8000
#: Seconds to read that the answers were late, before the browser goes on by itself.
_LATE_PAUSE = 10


def stored_document(
    title: str,
    answers: Any,
    late: bool,
    completion: Completion,
    *,
    no_more: RefusalReason | None = None,
) -> str:
    """Return the page for stored answers, with what the provider wants the browser to do next.

    :param no_more: why the worker would get no further unit; it replaces the link to one.
    """
    late_note = f'<p class="famulus-note famulus-note-late">{escape(_LATE)}</p>\n' if late else ""
    shown = _answers(answers) if isinstance(completion, ShowAnswers) else ""
    after = _LATE_PAUSE if late else 0
    return notice(
        title,
        "Thank you! Your answers are stored.",
        late_note + _next_step(completion, after, no_more) + shown,
        mood="good",
        head=_refresh(completion, after),
        end=script("done.js"),
    )


def already_document(
    title: str, completion: Completion, *, no_more: RefusalReason | None = None
) -> str:
    """Return the page for a worker who comes back to what they have submitted.

    The browser does not go on by itself: a platform that sends workers back here would make a loop.
    """
    return notice(
        title,
        "You have submitted this one already",
        paragraph("Your answers are stored. Thank you!") + _next_step(completion, None, no_more),
        mood="good",
        end=script("done.js"),
    )


def submit_json(outcome: str, message: str, html: str) -> str:
    """Return the reply to the page's script.

    :param outcome: ``stored`` and ``conflict`` put ``html`` in the page's place (an empty one loads
        the page's address again); ``invalid``, ``refused`` and ``error`` show ``message`` in the
        form, which stays as it is.
    :param message: with ``stored`` and no ``html``, the next page confirms that the onboarding was
        passed, if there is one.
    """
    return json.dumps({"outcome": outcome, "message": message, "html": html})


def _next_step(completion: Completion, after: int | None, no_more: RefusalReason | None) -> str:
    """Return the next step as HTML.

    :param after: seconds until a browser goes on by itself; None for never.
    """
    match completion:
        case ShowAnswers() if no_more is not None:
            return paragraph(f"{_NO_MORE.get(no_more, _NOTHING_NOW)} You can close this page.")
        case ShowAnswers(next_query=query):
            link = escape(f"./?{urlencode(query)}")
            return actions(
                f'<a id="famulus-next" class="famulus-button" href="{link}">Next unit</a>'
            )
        case ShowCode(code=code, url=url):
            return _code(code, url)
        case GoTo(url=url) | PostForm(url=url) if not _is_web_address(url):
            return paragraph(
                "The address to go on to cannot be used. Please write to the requester"
                " (code: bad_next_address)."
            )
        case GoTo(url=url):
            return paragraph("One more step: continue to where you came from.") + actions(
                f'<a id="famulus-next" class="famulus-button" href="{escape(url)}"'
                f"{_after(after)}>Continue</a>"
            )
        case PostForm(url=url, fields=fields):
            return paragraph("One more step: tell the platform that you are done.") + _form(
                url, fields, after
            )
    return paragraph("You can close this page now.")


def _after(seconds: int | None) -> str:
    return "" if seconds is None else f' data-after-seconds="{seconds}"'


def _refresh(completion: Completion, after: int) -> str:
    if not isinstance(completion, GoTo) or not _is_web_address(completion.url):
        return ""
    # One second after the script, whose way leaves no entry in the browser's history.
    return f'<meta http-equiv="refresh" content="{after + 1};url={escape(completion.url)}">'


def _form(url: str, fields: Mapping[str, str], after: int | None) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n'
        for name, value in fields.items()
    )
    button = '<button class="famulus-button" type="submit">Continue</button>'
    return (
        f'<form id="famulus-next" method="post" action="{escape(url)}"{_after(after)}>\n'
        f"{hidden}{actions(button)}</form>\n"
    )


def _code(code: str, url: str) -> str:
    text = "One more step: copy this code and enter it where you found the task."
    link = ""
    if url and _is_web_address(url):
        link = actions(
            f'<a class="famulus-button" href="{escape(url)}">Go to where the code belongs</a>'
        )
    return (
        f"{paragraph(text)}"
        f'<div class="famulus-code"><code id="famulus-completion-code">{escape(code)}</code>\n'
        '<button id="famulus-copy" class="famulus-small-button" type="button" hidden>Copy</button>'
        f"</div>\n{link}"
    )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _answers(answers: Any) -> str:
    text = _lines(answers)
    encoded = text.encode(errors="replace")
    if len(encoded) > _MOST_REPEATED:
        beginning = encoded[:_MOST_REPEATED].decode(errors="ignore")
        return (
            f"<h2>What you sent</h2>\n{paragraph(_TOO_LONG)}"
            f'<pre class="famulus-json" tabindex="0">{escape(beginning, quote=False)} …</pre>\n'
        )
    table = answers_list(answers, "What you sent")
    # Quotes are not escaped, so that the source of the page has the data as they are stored.
    return (
        f"{table}<h2>As data</h2>\n"
        f'<pre class="famulus-json" id="famulus-answers" tabindex="0">'
        f"{escape(text, quote=False)}</pre>\n"
    )


def answers_list(answers: Any, heading: str) -> str:
    """Return the answers as a list of names and values in HTML; nothing if they have no names."""
    if not isinstance(answers, Mapping) or not answers:
        return ""
    rows = "".join(
        f"<dt>{escape(str(name))}</dt>\n<dd>{_value(value)}</dd>\n"
        for name, value in answers.items()
    )
    return f'<h2>{escape(heading)}</h2>\n<dl class="famulus-answers">\n{rows}</dl>\n'


def _lines(answers: Any) -> str:
    """Return JSON with one line per answer. json's own indentation is twenty times slower."""
    if not isinstance(answers, Mapping) or not answers:
        return json.dumps(answers, ensure_ascii=False)
    lines = (
        f"  {json.dumps(str(name), ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in answers.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}"


def _value(value: Any) -> str:
    match value:
        case None | "" | []:
            return '<span class="famulus-none">no answer</span>'
        case {"name": str(name), "size": int(size), "type": str(kind)}:
            details = ", ".join(part for part in (_size(size), kind) if part)
            return f"{escape(name)} ({escape(details)})"
        case list():
            return "<ul>" + "".join(f"<li>{_value(item)}</li>" for item in value) + "</ul>"
        case str():
            return escape(value)
    return escape(json.dumps(value, ensure_ascii=False))


def _size(size: int) -> str:
    if size < 1000:
        return f"{size} bytes"
    if size < 1_000_000:
        return f"{size / 1000:.1f} kB"
    return f"{size / 1_000_000:.1f} MB"
