"""The page of an entry form, which asks for a worker's name or consent before they arrive."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from html import escape
from types import MappingProxyType
from urllib.parse import urlencode

from attrs import frozen

from famulus.catalogue import _
from famulus.contracts.entry_form import EntryField, EntryFieldKind, EntryForm
from famulus.engine.pages.document import document
from famulus.engine.pages.frame import TaskInfo, contact_html, header
from famulus.translation import Translator

#: The hidden field with the key of the page.
ENTRY_KEY_FIELD = "famulus_entry"
#: The box of the consent.
CONSENT_FIELD = "famulus_consent"
#: The address that the form is sent to, beside the task's page.
_ADDRESS = "enter"
_CHECK = _("Please check what is marked below.")
_CONTROLS: Mapping[EntryFieldKind, str] = MappingProxyType(
    {
        EntryFieldKind.TEXT: 'type="text"',
        EntryFieldKind.NAME: 'type="text" autocomplete="name"',
        EntryFieldKind.EMAIL: 'type="email" autocomplete="email"',
        EntryFieldKind.CODE: (
            'type="text" autocomplete="off" autocapitalize="none" autocorrect="off"'
            ' spellcheck="false"'
        ),
    }
)


@frozen(kw_only=True)
class EntryPage:
    """The content of an entry page."""

    info: TaskInfo
    form: EntryForm
    #: the URL parameters of the page, which its form is sent with again
    query: Mapping[str, str]
    #: random for each page, and kept while its form is sent again
    key: str
    #: the values of fields that were sent already
    values: Mapping[str, str] = MappingProxyType({})
    is_consent_given: bool = False
    #: why what was sent does not do, by field; under an empty name, about all of it
    messages: Mapping[str, str] = MappingProxyType({})


def consent_value(form: EntryForm) -> str:
    """Return the value of the consent checkbox; it changes whenever the form's text changes."""
    text = "\0".join((form.title, *form.paragraphs, form.consent))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def entry_document(page: EntryPage, translate: Translator) -> str:
    """Return the page; its form works without JavaScript."""
    form = page.form
    asked = [*(each.name for each in form.fields), CONSENT_FIELD]
    first_wrong = next((name for name in asked if name in page.messages), "")
    text = "".join(f"<p>{contact_html(translate(each))}</p>\n" for each in form.paragraphs)
    fields = "".join(
        _field(page, each, translate, name_of_first=first_wrong) for each in form.fields
    )
    consent = _consent(page, translate, is_first=first_wrong == CONSENT_FIELD)
    body = (
        f'<main id="famulus-page">\n{header(page.info, translate)}'
        f'<section class="famulus-frame famulus-entry">\n<h2>{escape(translate(form.title))}</h2>\n'
        f"{_alert(page, translate, has_marks=bool(first_wrong))}{text}"
        f'<form id="famulus-entry" method="post" accept-charset="utf-8"'
        f' action="{escape(f"{_ADDRESS}?{urlencode(page.query)}")}">\n'
        # Without autocomplete="off", Firefox restores the values of hidden fields after a reload.
        f'<input type="hidden" name="{ENTRY_KEY_FIELD}" value="{escape(page.key)}"'
        f' autocomplete="off">\n{fields}{consent}'
        f'<button class="famulus-button" type="submit">{escape(translate(form.button))}</button>\n'
        "</form>\n</section>\n</main>\n"
    )
    title = f"{translate(form.title)} · {translate(page.info.title)}"
    return document(title, body, translate.language)


def _alert(page: EntryPage, translate: Translator, *, has_marks: bool) -> str:
    sentences = [page.messages.get("", ""), _CHECK if has_marks else ""]
    text = " ".join(map(translate, filter(None, sentences)))
    return f'<p class="famulus-alert" role="alert">{escape(text)}</p>\n' if text else ""


def _field(page: EntryPage, asked: EntryField, translate: Translator, *, name_of_first: str) -> str:
    name, help_text = asked.name, translate(asked.help)
    message = translate(page.messages.get(name, ""))
    optional = (
        ""
        if asked.required
        else f' <span class="famulus-optional">{escape(translate(_("(optional)")))}</span>'
    )
    described = _described(name, {"help": help_text, "message": message})
    required = " required" if asked.required else ""
    return (
        f'<div class="famulus-field">\n<label for="famulus-field-{name}">'
        f"{escape(translate(asked.label))}{optional}</label>\n"
        f"{_help(name, help_text)}{_message(name, message)}"
        f'<input id="famulus-field-{name}" name="{name}" {_CONTROLS[asked.kind]}'
        f' maxlength="{asked.longest}" value="{escape(page.values.get(name, ""))}"{required}'
        f"{described}{_focus(is_first=name == name_of_first)}>\n</div>\n"
    )


def _consent(page: EntryPage, translate: Translator, *, is_first: bool) -> str:
    if not page.form.consent:
        return ""
    message = translate(page.messages.get(CONSENT_FIELD, ""))
    checked = " checked" if page.is_consent_given else ""
    return (
        f'<div class="famulus-field famulus-consent">\n{_message(CONSENT_FIELD, message)}'
        f'<input id="famulus-field-{CONSENT_FIELD}" name="{CONSENT_FIELD}" type="checkbox"'
        f' value="{consent_value(page.form)}" required{checked}'
        f"{_described(CONSENT_FIELD, {'message': message})}{_focus(is_first=is_first)}>\n"
        f'<label for="famulus-field-{CONSENT_FIELD}">{escape(translate(page.form.consent))}'
        "</label>\n</div>\n"
    )


def _help(name: str, text: str) -> str:
    return (
        f'<p id="famulus-field-{name}-help" class="famulus-help">{escape(text)}</p>\n'
        if text
        else ""
    )


def _message(name: str, text: str) -> str:
    if not text:
        return ""
    return f'<p id="famulus-field-{name}-message" class="famulus-wrong">{escape(text)}</p>\n'


def _described(name: str, texts: Mapping[str, str]) -> str:
    """Return the ARIA attributes that link a control to the texts about it."""
    ids = " ".join(f"famulus-field-{name}-{part}" for part, text in texts.items() if text)
    invalid = ' aria-invalid="true"' if texts["message"] else ""
    return f'{invalid} aria-describedby="{ids}"' if ids else invalid


def _focus(*, is_first: bool) -> str:
    # On the first control with a message: screen readers read it out, and phones scroll to it.
    return " autofocus" if is_first else ""
