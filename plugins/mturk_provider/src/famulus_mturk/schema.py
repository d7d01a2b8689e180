"""The plugin's schema. Released steps are never changed.

Rows name runs and requesters by their numbers without a foreign key, so that core can rebuild its
own tables without these.
"""

from __future__ import annotations

from famulus import Migration, PluginSchema

_SQLITE = (
    """CREATE TABLE "mturk_run" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "run_id" INTEGER NOT NULL,
        "hit_type_id" VARCHAR(64) NOT NULL,
        "group_id" VARCHAR(64) NOT NULL
    )""",
    'CREATE UNIQUE INDEX "mturk_run_once" ON "mturk_run" ("run_id")',
    """CREATE TABLE "mturk_hit" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "run_id" INTEGER NOT NULL,
        "place" INTEGER NOT NULL,
        "hit_id" VARCHAR(64),
        "tried_at" INTEGER NOT NULL,
        "closed" BOOLEAN NOT NULL,
        "ended" BOOLEAN NOT NULL,
        "worker_name" VARCHAR(64),
        "assignment_id" VARCHAR(64),
        "approved_at" INTEGER,
        "rejected" BOOLEAN NOT NULL,
        "gone" BOOLEAN NOT NULL
    )""",
    'CREATE UNIQUE INDEX "mturk_hit_place" ON "mturk_hit" ("run_id", "place")',
    'CREATE UNIQUE INDEX "mturk_hit_id" ON "mturk_hit" ("hit_id")',
    'CREATE INDEX "mturk_hit_assignment" ON "mturk_hit" ("assignment_id")',
    """CREATE TABLE "mturk_bonus" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "key" VARCHAR(255) NOT NULL,
        "assignment_id" VARCHAR(64) NOT NULL,
        "sent_at" INTEGER NOT NULL
    )""",
    'CREATE UNIQUE INDEX "mturk_bonus_once" ON "mturk_bonus" ("key")',
    """CREATE TABLE "mturk_qualification" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "requester_id" INTEGER NOT NULL,
        "name" VARCHAR(255) NOT NULL,
        "type_id" VARCHAR(64) NOT NULL
    )""",
    'CREATE UNIQUE INDEX "mturk_qualification_once"'
    ' ON "mturk_qualification" ("requester_id", "name")',
)

#: Unknown for a bonus from before this step: 0 means that its token is not trusted.
_FIRST_SENT = ('ALTER TABLE "mturk_bonus" ADD COLUMN "first_sent_at" INTEGER NOT NULL DEFAULT 0',)

_LAST_TRIED = (
    'ALTER TABLE "mturk_hit" ADD COLUMN "last_tried_at" INTEGER NOT NULL DEFAULT 0',
    'UPDATE "mturk_hit" SET "last_tried_at" = "tried_at"',
)


def _postgresql(statement: str) -> str:
    keyed = statement.replace("INTEGER NOT NULL PRIMARY KEY", "BIGSERIAL NOT NULL PRIMARY KEY")
    return keyed.replace("INTEGER", "BIGINT")


SCHEMA = PluginSchema(
    name="mturk",
    migrations=tuple(
        Migration(number=number, sqlite=step, postgresql=tuple(map(_postgresql, step)))
        for number, step in enumerate((_SQLITE, _FIRST_SENT, _LAST_TRIED), start=1)
    ),
)
