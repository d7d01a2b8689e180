"""The plugin's schema. Released steps are never changed.

Rows name runs and requesters by their numbers without a foreign key, so that core can rebuild its
own tables without these.
"""

from __future__ import annotations

from famulus import Migration, PluginSchema
from famulus_prolific.account_tables import ACCOUNT_TABLES

_RUN = (
    """CREATE TABLE "prolific_run" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "run_id" INTEGER NOT NULL,
        "study_id" VARCHAR(64),
        "codes" TEXT NOT NULL,
        "url" TEXT NOT NULL,
        "is_paused" BOOLEAN NOT NULL
    )""",
    'CREATE UNIQUE INDEX "prolific_run_once" ON "prolific_run" ("run_id")',
    'CREATE UNIQUE INDEX "prolific_run_study" ON "prolific_run" ("study_id")',
)


def _postgresql(statement: str) -> str:
    keyed = statement.replace("INTEGER NOT NULL PRIMARY KEY", "BIGSERIAL NOT NULL PRIMARY KEY")
    return keyed.replace("INTEGER", "BIGINT")


SCHEMA = PluginSchema(
    name="prolific",
    migrations=tuple(
        Migration(number=number, sqlite=step, postgresql=tuple(map(_postgresql, step)))
        for number, step in enumerate((_RUN, ACCOUNT_TABLES), start=1)
    ),
)
