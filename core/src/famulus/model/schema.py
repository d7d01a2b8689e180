"""A schema: the tables of core or of a plugin, as numbered migrations."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from famulus.model.database_kind import DatabaseKind


@frozen(kw_only=True)
class Migration:
    """One step, as SQL for each kind of database. Never changed once released."""

    number: int
    sqlite: Sequence[str]
    postgresql: Sequence[str]

    def statements(self, kind: DatabaseKind) -> Sequence[str]:
        """Return the step's SQL for a kind of database."""
        return self.sqlite if kind is DatabaseKind.SQLITE else self.postgresql


@frozen(kw_only=True)
class PluginSchema:
    """A plugin's own tables. ``name`` is the plugin's, and the prefix of every table's name.

    ``migrations`` are numbered from 1 without gaps and are never changed once released.
    """

    name: str
    migrations: Sequence[Migration]
