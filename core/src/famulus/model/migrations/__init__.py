"""Core's own schema. Released steps are never changed; a test holds them beside the models."""

from __future__ import annotations

from famulus.model.migrations.files import read_migration
from famulus.model.schema import PluginSchema

#: What the newest step makes of a database.
_VERSION = 12

CORE = PluginSchema(name="famulus", migrations=tuple(map(read_migration, range(1, _VERSION + 1))))
