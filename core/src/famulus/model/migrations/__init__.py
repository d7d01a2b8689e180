"""Core's own schema, read from the SQL files in this folder.

Released steps are never changed; a test compares what they make with the models.
"""

from __future__ import annotations

from importlib.resources import files

from famulus.model.schema import Migration, PluginSchema

#: The number of the newest step.
_VERSION = 29


def read_migration(number: int) -> Migration:
    """Read one step from its two files."""
    return Migration(
        number=number,
        sqlite=_statements(f"{number:04}_sqlite.sql"),
        postgresql=_statements(f"{number:04}_postgresql.sql"),
    )


def _statements(name: str) -> tuple[str, ...]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return tuple(part.strip() for part in text.split(";\n") if part.strip())


CORE = PluginSchema(name="famulus", migrations=tuple(map(read_migration, range(1, _VERSION + 1))))
