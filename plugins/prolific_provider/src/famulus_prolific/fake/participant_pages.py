"""The pages of the participants' site."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from famulus_prolific.fake.records import AT_WORK, Study, Submission


def sign_in_page() -> str:
    """Return the page that asks for a participant's id."""
    return _page(
        "Participants",
        '<form method="post" action="/sign-in"><label>Prolific ID '
        '<input name="participant_id" required pattern="[0-9a-f]{24}"></label>'
        "<button>Sign in</button></form>",
    )


def home_page(
    participant_id: str, studies: Sequence[Study], submissions: Sequence[Submission]
) -> str:
    """Return the list of studies and of a participant's submissions."""
    found = "".join(
        f'<li><a href="/studies/{one.id}">{escape(one.fields["name"])}</a></li>' for one in studies
    )
    mine = "".join(
        f'<li><a href="/submissions/{one.id}">{escape(one.study.fields["name"])}</a>:'
        f" {one.status}</li>"
        for one in submissions
    )
    return _page(
        f"Studies for {participant_id}",
        f"<ul>{found or '<li>None</li>'}</ul><h2>Submissions</h2>"
        f"<ul>{mine or '<li>None</li>'}</ul>",
    )


def study_page(study: Study, currency: str) -> str:
    """Return the description of a study. It holds HTML, of which the platform allows a little."""
    minutes = study.fields["estimated_completion_time"]
    return _page(
        str(study.fields["name"]),
        f"<p>{currency} {study.reward / 100:.2f} for about {minutes} minutes</p>"
        f"<div>{study.fields['description']}</div>"
        + _button(f"/studies/{study.id}/reserve", "Take part in this study"),
    )


def submission_page(submission: Submission) -> str:
    """Return the page of one submission."""
    content = f'<p>Status: <strong id="status">{submission.status}</strong></p>'
    if submission.status in AT_WORK:
        path = f"/submissions/{submission.id}"
        content += (
            _button(f"{path}/start", "Open study")
            + _button(f"{path}/no-code", "I have no code")
            + _button(f"{path}/return", "Stop without completing")
        )
    return _page(str(submission.study.fields["name"]), content)


def completed_page(submission: Submission) -> str:
    """Return the page after a code was entered."""
    return _page(
        "Submission complete",
        f'<p>Status: <strong id="status">{submission.status}</strong></p>'
        f'<p>Code: <code id="code">{escape(submission.entered_code or "none")}</code></p>'
        '<p><a href="/">Studies</a></p>',
    )


def refusal_page(reason: str) -> str:
    """Return the page of a refusal."""
    return _page(
        "There was a problem", f'<p role="alert">{escape(reason)}</p><p><a href="/">Studies</a></p>'
    )


def _button(action: str, word: str) -> str:
    return f'<form method="post" action="{action}"><button>{word}</button></form>'


def _page(title: str, content: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<style>body { font: 1rem/1.5 sans-serif; margin: 1rem }</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
