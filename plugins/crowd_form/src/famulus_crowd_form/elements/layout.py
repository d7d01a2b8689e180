"""Elements without an answer: buttons, instructions, cards, tabs.

Sources: the pages of the developer guide of SageMaker on each of them, and the regions
``short-instructions`` and ``full-instructions`` of its page "crowd-classifier".
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from types import MappingProxyType

from famulus_crowd_form.catalogue import _
from famulus_crowd_form.elements.base import ElementFault, Part, Tag, attributes
from famulus_crowd_form.elements.choices import image_url
from famulus_crowd_form.filters import INVALID_URL, is_safe_url

_TITLES: Mapping[str, str] = MappingProxyType({
    "full-instructions": _("Full instructions"),
    "detailed-instructions": _("Detailed instructions"),
})  # fmt: skip
_VIEW = _("View instructions")
# Translators: what opens a text that is closed at first
_OPEN = _("Click to open")


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
    """Return a disclosure element for the instructions inside."""
    return _details(tag, "link-text", _VIEW)


def full_instructions(tag: Tag) -> Part:
    """Return a disclosure element for long instructions."""
    return _details(tag, "header", _TITLES[tag.name])


def crowd_modal(tag: Tag) -> Part:
    """Return a disclosure element that is closed at first."""
    return _details(tag, "link-text", _OPEN)


def _details(tag: Tag, attribute: str, title: str) -> Part:
    """Return a disclosure element; without a title of the author's, a translated one is used."""
    given = tag.text(attribute)
    language = "" if given else tag.own_language
    summary = f"<summary{language}>{escape(given or tag.translate(title))}</summary>"
    return Part(f'<details class="crowd-details">{summary}', "</details>")


def crowd_icon_button(tag: Tag) -> Part:
    """Return a button whose text is its title, in place of a picture."""
    text = tag.text("title") or tag.text("label") or tag.text("icon").replace("-", " ")
    if not text.strip():
        raise ElementFault(f'<{tag.name}> has no text: write title="…"')
    button = attributes({
        "class": "crowd-button",
        "type": "button",
        "disabled": tag.flag("disabled"),
    })  # fmt: skip
    # Templates write it without an end tag.
    return Part(f"<button{button}>{escape(text)}</button>")


def crowd_badge(tag: Tag) -> Part:
    """Return the label of a badge; nothing for a badge with an icon, which is only a picture."""
    text = "" if tag.text("icon") else tag.text("label")
    return Part(f'<span class="crowd-badge">{escape(text)}</span>' if text else "")


def crowd_card(tag: Tag) -> Part:
    """Return the heading and the image above the content of a card."""
    heading, picture = tag.text("heading").strip(), ""
    if tag.text("image").strip():
        picture = f'<img class="crowd-card-image" src="{escape(image_url(tag, "image"))}" alt="">'
    shown = f'<p class="crowd-header">{escape(heading)}</p>' if heading else ""
    return Part(f"{picture}{shown}")


def crowd_tab(tag: Tag) -> Part:
    """Return the section for a tab, with its name; all tabs are shown, one below the other."""
    name = escape(tag.text("header").strip())
    if not name:
        raise ElementFault('<crowd-tab> has no name: write header="…"')
    start = (
        f'<div class="crowd-tab" role="group" aria-labelledby="{tag.key}-header">'
        f'<p class="crowd-header" id="{tag.key}-header">{name}</p>'
    )
    return Part(start, "</div>")
