"""The plugin's schema. Released steps are never changed.

Rows name runs and requesters by their numbers without a foreign key, so that core can rebuild its
own tables without these.
"""

from __future__ import annotations

from famulus import Migration, PluginSchema
from famulus_prolific.account_tables import ACCOUNT_TABLES, MEMBER_TABLES
from famulus_prolific.tables import (
    ARRIVAL_TABLES,
    END_COLUMN,
    REJECTIONS_COLUMN,
    RUN_TABLES,
    START_COLUMN,
    STOP_COLUMN,
    TOKEN_TABLES,
    WITHOUT_WORK_COLUMNS,
)


def _postgresql(statement: str) -> str:
    keyed = statement.replace("INTEGER NOT NULL PRIMARY KEY", "BIGSERIAL NOT NULL PRIMARY KEY")
    return keyed.replace("INTEGER", "BIGINT")


_STEPS = (
    RUN_TABLES,
    ACCOUNT_TABLES,
    ARRIVAL_TABLES,
    END_COLUMN,
    START_COLUMN,
    STOP_COLUMN,
    REJECTIONS_COLUMN,
    WITHOUT_WORK_COLUMNS,
    TOKEN_TABLES,
    MEMBER_TABLES,
)
SCHEMA = PluginSchema(
    name="prolific",
    migrations=tuple(
        Migration(number=number, sqlite=step, postgresql=tuple(map(_postgresql, step)))
        for number, step in enumerate(_STEPS, start=1)
    ),
)
