"""Numbered migrations: how a schema comes to be, one step at a time."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from famulus.model.statements import Kind


@frozen(kw_only=True)
class Migration:
    """One step, as SQL for each kind of database. Never changed once released."""

    number: int
    sqlite: Sequence[str]
    postgresql: Sequence[str]

    def statements(self, kind: Kind) -> Sequence[str]:
        """Return the step's SQL for a kind of database."""
        return self.sqlite if kind is Kind.SQLITE else self.postgresql
