"""The tables of people and of links, in the run's database.

Only ``links_person`` has names and addresses. Core and every export identify a person by the
``worker`` of that row, a random name.
"""

from __future__ import annotations

import peewee

from famulus import Migration, PluginSchema


class LinksPerson(peewee.Model):
    """A person, who is one worker in all runs of the database."""

    id = peewee.BigAutoField()
    #: the worker's name in core
    worker = peewee.CharField(max_length=64)
    name = peewee.CharField(max_length=255, default="")
    email = peewee.CharField(max_length=255, default="")
    #: of the list that names the person; data, for lists and letters
    group_name = peewee.CharField(max_length=255, default="")
    #: what a list of people identifies them by; null for those who have registered themselves
    listed_as = peewee.CharField(max_length=765, null=True)
    #: the open link that they have come by, and the key of their entry; null for those of a list
    entered_as = peewee.CharField(max_length=64, null=True)

    class Meta:
        table_name = "links_person"


class LinksLink(peewee.Model):
    """A link of a run: of one person, or an open one. Times are in seconds since 1970."""

    id = peewee.BigAutoField()
    #: random; with its signature, it is the address's parameter
    name = peewee.CharField(max_length=16)
    run_id = peewee.BigIntegerField()
    #: whose link it is; null for an open one
    person_id = peewee.BigIntegerField(null=True)
    #: the most visits of a person, or people of an open link; null for any number
    uses = peewee.BigIntegerField(null=True)
    #: how many people have come in by an open link
    used = peewee.BigIntegerField(default=0)
    #: the code word of an open link; empty if it needs none
    word = peewee.CharField(max_length=255, default="")
    #: how many wrong code words were given in the minute ``guess_minute``, counted since 1970
    guesses = peewee.BigIntegerField(default=0)
    guess_minute = peewee.BigIntegerField(default=0)
    created_at = peewee.BigIntegerField()
    expires_at = peewee.BigIntegerField(null=True)
    #: when its person sent the form that comes first, with their consent if it asks for that
    entered_at = peewee.BigIntegerField(null=True)
    revoked_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "links_link"


# Rows name runs by their numbers without a foreign key, so that core can rebuild its own tables.
_PERSON = """CREATE TABLE links_person (
    id {id} NOT NULL PRIMARY KEY,
    worker VARCHAR(64) NOT NULL,
    name VARCHAR(255) NOT NULL,
    email VARCHAR(255) NOT NULL,
    group_name VARCHAR(255) NOT NULL,
    listed_as VARCHAR(765),
    entered_as VARCHAR(64)
)"""
_LINK = """CREATE TABLE links_link (
    id {id} NOT NULL PRIMARY KEY,
    name VARCHAR(16) NOT NULL,
    run_id BIGINT NOT NULL,
    person_id BIGINT,
    uses BIGINT,
    used BIGINT NOT NULL,
    word VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    entered_at BIGINT,
    revoked_at BIGINT
)"""
_INDEXES = (
    "CREATE UNIQUE INDEX links_person_worker ON links_person (worker)",
    "CREATE UNIQUE INDEX links_person_listed ON links_person (listed_as)",
    "CREATE UNIQUE INDEX links_person_entered ON links_person (entered_as)",
    "CREATE UNIQUE INDEX links_link_name ON links_link (name)",
    # A person has one valid link in a run; of an open one, the person is null.
    "CREATE UNIQUE INDEX links_link_once ON links_link (run_id, person_id) "
    "WHERE revoked_at IS NULL",
)

_GUESSES = (
    "ALTER TABLE links_link ADD COLUMN guesses BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE links_link ADD COLUMN guess_minute BIGINT NOT NULL DEFAULT 0",
)


def _statements(id_type: str) -> tuple[str, ...]:
    return (_PERSON.format(id=id_type), _LINK.format(id=id_type), *_INDEXES)


SCHEMA = PluginSchema(
    name="links",
    migrations=(
        Migration(number=1, sqlite=_statements("INTEGER"), postgresql=_statements("BIGSERIAL")),
        Migration(number=2, sqlite=_GUESSES, postgresql=_GUESSES),
    ),
)
