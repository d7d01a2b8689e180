"""The head of a task's page: its title, what it pays, who asks and how to reach them."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import quote

from attrs import frozen

from famulus.engine.unit_number import UnitNumber

_MAIL_ADDRESS = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"]+")
#: The part of the address that tells the page's script to say that the onboarding was passed.
PASSED_ID = "famulus-passed"
PASSED = "You have passed the introduction."


@frozen(kw_only=True)
class TaskInfo:
    """What every page of a run says about it."""

    title: str
    description: str = ""
    #: what one unit pays, as text; empty where it pays nothing
    reward: str = ""
    #: the name of the account that pays; empty where it says nothing
    requester: str = ""
    #: how workers reach the requester: a mail address, a web address or a sentence
    contact: str = ""


def header(info: TaskInfo, time: str = "", *, number: UnitNumber | None = None) -> str:
    """Return the header as HTML.

    :param time: the time left, as HTML.
    :param number: which of the worker's units this is; None leaves it out.
    """
    text = "" if info.description in ("", info.title) else info.description
    described = f'<p class="famulus-description">{escape(text)}</p>\n' if text else ""
    return (
        f'<header class="famulus-frame famulus-header">\n<div class="famulus-heading">\n'
        f'<h1 class="famulus-title">{escape(info.title)}</h1>\n{time}</div>\n'
        f"{described}{_facts(info, number)}</header>\n"
    )


def onboarding_note(info: TaskInfo) -> str:
    """Return the note that stands on the page of an onboarding."""
    pay = f", which pay {info.reward} each" if info.reward else ""
    return (
        '<p class="famulus-frame famulus-note" id="famulus-onboarding"><strong>This is an'
        " introduction, before your first unit.</strong> It is not paid. You have one try: what you"
        f" submit decides whether you can go on to the units{escape(pay)}.</p>\n"
    )


def passed_note(*, is_shown: bool) -> str:
    """Return the note that the onboarding was passed; hidden until the page's script shows it."""
    hidden = "" if is_shown else " hidden"
    return (
        f'<p class="famulus-frame famulus-note famulus-note-good" id="{PASSED_ID}" role="status"'
        f"{hidden}>{PASSED}</p>\n"
    )


def _facts(info: TaskInfo, number: UnitNumber | None) -> str:
    facts = []
    if info.reward:
        facts.append(escape(f"{info.reward} per unit"))
    if number is not None:
        most = "" if number.most is None else f" of at most {number.most:,}"
        facts.append(f"Unit {number.number:,}{most}")
    if info.requester:
        facts.append(f"Requester: {escape(info.requester)}")
    if info.contact:
        facts.append(f"Contact: {_contact(info.contact)}")
    items = "".join(f"<li>{fact}</li>\n" for fact in facts)
    return f'<ul class="famulus-facts">\n{items}</ul>\n' if facts else ""


def _contact(contact: str) -> str:
    """Return an address as a link that leaves the page open, and anything else as text."""
    shown = escape(contact)
    if _MAIL_ADDRESS.fullmatch(contact):
        return f'<a href="mailto:{escape(quote(contact, safe="@"))}">{shown}</a>'
    if _WEB_ADDRESS.fullmatch(contact):
        return f'<a href="{shown}" target="_blank" rel="noopener noreferrer">{shown}</a>'
    return shown
