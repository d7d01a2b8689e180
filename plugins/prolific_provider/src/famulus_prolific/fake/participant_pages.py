"""The pages of the participants' site."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from famulus_prolific.fake.records import AT_WORK, Study, Submission

_STYLE = """
body { margin: 0; background: #f4f5f7; color: #1c2330; font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 40rem; margin: 0 auto; padding: 1rem 1.25rem 2rem; overflow-wrap: anywhere }
h1 { font-size: 1.4rem; line-height: 1.3 } h2 { margin-top: 2rem; font-size: 1.1rem }
main > ul { padding: 0; list-style: none }
main > ul > li, form.one, .text { margin: .5rem 0; padding: .75rem 1rem; border: 1px solid #d5d9e0;
  border-radius: 6px; background: #fff }
input { display: block; width: 100%; box-sizing: border-box; margin: .25rem 0; padding: .5rem;
  font: inherit; font-family: monospace }
button { margin: .25rem .5rem .25rem 0; padding: .5rem 1rem; border: 1px solid #3b4252;
  border-radius: 6px; background: #3b4252; color: #fff; font: inherit; cursor: pointer }
form { display: inline } form.one { display: block }
button.quiet { background: #fff; color: #3b4252 } .fake { color: #5a6372; font-size: .9rem }
"""
#: An id such as the platform's: 24 hexadecimal digits.
_SOMEONE = "0123456789abcdef00000001"


def sign_in_page() -> str:
    """Return the page that asks for a participant's id."""
    return _page(
        "Participants",
        '<form class="one" method="post" action="/sign-in"><label>Prolific ID '
        f'<input name="participant_id" required pattern="[0-9a-f]{{24}}" value="{_SOMEONE}"'
        ' autocomplete="off" spellcheck="false"></label>'
        "<button>Sign in</button>"
        '<p class="fake">24 digits and letters from a to f. Each is a participant.</p></form>',
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
        f"<ul>{mine or '<li>None</li>'}</ul>"
        '<p><a href="/sign-in">Sign in as another participant</a></p>',
    )


def study_page(study: Study, currency: str) -> str:
    """Return the description of a study, in which the platform allows a little HTML."""
    minutes = study.fields["estimated_completion_time"]
    return _page(
        str(study.fields["name"]),
        f"<p>{currency} {study.reward / 100:.2f} for about {minutes} minutes</p>"
        f'<div class="text">{study.fields["description"]}</div>'
        + _button(f"/studies/{study.id}/reserve", "Take part in this study"),
    )


def submission_page(submission: Submission) -> str:
    """Return the page of one submission."""
    content = f'<p>Status: <strong id="status">{submission.status}</strong></p>'
    if submission.status in AT_WORK:
        path = f"/submissions/{submission.id}"
        content += (
            _button(f"{path}/start", "Open study")
            + _button(f"{path}/no-code", "I have no code", "quiet")
            + _button(f"{path}/return", "Stop without completing", "quiet")
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


def _button(action: str, word: str, kind: str = "") -> str:
    button = f'<button class="{kind}">{word}</button>'
    return f'<form method="post" action="{action}">{button}</form>'


def _page(title: str, content: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>"
        f'<body><main><p class="fake">A fake of Prolific on this machine</p>'
        f"<h1>{escape(title)}</h1>{content}</main></body></html>"
    )
