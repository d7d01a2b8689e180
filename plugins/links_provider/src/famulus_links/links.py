"""Stored links: making, reading and revoking them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import peewee
from attrs import frozen

from famulus import Database, PluginRefusal, Transaction
from famulus_links import refusals
from famulus_links.addresses import name_in, new_name
from famulus_links.limits import Limits
from famulus_links.people import Person, is_known_as, store_person
from famulus_links.tables import LinksLink, LinksPerson

#: People whose links are made in one transaction, which workers have to wait for.
_AT_ONCE = 200
#: Wrong code words that are answered for a link in a minute: a word of a dictionary is not found in
#: days, and a class may mistype it.
MOST_GUESSES = 20


@frozen(kw_only=True)
class Link:
    """A link of a run, with its person."""

    id: int
    name: str
    run_id: int
    #: the worker that comes by it; None for an open link
    worker: str | None
    person_name: str | None
    email: str | None
    group_name: str | None
    uses: int | None
    used: int
    word: str
    guesses: int
    guess_minute: int
    expires_at: int | None
    entered_at: int | None
    revoked_at: int | None

    @property
    def is_used_up(self) -> bool:
        """Whether an open link has reached its limit of people."""
        return self.uses is not None and self.used >= self.uses

    def is_guessed(self, now: datetime) -> bool:
        """Return whether the limit of wrong code words in this minute is reached."""
        return self.guess_minute == _minute(now) and self.guesses >= MOST_GUESSES

    def refuse(self, now: datetime) -> PluginRefusal | None:
        """Return a refusal if the link gives no work at that time, or None."""
        if self.revoked_at is not None:
            return refusals.REVOKED
        if self.expires_at is not None and self.expires_at <= now.timestamp():
            return refusals.EXPIRED
        return None

    def is_of(self, who: str) -> bool:
        """Return whether the link has this address, or its person has this name or address."""
        name = name_in(who)
        if name is not None:
            return name == self.name
        return is_known_as(who, self.worker, self.person_name, self.email)


def read_link(tx: Transaction, name: str) -> Link | None:
    """Return the link of that name, or None."""
    return next(_links(tx, LinksLink.name == name), None)


def links_of(tx: Transaction, run: int) -> list[Link]:
    """Return the links of a run in the order in which they were made."""
    return list(_links(tx, LinksLink.run_id == run))


def _links(tx: Transaction, condition: Any) -> Iterator[Link]:
    query = (
        LinksLink.select(
            LinksLink.id,
            LinksLink.name,
            LinksLink.run_id,
            LinksPerson.worker,
            LinksPerson.name.alias("person_name"),
            LinksPerson.email,
            LinksPerson.group_name,
            LinksLink.uses,
            LinksLink.used,
            LinksLink.word,
            LinksLink.guesses,
            LinksLink.guess_minute,
            LinksLink.expires_at,
            LinksLink.entered_at,
            LinksLink.revoked_at,
        )
        .join(LinksPerson, peewee.JOIN.LEFT_OUTER, on=(LinksLink.person_id == LinksPerson.id))
        .where(condition)
        .order_by(LinksLink.id)
    )
    return (Link(**vars(row)) for row in tx.rows(query))


def make_links(
    database: Database, run: int, people: Sequence[Person], limits: Limits
) -> list[Link]:
    """Return a link for each person: an existing one, unless it is revoked, or a new one.

    A limit that is given replaces the link's own.
    """
    parts = [people[start : start + _AT_ONCE] for start in range(0, len(people), _AT_ONCE)]
    return [link for part in parts for link in _make_part(database, run, part, limits)]


def _make_part(
    database: Database, run: int, part: Sequence[Person], limits: Limits
) -> Sequence[Link]:
    return database.write(lambda tx: [_make(tx, run, person, limits) for person in part])


def _make(tx: Transaction, run: int, person: Person, limits: Limits) -> Link:
    owner = store_person(tx, person)
    insert_link(tx, run, limits, person_id=owner)
    given = {
        name: value
        for name, value in (("uses", limits.uses), ("expires_at", limits.expires_at))
        if value is not None
    }
    if given:
        tx.execute(
            LinksLink.update(given).where(_theirs(run, owner), LinksLink.revoked_at.is_null())
        )
    return read_newest_link(tx, run, owner)


def make_open_link(database: Database, run: int, word: str, limits: Limits) -> str:
    """Make an open link, and return its name."""
    return database.write(lambda tx: insert_link(tx, run, limits, word=word))


def insert_link(
    tx: Transaction, run: int, limits: Limits, *, person_id: int | None = None, word: str = ""
) -> str:
    """Insert a link, unless its person has a valid one in the run; return the new link's name."""
    name = new_name()
    tx.execute(
        LinksLink.insert(
            name=name,
            run_id=run,
            person_id=person_id,
            uses=limits.uses,
            word=word,
            created_at=int(tx.now.timestamp()),
            expires_at=limits.expires_at,
        ).on_conflict_ignore()
    )
    return name


