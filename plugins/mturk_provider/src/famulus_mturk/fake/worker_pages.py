"""The pages of the site for workers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from famulus_mturk.fake.marketplace import Group, HitPage


def sign_in_page(account: str) -> str:
    """Return the page that asks for a name."""
    return _page(
        f"Workers ({account})",
        '<form method="post" action="/sign-in"><label>Worker ID '
        '<input name="worker_id" required pattern="A[A-Z0-9]+"></label>'
        "<button>Sign in</button></form>",
    )


def home_page(
    account: str, worker_id: str, groups: Sequence[Group], at_work: Sequence[HitPage]
) -> str:
    """Return the list of HITs and of begun assignments."""
    found = "".join(
        f'<li><a href="/projects/{group.id}/tasks">{escape(group.type.title)}</a>,'
        f" ${group.type.reward:.2f}, {group.places} available<br>"
        f"{escape(group.type.description)}</li>"
        for group in groups
    )
    begun = "".join(
        f'<li><a href="/tasks/{shown.assignment_id}">{shown.assignment_id}</a></li>'
        for shown in at_work
    )
    return _page(
        f"HITs for {worker_id} ({account})",
        f"<h2>All HITs</h2><ul>{found or '<li>None</li>'}</ul>"
        f"<h2>Your queue</h2><ul>{begun or '<li>Empty</li>'}</ul>",
    )


def preview_page(shown: HitPage) -> str:
    """Return the preview of a HIT."""
    accept = f"/projects/{shown.group_id}/tasks/accept"
    return _page("Preview", _button(accept, "Accept") + _frame(shown))


def task_page(shown: HitPage) -> str:
    """Return the page of an accepted HIT."""
    return _page(
        "Your HIT", _button(f"/tasks/{shown.assignment_id}/return", "Return") + _frame(shown)
    )


def submitted_page() -> str:
    """Return the page for the frame after a submission."""
    return _page("Submitted", "<p>The HIT has been successfully submitted.</p>")


def refusal_page(reason: str) -> str:
    """Return the page of a refusal."""
    return _page(
        "There was a problem", f'<p role="alert">{escape(reason)}</p><p><a href="/">HITs</a></p>'
    )


def _frame(shown: HitPage) -> str:
    if shown.url is None:
        return "<p>MTurk would show this question itself.</p>"
    height = shown.frame_height or 600
    return (
        f'<iframe title="HIT" src="{escape(shown.url)}" height="{height}"'
        ' style="width: 100%"></iframe>'
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
