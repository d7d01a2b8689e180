"""The tables of an account: locks, sets of bonuses, groups, subscriptions.

Times are in seconds since 1970. Rows name runs and requesters by their numbers without a foreign
key, so that core can rebuild its own tables without these.
"""

from __future__ import annotations

import peewee


class ProlificLock(peewee.Model):
    """An activity that only one process may do at a time, and until when it may."""

    id = peewee.BigAutoField()
    name = peewee.CharField(max_length=255)
    #: random, of one holder
    holder = peewee.CharField(max_length=64)
    until = peewee.BigIntegerField()

    class Meta:
        table_name = "prolific_lock"


class ProlificBulk(peewee.Model):
    """A set of bonuses on Prolific, and the state of its payment. A set is paid at most once."""

    id = peewee.BigAutoField()
    bulk_id = peewee.CharField(max_length=64)
    run_id = peewee.BigIntegerField()
    #: when the call that pays it was about to be sent; null where none was
    started_at = peewee.BigIntegerField(null=True)
    #: when Prolific accepted that call; null where it has not, or its reply was lost
    accepted_at = peewee.BigIntegerField(null=True)
    #: whether the set is not paid and never will be
    abandoned = peewee.BooleanField(default=False)

    class Meta:
        table_name = "prolific_bulk"


class ProlificGroup(peewee.Model):
    """The participant group of a qualification in a requester's account."""

    id = peewee.BigAutoField()
    requester_id = peewee.BigIntegerField()
    name = peewee.CharField(max_length=255)
    group_id = peewee.CharField(max_length=64)

    class Meta:
        table_name = "prolific_group"


class ProlificMember(peewee.Model):
    """A worker who was added to a participant group, and not removed since."""

    id = peewee.BigAutoField()
    requester_id = peewee.BigIntegerField()
    #: of the group, as in :class:`ProlificGroup`
    name = peewee.CharField(max_length=255)
    worker_name = peewee.CharField(max_length=64)

    class Meta:
        table_name = "prolific_member"


class ProlificHook(peewee.Model):
    """A subscription to events, which are sent to a run."""

    id = peewee.BigAutoField()
    run_id = peewee.BigIntegerField()
    event_type = peewee.CharField(max_length=64)
    #: empty until it is confirmed; it may exist before
    subscription_id = peewee.CharField(max_length=64)
    target_url = peewee.TextField()

    class Meta:
        table_name = "prolific_hook"


ACCOUNT_TABLES = (
    """CREATE TABLE "prolific_lock" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "name" VARCHAR(255) NOT NULL,
        "holder" VARCHAR(64) NOT NULL,
        "until" INTEGER NOT NULL
    )""",
    'CREATE UNIQUE INDEX "prolific_lock_name" ON "prolific_lock" ("name")',
    """CREATE TABLE "prolific_bulk" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "bulk_id" VARCHAR(64) NOT NULL,
        "run_id" INTEGER NOT NULL,
        "started_at" INTEGER,
        "accepted_at" INTEGER,
        "abandoned" BOOLEAN NOT NULL
    )""",
    'CREATE UNIQUE INDEX "prolific_bulk_id" ON "prolific_bulk" ("bulk_id")',
    """CREATE TABLE "prolific_group" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "requester_id" INTEGER NOT NULL,
        "name" VARCHAR(255) NOT NULL,
        "group_id" VARCHAR(64) NOT NULL
    )""",
    'CREATE UNIQUE INDEX "prolific_group_once" ON "prolific_group" ("requester_id", "name")',
    """CREATE TABLE "prolific_hook" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "run_id" INTEGER NOT NULL,
        "event_type" VARCHAR(64) NOT NULL,
        "subscription_id" VARCHAR(64) NOT NULL,
        "target_url" TEXT NOT NULL
    )""",
    'CREATE UNIQUE INDEX "prolific_hook_once" ON "prolific_hook" ("run_id", "event_type")',
)
MEMBER_TABLES = (
    """CREATE TABLE "prolific_member" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "requester_id" INTEGER NOT NULL,
        "name" VARCHAR(255) NOT NULL,
        "worker_name" VARCHAR(64) NOT NULL
    )""",
    'CREATE UNIQUE INDEX "prolific_member_once" ON "prolific_member" '
    '("requester_id", "name", "worker_name")',
    'CREATE INDEX "prolific_member_worker" ON "prolific_member" ("worker_name")',
)