def note_entry(tx: Transaction, link: Link) -> None:
    """Store when the person of a link first sent the entry form."""
    query = LinksLink.update(entered_at=int(tx.now.timestamp())).where(
        LinksLink.id == link.id, LinksLink.entered_at.is_null()
    )
    tx.execute(query)


def read_newest_link(tx: Transaction, run: int, person: int) -> Link:
    """Return the newest link of a person, who must have one in the run."""
    return list(_links(tx, _theirs(run, person)))[-1]


def take_use(tx: Transaction, link: Link) -> bool:
    """Count one more person for an open link; return whether the link's limit allows that."""
    has_room = LinksLink.uses.is_null() | (LinksLink.used < LinksLink.uses)
    query = LinksLink.update(used=LinksLink.used + 1).where(
        LinksLink.id == link.id, LinksLink.revoked_at.is_null(), has_room
    )
    return bool(tx.execute(query).rowcount)


def take_guess(tx: Transaction, link: Link) -> int | None:
    """Count a guess of a link's code word; return the count in this minute, None beyond the limit.

    A right guess is counted until :func:`return_guess`, so that simultaneous guesses cannot exceed
    the limit.
    """
    minute = _minute(tx.now)
    is_now = LinksLink.guess_minute == minute
    query = (
        LinksLink.update(
            guesses=peewee.Case(None, [(is_now, LinksLink.guesses + 1)], 1), guess_minute=minute
        )
        .where(LinksLink.id == link.id, ~is_now | (LinksLink.guesses < MOST_GUESSES))
        .returning(LinksLink.guesses)
    )
    counted = tx.execute(query).fetchone()
    return None if counted is None else int(counted[0])


def return_guess(tx: Transaction, link: Link) -> None:
    """Take back the count of a guess in this transaction, because it was right."""
    query = LinksLink.update(guesses=LinksLink.guesses - 1).where(LinksLink.id == link.id)
    tx.execute(query)


def _minute(time: datetime) -> int:
    return int(time.timestamp()) // 60


def _theirs(run: int, person: int) -> Any:
    return (LinksLink.run_id == run) & (LinksLink.person_id == person)


def delete_person(tx: Transaction, worker: str) -> None:
    """Delete the data of a person, and their links, which do not work from then on."""
    person = LinksPerson.select(LinksPerson.id).where(LinksPerson.worker == worker)
    tx.execute(LinksLink.delete().where(LinksLink.person_id << person))
    tx.execute(LinksPerson.delete().where(LinksPerson.worker == worker))


def revoke(database: Database, links: Sequence[Link]) -> int:
    """Revoke links, and return how many were valid until then."""

    def job(tx: Transaction) -> int:
        query = LinksLink.update(revoked_at=int(tx.now.timestamp())).where(
            LinksLink.id << [link.id for link in links], LinksLink.revoked_at.is_null()
        )
        return int(tx.execute(query).rowcount)

    return database.write(job)
