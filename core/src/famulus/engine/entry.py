"""Entry forms: show one before a worker arrives, and check the submitted values against it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

from attrs import frozen

from famulus.catalogue import _, _n
from famulus.contracts.entry_form import Entry, EntryField, EntryFieldKind, EntryForm
from famulus.contracts.provider import Provider
from famulus.contracts.views import Form, Refusal, Reply
from famulus.engine import pages
from famulus.engine.admission import Admission
from famulus.escaping import escaped_line
from famulus.names import stripped
from famulus.translation import Translator

_KEY = re.compile("[0-9a-f]{32}")
_MAIL_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_NO_CONSENT = _("Please tick this box if you agree. Without it, you cannot take part.")
_OTHER_CONSENT = _(
    "The text above has changed. Please read it again, and tick this box if you agree."
)
_NO_KEY = _("Not all of the form has arrived. Please send it again.")
_NO_REASON = _("Please check what you have entered.")
_EMPTY = _("Please fill this in.")
_HIDDEN = _("This has a character that cannot be seen. Please type it instead of pasting it.")
_NO_MAIL_ADDRESS = _("Please enter a mail address, such as name@example.org.")


@frozen(eq=False, kw_only=True)
class EntryDesk:
    """The entry forms of one run. Used by many threads; keeps nothing."""

    provider: Provider
    info: pages.TaskInfo
    admission: Admission

    def show(
        self, form: EntryForm, query: Mapping[str, str], translate: Translator
    ) -> Reply | Refusal:
        """Return the page of a form, with a new key, unless the run gives no more work."""
        refusal = self.admission.refuse_all()
        if refusal is not None:
            return refusal
        page = pages.EntryPage(
            info=self.info,
            form=form,
            query=query,
            key=secrets.token_hex(16),
            messages=form.messages,
        )
        return Reply(status=200, body=pages.entry_document(page, translate))

    def enter(self, query: Mapping[str, str], sent: Form, translate: Translator) -> Reply | Refusal:
        """Return a redirect for the sender of a form, the form again, or a refusal.

        The provider makes the form once more, so that it gets only the fields it has asked for.

        :param query: the parameters of the address that the form was sent to.
        """
        form = self.provider.arrive(query)
        if isinstance(form, Refusal):
            return form
        if not isinstance(form, EntryForm):
            return _redirect(query)
        # What people say of themselves is not to be stored where it leads to nothing.
        refusal = self.admission.refuse_all()
        if refusal is not None:
            return refusal
        values = {each.name: stripped(sent.first(each.name) or "") for each in form.fields}
        key, messages = sent.first(pages.ENTRY_KEY_FIELD) or "", _messages(form, sent, values)
        if not _KEY.fullmatch(key):
            key, messages = secrets.token_hex(16), {"": _NO_KEY, **messages}
        if not messages:
            found = self.provider.enter(query, Entry(values=values, key=key))
            if isinstance(found, Refusal):
                return found
            if not isinstance(found, EntryForm):
                return _redirect(_parameters(found))
            form, messages = found, dict(found.messages) or {"": _NO_REASON}
        page = pages.EntryPage(
            info=self.info,
            form=form,
            query=query,
            key=key,
            values={each.name: values.get(each.name, "")[: each.longest] for each in form.fields},
            is_consent_given=_is_consent_given(form, sent),
            messages=messages,
        )
        return Reply(status=422, body=pages.entry_document(page, translate))


def _messages(form: EntryForm, sent: Form, values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with a form that was sent, by field."""
    messages = {each.name: _fault(each, values[each.name]) for each in form.fields}
    if form.consent and not _is_consent_given(form, sent):
        was_ticked = bool(sent.first(pages.CONSENT_FIELD))
        messages[pages.CONSENT_FIELD] = _OTHER_CONSENT if was_ticked else _NO_CONSENT
    return {name: message for name, message in messages.items() if message}


def _fault(asked: EntryField, value: str) -> str:
    if not value:
        return _EMPTY if asked.required else ""
    if len(value) > asked.longest:
        return _n(
            "Please enter at most {count} character.",
            "Please enter at most {count} characters.",
            count=asked.longest,
        )
    if escaped_line(value) != value:
        return _HIDDEN
    if asked.kind is EntryFieldKind.EMAIL and not _MAIL_ADDRESS.fullmatch(value):
        return _NO_MAIL_ADDRESS
    return ""


def _is_consent_given(form: EntryForm, sent: Form) -> bool:
    return sent.first(pages.CONSENT_FIELD) == pages.consent_value(form)


def _parameters(found: object) -> Mapping[str, str]:
    if isinstance(found, Mapping) and all(
        isinstance(text, str) for pair in found.items() for text in pair
    ):
        return found
    # Without the value, which may name a person: the log is kept when they are forgotten.
    raise TypeError(
        f"enter returned a {type(found).__name__}: it must return URL parameters to go on with, as"
        " text, an EntryForm or a Refusal"
    )


def _redirect(query: Mapping[str, str]) -> Reply:
    """Return the reply that leads a browser to the run's page with these parameters."""
    # Relative to the address of the form, since a run may be served below a path.
    return Reply(status=303, body="", headers={"Location": f"./?{urlencode(query)}"})
