"""The form that people send before they begin, and the personal link that an open one leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from famulus import Database, Entry, EntryField, EntryFieldKind, EntryForm, Refusal, Transaction
from famulus_links import refusals
from famulus_links.limits import Limits
from famulus_links.links import Link, insert_link, note_entry, read_newest_link, take_use
from famulus_links.people import Person, identifier, store_entered

if TYPE_CHECKING:
    from famulus_links.provider import LinksArgs

_WORD, _NAME, _EMAIL = "word", "name", "email"
_WRONG_WORD = "This is not the code word. Please check it, or ask the person who gave you the link."


class _UsedUp(Exception):  # noqa: N818 - undoes a transaction, never leaves this module
    """An open link has no uses left."""


def entry_form(link: Link, args: LinksArgs) -> EntryForm:
    """Return the form of a link, which asks nothing of a person who is known.

    An open link that is used up still has it, since who has come in may send it again.
    """
    is_open = link.worker is None
    fields = []
    if link.word:
        fields.append(EntryField(name=_WORD, label="Code word", kind=EntryFieldKind.CODE))
    if is_open and args.ask_name:
        fields.append(EntryField(name=_NAME, label="Name", kind=EntryFieldKind.NAME))
    if is_open and args.ask_email:
        fields.append(EntryField(name=_EMAIL, label="Mail address", kind=EntryFieldKind.EMAIL))
    return EntryForm(
        title="Before you begin",
        paragraphs=[text for text in (args.welcome or "").split("\n\n") if text.strip()],
        fields=fields,
        consent=args.consent or "",
        button="Begin",
        messages={"": refusals.USED_UP.text} if is_open and link.is_used_up else {},
    )


def register(
    database: Database, link: Link, form: EntryForm, entry: Entry
) -> Link | EntryForm | Refusal:
    """Return the personal link of a person who has sent the form of an open link.

    The same entry again gets the same link, and takes no other use of the open one.
    """
    given = entry.values
    if link.word and identifier(given[_WORD]) != identifier(link.word):
        return evolve(form, messages={_WORD: _WRONG_WORD})
    person = Person(name=given.get(_NAME, ""), email=given.get(_EMAIL, ""))
    try:
        return database.write(lambda tx: _register(tx, link, person, entry.key))
    except _UsedUp:
        return refusals.USED_UP


def _register(tx: Transaction, link: Link, person: Person, key: str) -> Link:
    # The same entry at the same time waits here until the first one is committed.
    number, is_new = store_entered(tx, person, f"{link.name}-{key}")
    if is_new:
        if not take_use(tx, link):
            raise _UsedUp
        insert_link(tx, link.run_id, Limits(expires_at=link.expires_at), person_id=number)
    own = read_newest_link(tx, link.run_id, number)
    note_entry(tx, own)
    return own
