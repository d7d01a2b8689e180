"""Elements without an answer: buttons and instructions.

Sources: the pages "crowd-button" and "crowd-instructions" of the developer guide of SageMaker, and
the regions ``short-instructions`` and ``full-instructions`` of its page "crowd-classifier".
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from types import MappingProxyType

from famulus_crowd_form.catalogue import _
from famulus_crowd_form.elements.base import Part, Tag, attributes
from famulus_crowd_form.filters import INVALID_URL, is_safe_url

_TITLES: Mapping[str, str] = MappingProxyType({
    "full-instructions": _("Full instructions"),
    "detailed-instructions": _("Detailed instructions"),
})  # fmt: skip
_VIEW = _("View instructions")


def crowd_button(tag: Tag) -> Part:
    """Return the button; its content is its text."""
    address = tag.text("href").strip()
    look = f"crowd-button{' crowd-primary' if tag.text('variant') == 'primary' else ''}"
    if address:
        link = attributes({
            "class": look,
            "href": address if is_safe_url(address) else INVALID_URL,
            "target": tag.text("target"),
            "rel": "noopener noreferrer",
        })  # fmt: skip
        return Part(f"<a{link}>", "</a>")
    action = tag.text("form-action").strip().lower()
    button = attributes({
        "class": look,
        "type": action if action in ("submit", "reset") else "button",
        "disabled": tag.flag("disabled"),
    })  # fmt: skip
    return Part(f"<button{button}>", "</button>")


def is_submit(tag: Tag) -> bool:
    """Return whether a ``crowd-button`` submits, so that the page needs no other button."""
    return tag.text("form-action").strip().lower() == "submit" and not tag.text("href")


def crowd_instructions(tag: Tag) -> Part:
    """Return what can be opened for the instructions inside."""
    title = escape(tag.text("link-text") or tag.translate(_VIEW))
    return Part(f'<details class="crowd-details"><summary>{title}</summary>', "</details>")


def full_instructions(tag: Tag) -> Part:
    """Return what can be opened for long instructions."""
    title = escape(tag.text("header") or tag.translate(_TITLES[tag.name]))
    return Part(f'<details class="crowd-details"><summary>{title}</summary>', "</details>")
