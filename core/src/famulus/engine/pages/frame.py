"""The frame around a task: its header, its notes, its languages, its form and Submit button."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

from attrs import frozen

from famulus.catalogue import _
from famulus.contact_address import is_mail_address, is_web_address
from famulus.contracts.views import Page
from famulus.html_attributes import attributes
from famulus.translation import ENGLISH, LANGUAGES, Language, LocalizedText, Translator

#: The id of the note, and the hash of the address at which the page's script shows it.
PASSED_ID = "famulus-passed"
PASSED = _("You have passed the introduction.")
CONTACT = _("Contact: {contact}")
_SUBMIT = _("Submit")

_SUBMIT_ID = "famulus-submit"
_NOT_OF_THE_BUTTON = frozenset({"type", "value", "class", "name", "form"}) | {
    "formaction",
    "formenctype",
    "formmethod",
    "formtarget",
}


@frozen(kw_only=True)
class TaskInfo:
    """The facts about a run that its pages show."""

    #: this, the description and the contact may be a :class:`LocalizedText`
    title: str
    description: str = ""
    #: what one unit pays, as :func:`amount_text` returns it; empty if it pays nothing
    reward: str = ""
    #: the name of the account that pays; empty if it means nothing to workers
    requester: str = ""
    #: how workers reach the requester: a mail address, a web address or a sentence
    contact: str = ""
    #: the tag of the language of all pages; empty if the browser decides
    language: str = ""
    #: the tags of those among which it does; empty for all
    languages: Sequence[str] = ()


def own_language(info: TaskInfo) -> Language:
    """Return the language to assume for a task if its page does not state one."""
    return LANGUAGES.get(info.language, ENGLISH)


def around_attributes(page: Page, language: Language, own: Language) -> str:
    """Return the language attributes of the parts around a task; none if the task has the same.

    :param language: the language of our own parts.
    :param own: the language of the task, unless its page states another one.
    """
    stated = _page_language(page, own)
    return "" if stated == language.attributes else attributes(language.attributes)


def task_attributes(page: Page, language: Language, own: Language) -> str:
    """Return the language attributes for a task; none if our own parts have its language."""
    stated = _page_language(page, own)
    return "" if stated == language.attributes else attributes(stated)


def _page_language(page: Page, own: Language) -> Mapping[str, str]:
    given = {name.lower(): value for name, value in page.html_attributes.items()}
    lang = given.get("lang", own.tag)
    direction = own.direction if lang == own.tag else "ltr"
    return {"lang": lang, "dir": given.get("dir", direction)}


def submit_button(page: Page, translate: Translator) -> str:
    """Return the Submit button: an ``<input>``, as scripts written for other platforms expect."""
    submit = attributes({"type": "submit", "value": translate(_SUBMIT)})
    own = attributes(page.submit_attributes, without=_NOT_OF_THE_BUTTON)
    if not own:
        return f'<input id="{_SUBMIT_ID}" class="famulus-button"{submit}>\n'
    hidden = " hidden" if "hidden" in page.submit_attributes else ""
    return (
        f'<span id="{_SUBMIT_ID}"{hidden}><input class="famulus-page-button"{own}{submit}></span>\n'
    )


def note(element_id: str, strong: str, text: str) -> str:
    """Return a note of the frame as HTML."""
    return (
        f'<p class="famulus-frame famulus-note" id="{element_id}"><strong>{escape(strong)}</strong>'
        f" {escape(text)}</p>\n"
    )


def header(info: TaskInfo, translate: Translator) -> str:
    """Return the header as HTML, without the time left and the unit's number."""
    return Header.of(info, translate).html()


@frozen
class Header:
    """The header of a run's pages in one language: HTML without the parts that differ by page."""

    title: str
    description: str
    #: items of the list, before and after the number of the unit
    before_number: str
    after_number: str

    @classmethod
    def of(cls, info: TaskInfo, translate: Translator) -> Header:
        """Return the header of a run's pages."""
        title, text = translate(info.title), translate(info.description)
        if text == title:
            text = ""
        reward = translate(_("{reward} per unit", reward=info.reward))
        requester = translate(_("Requester: {requester}", requester=info.requester))
        after = _item(escape(requester)) if info.requester else ""
        if info.contact:
            after += _item(translate.html(CONTACT, contact=contact_html(translate(info.contact))))
        description = ""
        if text:
            language = _language_of(info.description, translate)
            description = f'<p class="famulus-description"{language}>{escape(text)}</p>\n'
        return cls(
            title=(
                '<header class="famulus-frame famulus-header">\n<div class="famulus-heading">\n'
                f'<h1 class="famulus-title"{_language_of(info.title, translate)}>{escape(title)}'
                "</h1>\n"
            ),
            description=f"</div>\n{description}",
            before_number=_item(escape(reward)) if info.reward else "",
            after_number=after,
        )

    def html(self, time: str = "", number: str = "") -> str:
        """Return the header.

        :param time: the time left, as HTML.
        :param number: the number of the unit among the worker's, as an item of the list.
        """
        items = f"{self.before_number}{number}{self.after_number}"
        facts = f'<ul class="famulus-facts">\n{items}</ul>\n' if items else ""
        return f"{self.title}{time}{self.description}{facts}</header>\n"


def _language_of(text: str, translate: Translator) -> str:
    """Return the language attributes of an author's text within our own parts."""
    if isinstance(text, LocalizedText):
        language = text.language(translate.language)
        if language != translate.language:
            return attributes(language.attributes)
    return ' dir="auto"'


def _item(fact: str) -> str:
    return f"<li>{fact}</li>\n"


def onboarding_note(info: TaskInfo, translate: Translator) -> str:
    """Return the note on the page of an onboarding."""
    strong = translate(_("This is an introduction, before your first unit."))
    text = (
        _(
            "It is not paid. You have one try: what you submit decides whether you can go on to the"
            " units, which pay {reward} each.",
            reward=info.reward,
        )
        if info.reward
        else _(
            "It is not paid. You have one try: what you submit decides whether you can go on to the"
            " units."
        )
    )
    return note("famulus-onboarding", strong, translate(text))


def passed_note(translate: Translator, *, is_shown: bool) -> str:
    """Return the note that the onboarding was passed; hidden until the page's script shows it."""
    hidden = "" if is_shown else " hidden"
    return (
        f'<p class="famulus-frame famulus-note famulus-note-good" id="{PASSED_ID}" role="status"'
        f"{hidden}>{escape(translate(PASSED))}</p>\n"
    )


def contact_html(contact: str) -> str:
    """Return a contact as HTML: a link to a new page for an address, else text."""
    shown = escape(contact)
    if is_mail_address(contact):
        return f'<a href="mailto:{escape(quote(contact, safe="@"))}">{shown}</a>'
    if is_web_address(contact):
        return f'<a href="{shown}" target="_blank" rel="noopener noreferrer">{shown}</a>'
    return shown
