"""The form that people send before they begin, and the personal link that an open one leads to."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from attrs import evolve

from famulus import Database, Entry, EntryField, EntryFieldKind, EntryForm, Refusal, Transaction
from famulus_links import refusals
from famulus_links.catalogue import _
from famulus_links.limits import Limits
from famulus_links.links import (
    MOST_GUESSES,
    Link,
    insert_link,
    note_entry,
    read_newest_link,
    return_guess,
    take_guess,
    take_use,
)
from famulus_links.people import Person, identifier, is_entered, store_entered

if TYPE_CHECKING:
    from famulus_links.provider import LinksArgs

_log = logging.getLogger(__name__)

_WORD, _NAME, _EMAIL = "word", "name", "email"
_WRONG_WORD = _(
    "This is not the code word. Please check it, or ask the person who gave you the link."
)
_MANY_GUESSES = _("Too many wrong code words were given just now. Please try again in a minute.")


class _UsedUp(Exception):  # noqa: N818 - undoes a transaction, never leaves this module
    """An open link has no uses left."""


def entry_form(link: Link, args: LinksArgs) -> EntryForm:
    """Return the form of a link, which asks a known person for nothing.

    An open link that is used up still has the form: people who have come in may send it again.
    """
    is_open = link.worker is None
    fields = []
    if link.word:
        fields.append(EntryField(name=_WORD, label=_("Code word"), kind=EntryFieldKind.CODE))
    if is_open and args.ask_name:
        fields.append(EntryField(name=_NAME, label=_("Name"), kind=EntryFieldKind.NAME))
    if is_open and args.ask_email:
        fields.append(EntryField(name=_EMAIL, label=_("Mail address"), kind=EntryFieldKind.EMAIL))
    return EntryForm(
        title=_("Before you begin"),
        paragraphs=[text for text in (args.welcome or "").split("\n\n") if text.strip()],
        fields=fields,
        consent=args.consent or "",
        button=_("Begin"),
        messages={"": refusals.USED_UP.text} if is_open and link.is_used_up else {},
    )


def register(
    database: Database, link: Link, form: EntryForm, entry: Entry
) -> Link | EntryForm | Refusal:
    """Return the personal link of a person who has sent the form of an open link.

    The same entry gets the same link again, and does not count as another use of the open link.
    """
    given = entry.values
    entered_as = f"{link.name}-{entry.key}"
    if link.word:
        is_right = identifier(given[_WORD]) == identifier(link.word)
        message = _check_guess(database, link, entered_as, is_right=is_right)
        if message:
            return evolve(form, messages={_WORD: message})
    person = Person(name=given.get(_NAME, ""), email=given.get(_EMAIL, ""))
    try:
        return database.write(lambda tx: _register(tx, link, person, entered_as))
    except _UsedUp:
        return refusals.USED_UP


def _check_guess(database: Database, link: Link, entered_as: str, *, is_right: bool) -> str:
    """Return why a code word is not accepted, or an empty text.

    A person who has come in may send the same entry again, even while others guess too often.
    """

    def count(tx: Transaction) -> int | None:
        number = take_guess(tx, link)
        if is_right and number is not None:
            return_guess(tx, link)
        return number

    with database.read() as tx:
        if is_entered(tx, entered_as):
            return "" if is_right else _WRONG_WORD
    number = None if link.is_guessed(database.clock()) else database.write(count)
    if number is None:
        return _MANY_GUESSES
    if number == MOST_GUESSES and not is_right:
        _log.warning(
            "run %d: %d wrong code words for an open link within a minute: until the next one, it "
            "lets no other people in. If this goes on, revoke it, and make another one with "
            "another word (`famulus links open %d --word …`)",
            link.run_id,
            number,
            link.run_id,
        )
    return "" if is_right else _WRONG_WORD


def _register(tx: Transaction, link: Link, person: Person, entered_as: str) -> Link:
    # The same entry at the same time waits here until the first one is committed.
    number, is_new = store_entered(tx, person, entered_as)
    if is_new:
        if not take_use(tx, link):
            raise _UsedUp
        insert_link(tx, link.run_id, Limits(expires_at=link.expires_at), person_id=number)
    own = read_newest_link(tx, link.run_id, number)
    note_entry(tx, own)
    return own
