"""The kinds of database."""

from __future__ import annotations

from enum import StrEnum


class DatabaseKind(StrEnum):
    """The two kinds of database that Famulus runs on."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
